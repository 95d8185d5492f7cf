//! What the domain tells the user while it works, in its own terms. `app/prompter.rs` words and shows it.

use std::fmt::Display;
use std::time::Duration;

use url::Url;

use crate::name::ProviderName;
use crate::ports::terminal::Waiting;

/// Tells the user what to do, what authctl waits for, and what they should know.
pub trait Prompter: Send + Sync {
    /// The user should log in with a browser.
    fn log_in(&self, login: &BrowserLogin<'_>);
    /// The user should enter a code on any device.
    fn enter_code(&self, code: &CodeEntry<'_>);
    /// A browser was opened at the page where the user enters the code.
    fn opened_code_page(&self);
    /// The user should approve the login on their device, which shows the same message.
    fn approve(&self, message: &str);
    /// The user should log out at the URL: in the browser that was `opened` there, or by opening it themselves.
    fn log_out(&self, url: &Url, opened: bool);
    /// Shows that authctl waits, at most for `limit`, until the returned guard is dropped.
    fn wait(&self, reason: WaitReason, limit: Option<Duration>) -> Option<Box<dyn Waiting>>;
    /// Notes something that changes nothing now.
    fn note(&self, text: &dyn Display);
    /// Warns of something that the user should fix.
    fn warn(&self, text: &dyn Display);
}

#[derive(Debug, Clone, Copy)]
pub struct BrowserLogin<'a> {
    /// The URL to open.
    pub url: &'a Url,
    /// Whether a browser was opened.
    pub opened: bool,
    /// Whether the user may paste the URL that a browser on another machine is redirected to.
    pub may_paste: bool,
    /// The provider, if the user can log in with a device code instead.
    pub device_login: Option<&'a ProviderName>,
}

#[derive(Debug, Clone, Copy)]
pub struct CodeEntry<'a> {
    pub code: &'a str,
    /// Where the user enters it.
    pub url: &'a Url,
    /// The same URL with the code in it, if the server supplied one: for a QR code.
    pub complete_url: &'a Url,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    Browser,
    Consent,
    Tokens,
    OtherLogin,
    KeyringUnlock,
}

/// Says nothing: for code that runs before, or without, a command line.
pub struct Silent;

impl Prompter for Silent {
    fn log_in(&self, _: &BrowserLogin<'_>) {}
    fn enter_code(&self, _: &CodeEntry<'_>) {}
    fn opened_code_page(&self) {}
    fn approve(&self, _: &str) {}
    fn log_out(&self, _: &Url, _: bool) {}
    fn wait(&self, _: WaitReason, _: Option<Duration>) -> Option<Box<dyn Waiting>> {
        None
    }
    fn note(&self, _: &dyn Display) {}
    fn warn(&self, _: &dyn Display) {}
}

//! What the domain tells the user while it works, in its own terms. `app/prompter.rs` chooses the words and shows them.

use std::fmt::Display;
use std::time::Duration;

use url::Url;

use crate::name::ProviderName;
use crate::ports::terminal::Waiting;

/// Tells the user what to do, what is waited for, and what they should know.
pub trait Prompter: Send + Sync {
    /// The user is to log in with a browser.
    fn log_in(&self, login: &BrowserLogin<'_>);
    /// The user is to enter a code on any device.
    fn enter_code(&self, code: &CodeEntry<'_>);
    /// A browser was opened at the page where the code is entered.
    fn opened_code_page(&self);
    /// The user is to approve the login on their device, which shows the same message.
    fn approve(&self, message: &str);
    /// The user is to log out at the URL, in the browser that was `opened` there or by opening it themselves.
    fn log_out(&self, url: &Url, opened: bool);
    /// Shows that authctl waits, at most for `limit`, until the returned guard is dropped.
    fn wait(&self, reason: WaitReason, limit: Option<Duration>) -> Option<Box<dyn Waiting>>;
    /// Notes something that changes nothing now.
    fn note(&self, text: &dyn Display);
    /// Warns of something that the user should fix.
    fn warn(&self, text: &dyn Display);
}

/// A login that continues in a browser.
#[derive(Debug, Clone, Copy)]
pub struct BrowserLogin<'a> {
    /// Where the login begins.
    pub url: &'a Url,
    /// Where the browser returns to.
    pub redirect_uri: &'a Url,
    /// Whether a browser was opened.
    pub opened: bool,
    /// Whether the user may paste the address that a browser on another machine ends on.
    pub may_paste: bool,
    /// The provider, if the user can log in with a device code instead.
    pub device_login: Option<&'a ProviderName>,
}

/// A code and where it is entered.
#[derive(Debug, Clone, Copy)]
pub struct CodeEntry<'a> {
    pub code: &'a str,
    /// Where it is entered.
    pub url: &'a Url,
    /// The same with the code in it, if the server supplied one: for a QR code.
    pub complete_url: &'a Url,
}

/// What authctl waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The user finishes in the browser.
    Browser,
    /// The user consents on another device.
    Consent,
    /// The server answers with the tokens.
    Tokens,
    /// Another authctl ends its login.
    OtherLogin,
    /// The user unlocks the keyring.
    KeyringUnlock,
}

/// Tells nobody anything: for code that runs before, or without, a command line.
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

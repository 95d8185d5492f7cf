//! Browsers: one that consents, one that must not be opened, and ones that a story controls.

use std::collections::BTreeSet;
use std::sync::Arc;

use authctl::ports::{Browser, NoBrowser};
use url::Url;

use super::http;
use super::shared::Shared;

/// Follows the authorization URL to its end in the background, as a browser whose user is logged in and consents.
pub struct Consents;

impl Browser for Consents {
    fn open(&self, url: &Url, _: Option<&str>, _: &BTreeSet<String>) -> Result<(), NoBrowser> {
        let url = url.clone();
        std::thread::spawn(move || drop(follow(&url)));
        Ok(())
    }

    fn can_be_seen(&self) -> bool {
        true
    }
}

/// Requests a URL and what it redirects to: the last answer.
pub fn follow(url: &Url) -> Option<(u16, String)> {
    let mut url = url.clone();
    for _ in 0..5 {
        let (status, answer) = http::get(&url)?;
        match http::location(&answer).filter(|_| (300..400).contains(&status)) {
            Some(next) => url = next,
            None => return Some((status, answer)),
        }
    }
    None
}

/// What a request for a URL is redirected to: an authorization URL to the redirect URI, and a one-time link to that.
pub fn redirect_of(url: &Url) -> Option<Url> {
    http::location(&http::get(url)?.1)
}

/// Fails the test when it is opened.
pub struct Never;

impl Browser for Never {
    fn open(&self, url: &Url, _: Option<&str>, _: &BTreeSet<String>) -> Result<(), NoBrowser> {
        panic!("a browser was opened at {url}");
    }

    fn can_be_seen(&self) -> bool {
        true
    }
}

/// Runs a closure in the background with the URL that the one-time link leads to.
pub struct Does(pub Arc<dyn Fn(Url) + Send + Sync>);

impl Browser for Does {
    fn open(&self, link: &Url, _: Option<&str>, _: &BTreeSet<String>) -> Result<(), NoBrowser> {
        let (action, link) = (Arc::clone(&self.0), link.clone());
        std::thread::spawn(move || {
            if let Some(url) = redirect_of(&link) {
                action(url);
            }
        });
        Ok(())
    }

    fn can_be_seen(&self) -> bool {
        true
    }
}

/// Runs a closure in the background with the link itself.
pub struct Given(pub Arc<dyn Fn(Url) + Send + Sync>);

impl Browser for Given {
    fn open(&self, link: &Url, _: Option<&str>, _: &BTreeSet<String>) -> Result<(), NoBrowser> {
        let (action, link) = (Arc::clone(&self.0), link.clone());
        std::thread::spawn(move || action(link));
        Ok(())
    }

    fn can_be_seen(&self) -> bool {
        true
    }
}

/// No browser, as over SSH.
#[derive(Default)]
pub struct Absent(pub Shared<u32>);

impl Browser for Absent {
    fn open(&self, _: &Url, _: Option<&str>, _: &BTreeSet<String>) -> Result<(), NoBrowser> {
        *self.0.lock() += 1;
        Err(NoBrowser("there is none".to_owned()))
    }

    fn can_be_seen(&self) -> bool {
        false
    }
}

//! Opens the user's web browser.

use std::collections::BTreeSet;

use url::Url;

pub trait Browser: Send + Sync {
    /// Opens a URL in a browser that does not inherit the `withheld` variables. Success only means that a program was
    /// started.
    fn open(&self, url: &Url, with: Option<&str>, withheld: &BTreeSet<String>) -> Result<(), NoBrowser>;

    /// Whether the user would see the browser: not over SSH or without a display.
    fn can_be_seen(&self) -> bool;
}

/// Why no browser can be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open a browser: {0}")]
pub struct NoBrowser(pub String);

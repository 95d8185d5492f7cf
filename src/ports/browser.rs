//! Opens the user's web browser.

use std::collections::BTreeSet;

use url::Url;

/// Opens the user's web browser.
pub trait Browser: Send + Sync {
    /// Starts to show a URL, in a browser that does not inherit the `withheld` variables. That it returns says only that a
    /// program was started.
    ///
    /// # Errors
    /// When there is no browser to start.
    fn open(&self, url: &Url, with: Option<&str>, withheld: &BTreeSet<String>) -> Result<(), NoBrowser>;

    /// Whether a browser that is opened could be seen by the user: not over SSH or without a display.
    fn can_be_seen(&self) -> bool;
}

/// There is no browser to open; why.
#[derive(Debug, thiserror::Error)]
#[error("no browser could be opened: {0}")]
pub struct NoBrowser(pub String);

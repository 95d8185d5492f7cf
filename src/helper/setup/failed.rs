//! The error of a change that was not made.

use crate::error::Error;
use crate::text::untrusted::escaped;

/// A change that was not made.
pub(super) fn failed(message: String) -> Error {
    Error::failed(escaped(&message), "what is not marked as done was not changed")
}

//! The rule for every text that a terminal shows.

use crate::text::untrusted::steers;

/// Asserts that a text can only appear on a terminal, on its own lines.
pub(super) fn assert_harmless(what: &str, text: &str) {
    assert!(!text.contains(|c| c != '\n' && steers(c)), "{what} steers a terminal: {text:?}");
}

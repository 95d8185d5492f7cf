//! What must hold for every text that a terminal shows.

use crate::text::untrusted::steers;

/// Asserts that a text cannot do more to a terminal than appear, on lines of its own.
pub(super) fn assert_harmless(what: &str, text: &str) {
    assert!(!text.contains(|c| c != '\n' && steers(c)), "{what} steers a terminal: {text:?}");
}

//! Shows what a change does to a text.

use similar::{ChangeTag, TextDiff};

use crate::text::untrusted::escaped;

/// Only the changed lines, each with its sign: the lines around them may hold secrets.
pub fn changed_lines(before: &str, after: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    let mut text = String::new();
    for change in difference.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => "-",
            ChangeTag::Insert => "+",
        };
        let line = change.value().trim_end_matches('\n').replace('\t', "    ");
        text.push_str(&format!("  {sign} {}\n", escaped(&line)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_lines_are_shown_f_hlp4() {
        assert_eq!(changed_lines("secret = 1\na\n", "secret = 1\nb\n"), "  - a\n  + b\n");
        assert_eq!(changed_lines("a\n", "a\n"), "");
    }
}

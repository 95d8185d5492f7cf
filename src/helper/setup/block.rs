//! authctl's lines in another program's text file, between two markers.

use super::error::SetupError;

/// Returns the text with authctl's block of lines at its end, or without that block. The label identifies the block. Every
/// other byte stays.
///
/// # Errors
/// [`SetupError::BrokenBlock`], if one of the markers is missing, because then authctl cannot tell which lines are its own.
pub fn block(
    text: Option<&str>,
    label: &str,
    lines: &[String],
    undo: bool,
) -> Result<Option<String>, SetupError> {
    let (begin, end) = (format!("# begin: authctl {label}"), format!("# end: authctl {label}"));
    let before = text.unwrap_or_default();
    let mut kept = String::new();
    let mut inside = false;
    for line in before.split_inclusive('\n') {
        match line.trim_end() {
            marker if marker == begin && !inside => inside = true,
            marker if marker == end && inside => inside = false,
            marker if marker == begin || marker == end => return Err(broken(&begin, &end)),
            _ if inside => {}
            _ => kept.push_str(line),
        }
    }
    if inside {
        return Err(broken(&begin, &end));
    }
    if !undo && !lines.is_empty() {
        let newline = if before.lines().count() < before.matches("\r\n").count() * 2 { "\r\n" } else { "\n" };
        if !kept.is_empty() && !kept.ends_with('\n') {
            kept.push_str(newline);
        }
        for line in [&begin].into_iter().chain(lines).chain([&end]) {
            kept.push_str(line);
            kept.push_str(newline);
        }
    }
    Ok(Some(kept).filter(|kept| !kept.is_empty() || before.is_empty() && text.is_some()))
}

fn broken(begin: &str, end: &str) -> SetupError {
    SetupError::BrokenBlock { begin: begin.to_owned(), end: end.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_added_and_removed() {
        let lines = ["one".to_owned(), "two".to_owned()];
        let with = "a\n# begin: authctl x\none\ntwo\n# end: authctl x\n";
        let other = "# begin: authctl y\nz\n# end: authctl y\n";
        let windows = "a\r\nb\r\n# begin: authctl x\r\none\r\ntwo\r\n# end: authctl x\r\n";
        for (name, before, undo, after) in [
            ("into a new file", None, false, Some("# begin: authctl x\none\ntwo\n# end: authctl x\n")),
            ("after existing lines", Some("a\n"), false, Some(with)),
            ("after a line without a line feed", Some("a"), false, Some(with)),
            ("added twice", Some(with), false, Some(with)),
            ("removed", Some(with), true, Some("a\n")),
            (
                "removed from a file with nothing else",
                Some("# begin: authctl x\none\n# end: authctl x\n"),
                true,
                None,
            ),
            ("another block stays", Some(other), true, Some(other)),
            ("removed from a missing file", None, true, None),
            ("removed from a file without it", Some("a"), true, Some("a")),
            ("Windows line ends", Some("a\r\nb\r\n"), false, Some(windows)),
            ("removed with Windows line ends", Some(windows), true, Some("a\r\nb\r\n")),
        ] {
            assert_eq!(block(before, "x", &lines, undo).unwrap().as_deref(), after, "{name}");
        }
    }

    #[test]
    fn a_block_without_both_markers_is_refused() {
        for text in [
            "# begin: authctl x\none\nmine\n",
            "one\n# end: authctl x\nmine\n",
            "# begin: authctl x\n# begin: authctl x\n# end: authctl x\n",
        ] {
            for undo in [false, true] {
                assert!(block(Some(text), "x", &["one".to_owned()], undo).is_err(), "{text:?}");
            }
        }
    }
}

//! Our lines in a text file of another program's, between two marks.

use super::error::SetupError;

/// A text with our block of lines at its end; or without it. The label tells blocks apart. All else stays as it is, byte by
/// byte.
///
/// # Errors
/// [`SetupError::BrokenBlock`], where one of the marks is missing: what is ours could not be told from what is not.
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
            mark if mark == begin && !inside => inside = true,
            mark if mark == end && inside => inside = false,
            mark if mark == begin || mark == end => return Err(half(&begin, &end)),
            _ if inside => {}
            _ => kept.push_str(line),
        }
    }
    if inside {
        return Err(half(&begin, &end));
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

fn half(begin: &str, end: &str) -> SetupError {
    SetupError::BrokenBlock { begin: begin.to_owned(), end: end.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_and_goes() {
        let lines = ["one".to_owned(), "two".to_owned()];
        let with = "a\n# begin: authctl x\none\ntwo\n# end: authctl x\n";
        let other = "# begin: authctl y\nz\n# end: authctl y\n";
        let windows = "a\r\nb\r\n# begin: authctl x\r\none\r\ntwo\r\n# end: authctl x\r\n";
        for (name, before, undo, after) in [
            ("into nothing", None, false, Some("# begin: authctl x\none\ntwo\n# end: authctl x\n")),
            ("behind what is there", Some("a\n"), false, Some(with)),
            ("behind a line without an end", Some("a"), false, Some(with)),
            ("twice is once", Some(with), false, Some(with)),
            ("taken back", Some(with), true, Some("a\n")),
            ("the last one", Some("# begin: authctl x\none\n# end: authctl x\n"), true, None),
            ("another's stays", Some(other), true, Some(other)),
            ("nothing to take back", None, true, None),
            ("nothing to take back of it", Some("a"), true, Some("a")),
            ("Windows' lines", Some("a\r\nb\r\n"), false, Some(windows)),
            ("Windows' lines taken back", Some(windows), true, Some("a\r\nb\r\n")),
        ] {
            assert_eq!(block(before, "x", &lines, undo).unwrap().as_deref(), after, "{name}");
        }
    }

    #[test]
    fn half_a_block_is_not_guessed_at() {
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

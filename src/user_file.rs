//! Files of the user's that this program changes: configurations, its own and those of other programs.

use std::io::{self, Write as _};
use std::path::Path;

use similar::{ChangeTag, TextDiff};

use crate::foreign::escaped;
use crate::ports::read_text;

/// A configuration file is not longer.
const LONGEST: u64 = 4 << 20;

/// Reads such a file; `None` where there is none.
///
/// # Errors
/// As the system reports them; also for a file that is too long or not UTF-8.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match read_text(path, LONGEST) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file anew, as a whole or not at all; without a text it is removed. A file that is a link, as in a folder of
/// dotfiles, stays one. Its permissions stay; a new file is for its owner alone.
///
/// # Errors
/// As the system reports them.
pub fn replace(path: &Path, text: Option<&str>) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let Some(text) = text else { return std::fs::remove_file(path) };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = std::fs::metadata(&path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Only the lines that change, each with its sign: those around them may hold secrets.
#[must_use]
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
    fn f_hlp4_only_changed_lines_are_shown() {
        assert_eq!(changed_lines("secret = 1\na\n", "secret = 1\nb\n"), "  - a\n  + b\n");
        assert_eq!(changed_lines("a\n", "a\n"), "");
    }
}

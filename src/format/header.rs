//! The header lines of a request, for `curl -H @-`.

use super::definition::{Format, FormatError, Subject, one_line};
use crate::secret::SecretText;
use crate::token::Issued;

pub const FORMAT: Format = Format { name: "header", about: "the whole header line", render };

fn render(issued: &Issued, subject: &Subject<'_>) -> Result<SecretText, FormatError> {
    let mut lines = String::new();
    for header in issued.credential.headers(subject.target)? {
        one_line(header.value.expose(), FORMAT.name)?;
        lines.push_str(&format!("{}: {}\n", header.name, header.value.expose()));
    }
    Ok(SecretText::new(lines))
}

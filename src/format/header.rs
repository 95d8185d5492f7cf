//! The header lines of a request, as `curl -H @-` reads them.

use super::{Format, Subject, Unframeable, one_line};
use crate::secret::SecretText;
use crate::token::Issued;

/// The format `header`.
pub const FORMAT: Format = Format { name: "header", about: "the whole header line", render };

fn render(issued: &Issued, _: &Subject<'_>) -> Result<SecretText, Unframeable> {
    let mut lines = String::new();
    for header in issued.credential.headers() {
        one_line(header.value.expose(), FORMAT.name)?;
        lines.push_str(&format!("{}: {}\n", header.name, header.value.expose()));
    }
    Ok(SecretText::new(lines))
}

//! Lines for `curl -K -`, which keep the token out of curl's arguments.

use super::definition::{Format, FormatError, Subject, one_line};
use crate::secret::SecretText;
use crate::token::Issued;

pub const FORMAT: Format = Format { name: "curl", about: "a configuration line for `curl -K -`", render };

fn render(issued: &Issued, subject: &Subject<'_>) -> Result<SecretText, FormatError> {
    let mut lines = String::new();
    for header in issued.credential.headers(subject.target)? {
        one_line(header.value.expose(), FORMAT.name)?;
        // Inside curl's double quotes, `\` and `"` are escaped with a `\`.
        let value = header.value.expose().replace('\\', "\\\\").replace('"', "\\\"");
        lines.push_str(&format!("header = \"{}: {value}\"\n", header.name));
    }
    Ok(SecretText::new(lines))
}

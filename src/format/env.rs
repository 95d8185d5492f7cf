//! An assignment for a POSIX shell.

use super::definition::{Format, FormatError, Subject, one_line};
use crate::secret::SecretText;
use crate::text::shell::quoted;
use crate::token::Issued;

pub const FORMAT: Format = Format { name: "env", about: "an assignment for `eval` in a POSIX shell", render };

fn render(issued: &Issued, subject: &Subject<'_>) -> Result<SecretText, FormatError> {
    let secret = issued.credential.bare();
    one_line(secret.expose(), FORMAT.name)?;
    Ok(SecretText::new(format!("export {}={}\n", subject.variable, quoted(secret.expose()))))
}

//! An assignment for a POSIX shell.

use super::{Format, FormatError, Subject, one_line};
use crate::secret::SecretText;
use crate::token::Issued;

/// The format `env`.
pub const FORMAT: Format = Format { name: "env", about: "an assignment for `eval` in a POSIX shell", render };

fn render(issued: &Issued, subject: &Subject<'_>) -> Result<SecretText, FormatError> {
    let secret = issued.credential.bare();
    one_line(secret.expose(), FORMAT.name)?;
    // Inside single quotes nothing is special but the single quote itself (POSIX XCU 2.2.2).
    let quoted = secret.expose().replace('\'', "'\\''");
    Ok(SecretText::new(format!("export {}='{quoted}'\n", subject.variable)))
}

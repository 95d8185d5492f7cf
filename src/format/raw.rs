//! The bare secret and a line feed.

use super::definition::{Format, FormatError, Subject, one_line};
use crate::secret::SecretText;
use crate::token::Issued;

pub const FORMAT: Format = Format { name: "raw", about: "only the token, password or key", render };

fn render(issued: &Issued, _: &Subject<'_>) -> Result<SecretText, FormatError> {
    let secret = issued.credential.bare();
    one_line(secret.expose(), FORMAT.name)?;
    Ok(SecretText::new(format!("{}\n", secret.expose())))
}

//! A temporary file, for platforms where programs inherit no descriptors.

use std::io::{self, Write as _};
use std::path::Path;

use crate::ports::InheritedFile;
use crate::secret::SecretText;

/// A file in the user's own folder for temporary files, removed when this is dropped.
struct Temporary(tempfile::TempPath);

impl InheritedFile for Temporary {
    fn path(&self) -> &Path {
        &self.0
    }

    fn set_inheritable(&self, _: bool) {}

    fn contents(&self) -> Vec<u8> {
        std::fs::read(&self.0).unwrap_or_default()
    }
}

pub(crate) fn with_text(text: &SecretText) -> io::Result<Box<dyn InheritedFile>> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(text.expose().as_bytes())?;
    Ok(Box::new(Temporary(file.into_temp_path())))
}

pub(crate) fn for_output() -> io::Result<Box<dyn InheritedFile>> {
    Ok(Box::new(Temporary(tempfile::NamedTempFile::new()?.into_temp_path())))
}

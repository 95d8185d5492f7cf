//! The capability: a random text in a private file. Programs that can read the file may send requests.

use std::path::{Path, PathBuf};

use super::error::StartError;
use crate::oauth::pkce::random_text;
use crate::os::private_file;
use crate::ports::local_server::Address;
use crate::ports::{Folder, System};
use crate::secret::SecretText;

/// The length of 256 random bits in base64url.
const LENGTH: usize = 43;

/// A capability. Its file is removed when this value is dropped.
pub struct Capability {
    pub secret: SecretText,
    pub path: PathBuf,
    kept: bool,
}

impl Capability {
    /// Creates a capability and its file, or with `kept` uses the existing one.
    ///
    /// # Errors
    /// [`StartError`] if others can access the file, or if it cannot be written.
    pub fn prepare(
        system: &System,
        address: &Address,
        named: Option<&Path>,
        kept: bool,
    ) -> Result<Self, StartError> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => default_path(system, address)?,
        };
        let existing = if kept { private_file::read(&path).map_err(StartError::Capability)? } else { None };
        let existing = existing.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).map(SecretText::new);
        if let Some(secret) = existing.filter(|secret| is_capability(secret.expose())) {
            return Ok(Self { secret, path, kept });
        }
        let secret = SecretText::new(random_text(&*system.random));
        // Without a newline, because AWS's SDKs send the file's content unchanged.
        private_file::write(&path, secret.expose().as_bytes()).map_err(StartError::Capability)?;
        Ok(Self { secret, path, kept })
    }
}

impl Drop for Capability {
    /// Removes the file unless the next server will use it again. The file may already contain another server's capability,
    /// which stays.
    fn drop(&mut self) {
        let is_ours = || match private_file::read(&self.path) {
            Ok(Some(content)) => *content == *self.secret.expose().as_bytes(),
            _ => false,
        };
        if !self.kept && is_ours() {
            let _ = private_file::remove(&self.path);
        }
    }
}

fn default_path(system: &System, address: &Address) -> Result<PathBuf, StartError> {
    let no_folder = |reason| StartError::NoFolder { reason, option: "--capability-file" };
    let folder = system.paths.folder(Folder::Runtime).map_err(no_folder)?;
    Ok(match address {
        Address::Loopback(address) => folder.join(format!("authctl-{}.capability", address.port())),
        Address::Socket(_) => folder.join("authctl.capability"),
    })
}

fn is_capability(text: &str) -> bool {
    text.len() == LENGTH
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

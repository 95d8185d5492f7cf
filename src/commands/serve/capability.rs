//! The capability: a random text in a private file. Who can read the file may ask.

use std::path::{Path, PathBuf};

use super::error::StartError;
use crate::oauth::pkce::random_text;
use crate::os::private_file;
use crate::ports::local_server::Address;
use crate::ports::{Folder, System};
use crate::secret::SecretText;

/// The length of 256 random bits in base64url.
const LENGTH: usize = 43;

/// A capability, in its file as long as this lives.
pub struct Capability {
    pub secret: SecretText,
    /// Its file.
    pub path: PathBuf,
    kept: bool,
}

impl Capability {
    /// Makes a new one, or with `kept` takes the one that is there; writes it to its file.
    ///
    /// # Errors
    /// [`StartError`] for a file that others can reach, or that cannot be written.
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
        let there = if kept { private_file::read(&path).map_err(StartError::Capability)? } else { None };
        let there = there.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).map(SecretText::new);
        if let Some(secret) = there.filter(|secret| is_one(secret.expose())) {
            return Ok(Self { secret, path, kept });
        }
        let secret = SecretText::new(random_text(&*system.random));
        // Without a line feed: AWS's SDKs send the file's text as it is.
        private_file::write(&path, secret.expose().as_bytes()).map_err(StartError::Capability)?;
        Ok(Self { secret, path, kept })
    }
}

impl Drop for Capability {
    /// It is good for nothing once the server is gone, unless the next one takes it up. Another server's stays.
    fn drop(&mut self) {
        let is_ours = || match private_file::read(&self.path) {
            Ok(Some(there)) => *there == *self.secret.expose().as_bytes(),
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

fn is_one(text: &str) -> bool {
    text.len() == LENGTH
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

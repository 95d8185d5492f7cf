//! A digest of the configuration, by which a cached token is known to be of it.

use std::path::Path;

use super::guarded_file::Unread;
use super::source_files::{LayerText, Texts};
use crate::name::ProviderName;
use crate::ports::{Folder, System};

/// A digest of all that decides which token a provider's name stands for; `None` where no file speaks of a cache in the
/// kernel, so that it need not be made.
#[must_use]
pub fn fingerprint(system: &System, texts: &Texts, named: Option<&ProviderName>) -> Option<String> {
    let speaks = |text: &str| text.contains("cache") && text.contains("kernel");
    if !texts.0.iter().any(|text| text.read.as_ref().is_ok_and(|file| speaks(&file.text))) {
        return None;
    }
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    let mut add = |part: &[u8]| {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(named.map_or("", ProviderName::as_str).as_bytes());
    let state = system.paths.folder(Folder::State).ok()?;
    add(state.as_os_str().as_encoded_bytes());
    // A container may have the same paths and the same keyring, but not the same folder.
    add(&folder_identity(&state));
    for LayerText { path, read, .. } in &texts.0 {
        add(path.as_os_str().as_encoded_bytes());
        match read {
            Ok(file) => {
                add(&[u8::from(file.readable_by_others)]);
                add(file.text.as_bytes());
            }
            Err(Unread::Io(error)) => add(format!("{:?}", error.kind()).as_bytes()),
            Err(unread) => add(format!("{unread:?}").as_bytes()),
        }
    }
    let mut variables = system.environment.variables();
    // Vault's own variables choose the store where the configuration does not.
    variables.retain(|(name, _)| name.starts_with("AUTHCTL_") || name.starts_with("VAULT_"));
    variables.sort();
    for (name, value) in variables {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    Some(base16ct::lower::encode_string(digest.finish().as_ref()))
}

#[cfg(unix)]
fn folder_identity(folder: &Path) -> Vec<u8> {
    use std::os::unix::fs::MetadataExt as _;
    let identity = std::fs::metadata(folder).map(|metadata| [metadata.dev(), metadata.ino()]);
    identity.unwrap_or_default().iter().flat_map(|number| number.to_be_bytes()).collect()
}

#[cfg(not(unix))]
fn folder_identity(_: &Path) -> Vec<u8> {
    Vec::new()
}

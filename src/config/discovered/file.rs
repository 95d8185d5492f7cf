//! The file of the discovered layer.

use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table};

use super::provider::{DiscoveredClient, DiscoveredProvider, client};
use crate::name::ProviderName;
use crate::os::private_file::{self, FileError};
use crate::ports::{Folder, System};
use crate::store::StoreError;
use crate::store::lock::{LONGEST_WAIT, Lock};

/// Its name is older than the word for what is in it.
const FILE: &str = "learned.toml";
/// The comment at the top of the file.
const HEAD: &str = "# Written by authctl: what it learned of servers that were logged in to by their URL, and what it registered.\n";
/// Where the file is.
#[must_use]
pub fn path(system: &System) -> Option<PathBuf> {
    file(system).ok()
}

/// Saves what a login added.
///
/// # Errors
/// [`StoreError`].
pub fn save(system: &System, provider: &DiscoveredProvider) -> Result<(), StoreError> {
    change(system, |document| provider.write_to(document))
}

/// Forgets a provider.
///
/// # Errors
/// [`StoreError`].
pub fn forget(system: &System, name: &ProviderName) -> Result<(), StoreError> {
    if path(system).is_none_or(|path| !path.exists()) {
        return Ok(());
    }
    change(system, |document| {
        if let Some(credentials) = document.get_mut("credentials").and_then(Item::as_table_mut) {
            credentials.remove(name.as_str());
        }
        Some(())
    })
}

/// The text of the file as [`save`] would write it.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn text_with(system: &System, provider: &DiscoveredProvider) -> Result<String, StoreError> {
    changed(system, |document| provider.write_to(document))
}

/// The saved clients, by their providers.
#[must_use]
pub fn clients(system: &System) -> Vec<(ProviderName, DiscoveredClient)> {
    let document = read(system).ok().flatten().unwrap_or_default();
    let credentials = document.get("credentials").and_then(Item::as_table);
    let known = credentials.into_iter().flat_map(Table::iter);
    known.filter_map(|(name, credential)| Some((name.parse().ok()?, client(credential)?))).collect()
}

fn change(system: &System, change: impl FnOnce(&mut DocumentMut) -> Option<()>) -> Result<(), StoreError> {
    let path = file(system)?;
    let _lock = Lock::take(&path.with_extension("lock"), LONGEST_WAIT, &*system.clock)?;
    Ok(private_file::write(&path, changed(system, change)?.as_bytes())?)
}

fn changed(
    system: &System,
    change: impl FnOnce(&mut DocumentMut) -> Option<()>,
) -> Result<String, StoreError> {
    let mut document = read(system)?.unwrap_or_default();
    let path = file(system)?;
    change(&mut document).ok_or_else(|| damaged(&path))?;
    Ok(format!("{HEAD}{document}"))
}

/// Reads the document; `None` if the file does not exist.
fn read(system: &System) -> Result<Option<DocumentMut>, StoreError> {
    let path = file(system)?;
    let Some(bytes) = private_file::read(&path)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    // A comment without a table after it would move behind all the tables.
    text.replace(HEAD, "").parse().map(Some).map_err(|_| damaged(&path))
}

fn file(system: &System) -> Result<PathBuf, StoreError> {
    Ok(system.paths.folder(Folder::State)?.join(FILE))
}

fn damaged(path: &Path) -> StoreError {
    let reason = io::Error::new(io::ErrorKind::InvalidData, "it is damaged; remove it, and log in again");
    FileError::Io { path: path.display().to_string(), source: reason }.into()
}

//! What surrounds a run: folders and variables that exist; a network, a browser and a keyring that do not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use url::Url;

use super::lock::lock;
use crate::ports::{
    Browser, Environment, Folder, HttpClient, HttpError, HttpRequest, HttpResponse, Keyring, NoBrowser,
    NoFolder, NoKeyring, Paths, Random,
};

/// Returns the same bytes each time, so that an input always has the same effect.
pub(in crate::fuzzing) struct Fixed;

impl Random for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0x5a);
    }
}

/// The network, the browser and the keyring, none of which works.
pub(super) struct Nothing;

impl HttpClient for Nothing {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = crate::oauth::endpoint::authority(&request.url);
        Err(HttpError::NotSent { host, reason: "the network is switched off".to_owned() })
    }
}

impl Browser for Nothing {
    fn open(&self, _: &Url, _: Option<&str>, _: &BTreeSet<String>) -> Result<(), NoBrowser> {
        Err(NoBrowser("there is none".to_owned()))
    }

    fn can_be_seen(&self) -> bool {
        false
    }
}

impl Keyring for Nothing {
    fn open(&self) -> Result<Arc<keyring_core::CredentialStore>, NoKeyring> {
        Err(NoKeyring("this machine has none".to_owned()))
    }
}

pub(super) struct Folders(pub(super) PathBuf);

impl Paths for Folders {
    fn folder(&self, folder: Folder) -> Result<PathBuf, NoFolder> {
        Ok(self.0.join(match folder {
            Folder::Config => "config",
            Folder::Site => "site",
            Folder::State => "state",
            Folder::Data => "data",
            Folder::Cache => "cache",
            Folder::Locks => "locks",
            Folder::Runtime => "run",
        }))
    }

    fn home(&self) -> Option<PathBuf> {
        Some(self.0.clone())
    }
}

pub(super) struct Variables {
    values: Mutex<BTreeMap<String, String>>,
    current_folder: PathBuf,
}

impl Variables {
    pub(super) fn new(current_folder: PathBuf) -> Self {
        Self { values: Mutex::default(), current_folder }
    }

    pub(super) fn clear(&self) {
        lock(&self.values).clear();
    }

    pub(super) fn set(&self, name: &str, value: &str) {
        lock(&self.values).insert(name.to_owned(), value.to_owned());
    }
}

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        lock(&self.values).get(name).cloned()
    }

    fn variables(&self) -> Vec<(String, String)> {
        lock(&self.values).clone().into_iter().collect()
    }

    fn current_folder(&self) -> Option<PathBuf> {
        Some(self.current_folder.clone())
    }

    fn program(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/usr/bin/authctl"))
    }
}

//! The machine, its variables, paths and signals.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authctl::adapters;
use authctl::ports::{Environment, Folder, Held, HttpError, Machine, NoFolder, Paths, Signals, Transport};

use super::super::shared::Shared;

/// The real machine, hardened as `main` would.
pub(super) struct TestMachine;

impl Machine for TestMachine {
    fn certificates(&self, url: &url::Url, transport: &Transport) -> Result<Vec<Vec<u8>>, HttpError> {
        adapters::machine::ThisMachine.certificates(url, transport)
    }

    fn addresses(&self, name: &str, limit: Duration) -> Option<Vec<std::net::IpAddr>> {
        adapters::machine::ThisMachine.addresses(name, limit)
    }

    fn leaves_core_files(&self) -> Option<bool> {
        Some(false)
    }
}

/// The variables of a story.
pub struct Variables {
    pub(super) folder: PathBuf,
    pub(super) variables: Shared<BTreeMap<String, String>>,
}

impl Variables {
    pub fn set(&self, name: &str, value: &str) {
        self.variables.lock().insert(name.to_owned(), value.to_owned());
    }
}

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.lock().get(name).cloned()
    }

    fn variables(&self) -> Vec<(String, String)> {
        self.variables.lock().clone().into_iter().collect()
    }

    fn current_folder(&self) -> Option<PathBuf> {
        Some(self.folder.clone())
    }

    fn program(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/usr/bin/authctl"))
    }
}

/// A signal that a story sends.
#[derive(Default)]
pub struct FakeSignals(pub Arc<Mutex<Option<i32>>>);

impl Signals for FakeSignals {
    fn hold(&self) -> Box<dyn Held> {
        struct Noted(Arc<Mutex<Option<i32>>>);
        impl Held for Noted {
            fn caught(&self) -> Option<i32> {
                *self.0.lock().unwrap()
            }
        }
        Box::new(Noted(Arc::clone(&self.0)))
    }
}

pub(super) struct TestPaths(pub(super) PathBuf);

impl Paths for TestPaths {
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

//! Where tokens are stored: the keyring, encrypted files, and what happens when either is unavailable or damaged.

mod choice;
mod files;
mod keyring;
mod records;

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::CredentialStore;
use keyring_core::api::CredentialStoreApi;

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// The entries that contain something: the mock creates one for every requested name.
fn entries(keyring: &Arc<CredentialStore>) -> Vec<keyring_core::Entry> {
    let found = keyring.search(&HashMap::from([("service", "authctl")])).unwrap();
    found.into_iter().filter(|entry| entry.get_secret().is_ok()).collect()
}

fn auto(server: &AuthorizationServer) -> Sandbox {
    Sandbox::new(&server_config(&server.domain(), "").replace("store = \"file\"", "store = \"auto\""))
}

/// A keyring in this state.
#[derive(Debug)]
struct Failing(fn() -> keyring_core::Error);

impl CredentialStoreApi for Failing {
    fn vendor(&self) -> String {
        "test".to_owned()
    }

    fn id(&self) -> String {
        "test".to_owned()
    }

    fn build(
        &self,
        _: &str,
        _: &str,
        _: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<keyring_core::Entry> {
        Err((self.0)())
    }

    fn search(&self, _: &HashMap<&str, &str>) -> keyring_core::Result<Vec<keyring_core::Entry>> {
        Err((self.0)())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn sealed_record(sandbox: &Sandbox) -> (std::path::PathBuf, Vec<u8>) {
    sandbox
        .files()
        .into_iter()
        .find(|(path, _)| path.extension().is_some_and(|ending| ending == "sealed"))
        .unwrap()
}

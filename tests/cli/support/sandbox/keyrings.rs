//! The kernel's and the session's keyrings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use authctl::ports::{Clock as _, KernelKeyring, Keyring, NoKernelKeyring, NoKeyring};
use jiff::{SignedDuration, Timestamp};
use keyring_core::CredentialStore;

use super::super::shared::Shared;
use super::clock::MovableClock;

/// The kernel's cache, by the story's clock.
pub struct FakeKernelKeyring {
    pub(super) clock: Arc<MovableClock>,
    pub kept: Shared<BTreeMap<String, (Vec<u8>, Timestamp)>>,
}

impl KernelKeyring for FakeKernelKeyring {
    fn read(&self, name: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let kept = self.kept.lock();
        kept.get(name).filter(|(_, end)| *end > self.clock.now()).map(|(secret, _)| secret.clone().into())
    }

    fn keep(&self, name: &str, secret: &[u8], life: Duration) -> Result<(), NoKernelKeyring> {
        let end = self.clock.now() + SignedDuration::try_from(life).unwrap();
        self.kept.lock().insert(name.to_owned(), (secret.to_vec(), end));
        Ok(())
    }

    fn forget(&self, name: &str) {
        self.kept.lock().remove(name);
    }

    fn forget_all(&self, prefix: &str) {
        self.kept.lock().retain(|name, _| !name.starts_with(prefix));
    }
}

/// keyring-core's mock, or none, or a failing one.
#[derive(Default)]
pub struct MockKeyring {
    pub store: Shared<Option<Arc<CredentialStore>>>,
    pub opened: Shared<u32>,
}

impl MockKeyring {
    pub fn present(&self) -> Arc<CredentialStore> {
        let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
        let used = if cfg!(windows) {
            super::super::odd_keyring::of_this_platform(&store)
        } else {
            Arc::clone(&store)
        };
        *self.store.lock() = Some(used);
        store
    }
}

impl Keyring for MockKeyring {
    fn open(&self) -> Result<Arc<CredentialStore>, NoKeyring> {
        self.opened.set(self.opened.get() + 1);
        self.store.lock().clone().ok_or_else(|| NoKeyring("this machine has none".to_owned()))
    }
}

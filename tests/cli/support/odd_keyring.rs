//! Keyrings with peculiarities: a wrapper around a working one.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::CredentialStore;
use keyring_core::api::CredentialStoreApi;

type Write = fn(&keyring_core::Entry, &[u8]) -> keyring_core::Result<()>;

/// A keyring whose entries have Windows' size limit (2560 bytes).
pub fn like_windows(inner: &Arc<CredentialStore>) -> Arc<CredentialStore> {
    Arc::new(Odd(Arc::clone(inner), |entry, secret| match secret.len() {
        0..=2560 => entry.set_secret(secret),
        _ => Err(keyring_core::Error::TooLong("secret".to_owned(), 2560)),
    }))
}

/// A keyring that accepts everything but stores less.
pub fn that_loses_a_byte(inner: &Arc<CredentialStore>) -> Arc<CredentialStore> {
    Arc::new(Odd(Arc::clone(inner), |entry, secret| entry.set_secret(&secret[..secret.len() - 1])))
}

/// A keyring that accepts the options for Windows entries, which the mock does not.
pub fn of_this_platform(inner: &Arc<CredentialStore>) -> Arc<CredentialStore> {
    Arc::new(Odd(Arc::clone(inner), |entry, secret| entry.set_secret(secret)))
}

#[derive(Debug)]
struct Odd(Arc<CredentialStore>, Write);

#[derive(Debug)]
struct OddEntry(keyring_core::Entry, Write);

impl CredentialStoreApi for Odd {
    fn vendor(&self) -> String {
        "test".to_owned()
    }

    fn id(&self) -> String {
        "odd".to_owned()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        _: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<keyring_core::Entry> {
        let entry = self.0.build(service, user, None)?;
        Ok(keyring_core::Entry::new_with_credential(Arc::new(OddEntry(entry, self.1))))
    }

    fn search(&self, spec: &HashMap<&str, &str>) -> keyring_core::Result<Vec<keyring_core::Entry>> {
        self.0.search(spec)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl keyring_core::api::CredentialApi for OddEntry {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        (self.1)(&self.0, secret)
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        self.0.get_secret()
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        self.0.delete_credential()
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<keyring_core::Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        self.0.get_specifiers()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

type Fault = fn() -> keyring_core::Error;

/// A keyring that cannot be read.
pub fn that_fails(fault: Fault) -> Arc<CredentialStore> {
    Arc::new(Failing(fault))
}

#[derive(Debug, Clone, Copy)]
struct Failing(Fault);

impl CredentialStoreApi for Failing {
    fn vendor(&self) -> String {
        "test".to_owned()
    }

    fn id(&self) -> String {
        "failing".to_owned()
    }

    fn build(
        &self,
        _: &str,
        _: &str,
        _: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<keyring_core::Entry> {
        Ok(keyring_core::Entry::new_with_credential(Arc::new(*self)))
    }

    fn search(&self, _: &HashMap<&str, &str>) -> keyring_core::Result<Vec<keyring_core::Entry>> {
        Err((self.0)())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl keyring_core::api::CredentialApi for Failing {
    fn set_secret(&self, _: &[u8]) -> keyring_core::Result<()> {
        Err((self.0)())
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        Err((self.0)())
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        Err((self.0)())
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<keyring_core::Credential>>> {
        Err((self.0)())
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

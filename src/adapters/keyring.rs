//! The keyring of the user's session.

use std::sync::Arc;

use keyring_core::CredentialStore;

use crate::ports::{Keyring, NoKeyring};

pub struct SessionKeyring;

#[cfg(target_os = "linux")]
impl Keyring for SessionKeyring {
    /// The Secret Service on the session's message bus: at the address in the environment, or at systemd's default for
    /// every user.
    #[expect(clippy::disallowed_methods, reason = "this is the machine")]
    fn open(&self) -> Result<Arc<CredentialStore>, NoKeyring> {
        let named = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok().filter(|address| !address.is_empty());
        let address = named.or_else(|| {
            let socket = format!("/run/user/{}/bus", rustix::process::geteuid().as_raw());
            std::path::Path::new(&socket).exists().then(|| format!("unix:path={socket}"))
        });
        match address {
            Some(address) => Ok(crate::store::keyring::secret_service::SecretService::new(address)),
            None => Err(NoKeyring("the session has no message bus".to_owned())),
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Keyring for SessionKeyring {
    /// The platform's own keyring, through the `keyring` crate.
    fn open(&self) -> Result<Arc<CredentialStore>, NoKeyring> {
        let none = |reason: &str| NoKeyring(reason.to_owned());
        keyring::v1::Entry::store_status()
            .as_ref()
            .map_err(|_| none("the platform's keyring cannot be opened"))?;
        keyring_core::get_default_store().ok_or_else(|| none("the platform has none"))
    }
}

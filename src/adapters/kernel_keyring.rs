//! This user's keyring in the kernel (keyrings(7)).

use std::time::Duration;

use zeroize::Zeroizing;

use crate::ports::{KernelKeyring, NoKernelKeyring};

/// The user keyring `@u`, which all of the user's sessions share. It is gone with the last session.
pub struct UserKeyring;

#[cfg(target_os = "linux")]
impl KernelKeyring for UserKeyring {
    fn read(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = Zeroizing::new(keyring().ok()?.search(name).ok()?.read_to_vec().ok()?);
        let (end, secret) = bytes.split_first_chunk()?;
        (seconds_now() < u64::from_be_bytes(*end)).then(|| Zeroizing::new(secret.to_vec()))
    }

    fn keep(&self, name: &str, secret: &[u8], life: Duration) -> Result<(), NoKernelKeyring> {
        use linux_keyutils::{KeyPermissionsBuilder, Permission};
        let refused = |error: linux_keyutils::KeyError| NoKernelKeyring(error.to_string());
        // The value contains the expiry as well: if authctl is killed before it sets the kernel's timeout, the key
        // still expires.
        let life = life.as_secs().max(1);
        let end = seconds_now().saturating_add(life);
        let content = Zeroizing::new([&end.to_be_bytes(), secret].concat());
        let key = keyring().map_err(refused)?.add_key(name, &content).map_err(refused)?;
        // In a session whose keyring does not link to this one, only the user ID gives access to the key.
        let permissions =
            KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::ALL).build();
        let seconds = usize::try_from(life).unwrap_or(usize::MAX);
        let set = key.set_perms(permissions).and_then(|()| key.set_timeout(seconds));
        if set.is_err() {
            let _ = key.invalidate();
        }
        set.map_err(refused)
    }

    fn forget_all(&self, prefix: &str) {
        let Ok(links) = keyring().and_then(|keyring| keyring.get_links(MOST_KEYS)) else { return };
        let ours = |key: &linux_keyutils::Key| {
            key.metadata().is_ok_and(|metadata| metadata.get_description().starts_with(prefix))
        };
        for key in links.iter().filter_map(linux_keyutils::LinkNode::as_key).filter(ours) {
            let _ = key.invalidate();
        }
    }

    fn forget(&self, name: &str) {
        if let Ok(key) = keyring().and_then(|keyring| keyring.search(name)) {
            let _ = key.invalidate();
        }
    }
}

#[cfg(target_os = "linux")]
fn seconds_now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the kernel's keyring ends keys by this clock")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// More than anyone has of authctl's keys.
#[cfg(target_os = "linux")]
const MOST_KEYS: usize = 4096;

#[cfg(target_os = "linux")]
fn keyring() -> Result<linux_keyutils::KeyRing, linux_keyutils::KeyError> {
    linux_keyutils::KeyRing::from_special_id(linux_keyutils::KeyRingIdentifier::User, false)
}

#[cfg(not(target_os = "linux"))]
impl KernelKeyring for UserKeyring {
    fn read(&self, _: &str) -> Option<Zeroizing<Vec<u8>>> {
        None
    }

    fn keep(&self, _: &str, _: &[u8], _: Duration) -> Result<(), NoKernelKeyring> {
        Err(NoKernelKeyring("this system has none".to_owned()))
    }

    fn forget(&self, _: &str) {}

    fn forget_all(&self, _: &str) {}
}

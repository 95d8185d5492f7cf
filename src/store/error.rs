//! Why a store cannot be used.

use std::time::Duration;

use crate::advice::{Advise, Status};
use crate::name::{AccountName, ProviderName};
use crate::os::private_file::FileError;
use crate::ports::{NoFolder, NoKeyring, ProcessError};
use crate::store::destinations::{NewPart, Stored};
use crate::store::keyring::fault::{KeyringFault, START_ONE};
use crate::store::kind::StoreKind;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot use the keyring")]
    Keyring(#[source] KeyringFault),
    #[error(transparent)]
    NoKeyring(#[from] NoKeyring),
    #[error("cannot use the token store")]
    File(#[from] FileError),
    #[error(transparent)]
    NoFolder(#[from] NoFolder),
    /// The record is left unchanged.
    #[error("cannot read {place}, which was left unchanged: {reason}")]
    Corrupt { place: String, reason: String },
    #[error("another process or machine changed {place} meanwhile")]
    Conflict { place: String },
    /// The target of a move already holds a different record of this name.
    #[error("a different {place} already exists; it was not overwritten")]
    Occupied { place: String },
    #[error("{place} has new tokens that could not be saved yet; it was not moved")]
    UnsavedTokens { place: String },
    #[error(
        "could not save the new tokens in {store}; they are in an encrypted file until the next run moves them there"
    )]
    Rescued { store: StoreKind, source: Box<StoreError> },
    #[error("found {count} copies of {place}; cannot tell which is current")]
    Ambiguous { place: String, count: usize },
    #[error("{place} can hold at most {limit} characters")]
    TooLong { place: String, limit: u32 },
    #[error("{place} did not store what was written")]
    NotStored { place: String },
    #[error("encrypted records exist, but their key {path} does not")]
    KeyMissing { path: String },
    /// The passphrase of the encrypted files was not entered, or too long ago.
    #[error("the encrypted files are locked with a passphrase")]
    Locked,
    #[error("wrong passphrase for the encrypted files")]
    WrongPassphrase,
    #[error("the key that the program printed does not open the encrypted files")]
    WrongKey,
    #[error("the program did not print a key: 32 bytes in base64")]
    NoKeyPrinted,
    #[error("the program that prints the store's key failed")]
    KeyProgram(#[from] ProcessError),
    #[error(
        "the encrypted files' key is stored as `{found}`, but the configuration says key = \"{configured}\""
    )]
    OtherKeySource { found: String, configured: &'static str },
    #[error("the encrypted files' key was printed by a program that the configuration no longer names")]
    OldProgramNeeded,
    #[error("cannot use {kind}: {reason}")]
    SharedStore { kind: StoreKind, reason: String },
    #[error("cannot get the credentials for {kind}")]
    SharedStoreCredential { kind: StoreKind, source: Box<dyn std::error::Error> },
    #[error("{0} is not configured")]
    NoSharedStore(StoreKind),
    /// Only the environment configures Vault's address, and its token has another source.
    #[error("VAULT_ADDR is used only with a token from the environment; nothing was sent")]
    TokenWithheld,
    #[error("a passphrase requires the kernel's keyring: {0}")]
    NoKernelKeyring(String),
    /// The account is in another store than the configured one (F-KR2).
    #[error("{account} is stored in {actual}, but the configuration says store = \"{configured}\"", configured = configured.name())]
    OtherStore { account: AccountName, actual: StoreKind, configured: StoreKind },
    /// The current definition would send a stored secret to a destination that it was not stored for.
    #[error("{}", new_place(provider, stored, part))]
    NewPlace { provider: ProviderName, stored: Stored, part: Box<NewPart> },
    /// A file other than the user's own names the server that would receive the shared store's credentials.
    #[error("the credentials for {kind} must not go to {what}, which {origin} sets; nothing was sent", what = part.what, origin = part.origin)]
    NewServer { kind: StoreKind, part: Box<NewPart> },
    #[error("waited {} seconds for the lock {path}, which another process holds", waited.as_secs())]
    LockTimeout { path: String, waited: Duration },
}

impl StoreError {
    pub(super) fn corrupt(place: impl Into<String>, reason: impl ToString) -> Self {
        Self::Corrupt { place: place.into(), reason: reason.to_string() }
    }

    pub(super) fn is_keyring_absent(&self) -> bool {
        matches!(self, Self::NoKeyring(_) | Self::Keyring(KeyringFault::Absent(_)))
    }
}

fn new_place(provider: &ProviderName, stored: &Stored, part: &NewPart) -> String {
    let NewPart { what, origin, is_recorded, .. } = part;
    let stored = match stored {
        Stored::Login => format!("the login to `{provider}`"),
        Stored::Secret(key) => format!("the stored `{key}` of `{provider}`"),
    };
    if *is_recorded {
        format!("{stored} is not for {what}, which {origin} sets; nothing was sent")
    } else {
        format!(
            "{stored} has no recorded hosts, and {what} from {origin} is not in your own config file; nothing was sent"
        )
    }
}

impl Advise for StoreError {
    fn status(&self) -> Status {
        match self {
            // The store works, but the configuration would send the secret to a new destination.
            Self::NewPlace { .. } | Self::NewServer { .. } => Status::Config,
            _ => Status::Store,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Keyring(fault) => fault.hint(),
            Self::NoKeyring(_) => START_ONE,
            Self::OtherStore { configured, .. } => {
                return Some(format!("set `store` back, or run `authctl store move {}`", configured.name()));
            }
            Self::KeyMissing { .. } => {
                "restore it from a backup, or run `authctl logout --all --local` and log in again"
            }
            Self::Corrupt { .. } => {
                "restore it from a backup, or run `authctl logout --local` and log in again"
            }
            Self::Ambiguous { .. } => "remove all but one with the keyring's own program, such as Seahorse",
            Self::LockTimeout { .. } => "stop the authctl that hangs, and try again",
            Self::NoFolder(_) => "set HOME",
            Self::Locked => "run `authctl store unlock`",
            Self::WrongPassphrase => "run `authctl store unlock` again",
            Self::WrongKey | Self::NoKeyPrinted | Self::KeyProgram(_) => "check `key` in [store]",
            Self::OtherKeySource { .. } => "run `authctl store rekey` to store it as configured",
            Self::OldProgramNeeded => "run `authctl store rekey -- PROGRAM ARGUMENTS` with that program",
            Self::SharedStore { .. } => "check [store] in the configuration and the server",
            Self::SharedStoreCredential { .. } => "check [store] in the configuration",
            Self::NoSharedStore(_) => "set `kind` and the server's address in [store]",
            Self::TokenWithheld => "set `address` in [store] of your config file, or also set VAULT_TOKEN",
            Self::NoKernelKeyring(_) => "set key = \"file\" or key = { command = […] } in [store]",
            Self::NewPlace { provider, stored, part } => {
                return Some(allow_new_place(provider, stored, part));
            }
            Self::NewServer { part, .. } => {
                let own_file = part.own_file.as_deref().unwrap_or("your own config file");
                return Some(format!(
                    "set it in {own_file} if this is intended, or read the secret from a variable: {{ env = … }}"
                ));
            }
            Self::Rescued { source, .. } => return source.hint(),
            Self::Conflict { .. } => "run the command again",
            Self::Occupied { .. } => "run `authctl logout --local` for the login that you want to discard",
            Self::UnsavedTokens { .. } => "fix the original store, run `authctl token`, then move again",
            Self::File(_) | Self::TooLong { .. } | Self::NotStored { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// There are two ways to allow the new destination: add it to the user's own config file, or store the secret again.
fn allow_new_place(provider: &ProviderName, stored: &Stored, part: &NewPart) -> String {
    let again = match stored {
        Stored::Login => format!("authctl login {provider}"),
        Stored::Secret(key) => format!("authctl secret set {provider} {key}"),
    };
    match &part.own_file {
        Some(own_file) => format!("set it in {own_file} if this is intended, or run `{again}`"),
        None => format!("run `{again}` if this is intended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    fn text() -> String {
        "x".to_owned()
    }

    #[test]
    fn keyring_errors_have_their_status_and_hint() {
        let (store, fault) = (Status::Store, StoreError::Keyring);
        check(&[
            (&fault(KeyringFault::Locked), store, "authctl store unlock"),
            (&fault(KeyringFault::TimedOut), store, "on another screen"),
            (&fault(KeyringFault::UntrustedBus(text())), store, "DBUS_SESSION_BUS_ADDRESS"),
            (&fault(KeyringFault::Absent(text())), store, "store = \"file\""),
            (&fault(KeyringFault::Failed(text())), store, "store = \"file\""),
            (&StoreError::NoKeyring(NoKeyring(text())), store, "store = \"file\""),
        ]);
    }

    #[test]
    fn errors_about_new_destinations_have_their_status_and_hint() {
        let part = |own_file: Option<&str>| {
            let own_file = own_file.map(str::to_owned);
            Box::new(NewPart { what: text(), origin: text(), is_recorded: true, own_file })
        };
        let provider: ProviderName = "github".parse().unwrap();
        let new_place =
            |stored, own| StoreError::NewPlace { provider: provider.clone(), stored, part: part(own) };
        let new_server = StoreError::NewServer { kind: StoreKind::Vault, part: part(Some("mine")) };
        check(&[
            (&new_place(Stored::Login, None), Status::Config, "authctl login github"),
            (&new_place(Stored::Secret(text()), Some("mine")), Status::Config, "authctl secret set github x"),
            (&new_server, Status::Config, "set it in mine"),
        ]);
    }

    #[test]
    fn each_error_has_its_status_and_hint() {
        let (store, configured) = (Status::Store, StoreKind::File);
        let rescued = StoreError::Rescued { store: configured, source: Box::new(StoreError::Locked) };
        let account = "default".parse().unwrap();
        let other_store = StoreError::OtherStore { account, actual: StoreKind::Keyring, configured };
        let timeout = StoreError::LockTimeout { path: text(), waited: Duration::from_secs(1) };
        check(&[
            (&StoreError::NoFolder(NoFolder("state")), store, "set HOME"),
            (&StoreError::Corrupt { place: text(), reason: text() }, store, "authctl logout --local"),
            (&StoreError::Conflict { place: text() }, store, "run the command again"),
            (&StoreError::Occupied { place: text() }, store, "authctl logout --local"),
            (&StoreError::UnsavedTokens { place: text() }, store, "then move again"),
            (&rescued, store, "authctl store unlock"),
            (&StoreError::Ambiguous { place: text(), count: 2 }, store, "remove all but one"),
            (&StoreError::TooLong { place: text(), limit: 1 }, store, ""),
            (&StoreError::NotStored { place: text() }, store, ""),
            (&StoreError::KeyMissing { path: text() }, store, "authctl logout --all --local"),
            (&StoreError::Locked, store, "authctl store unlock"),
            (&StoreError::WrongPassphrase, store, "authctl store unlock"),
            (&StoreError::WrongKey, store, "check `key`"),
            (&StoreError::NoKeyPrinted, store, "check `key`"),
            (&StoreError::OtherKeySource { found: text(), configured: "file" }, store, "store rekey"),
            (&StoreError::OldProgramNeeded, store, "store rekey -- PROGRAM"),
            (&StoreError::SharedStore { kind: StoreKind::Etcd, reason: text() }, store, "check [store]"),
            (&StoreError::NoSharedStore(StoreKind::Vault), store, "[store]"),
            (&StoreError::TokenWithheld, store, "VAULT_TOKEN"),
            (&StoreError::NoKernelKeyring(text()), store, "key = \"file\""),
            (&other_store, store, "authctl store move file"),
            (&timeout, store, "stop the authctl that hangs"),
        ]);
    }
}

//! Where tokens are stored: finding and saving records, what each is bound to, and which store an account is in.
//!
//! [`TokenStore`] finds, saves and lists records, each in a `backend`: the keyring, or sealed records. Sealed records
//! are `bytes` in a folder, etcd or Vault.

pub mod accounts;
mod backend;
mod bytes;
mod check;
pub mod destinations;
mod error;
mod find;
mod in_flight;
pub mod index;
pub mod keyring;
mod kind;
pub mod lock;
pub mod record;
mod rekey;
mod relocate;
mod rescue;
mod revision;
mod save;
pub mod sealed;
mod secrets;
mod selection;
mod settings;
pub mod shared;
pub mod survey;
mod token_store;

pub use self::error::StoreError;
pub use self::find::Lookup;
pub use self::kind::{StoreChoice, StoreKind};
pub use self::revision::Revision;
pub use self::settings::StoreSettings;
pub use self::token_store::{KERNEL_CACHE, TokenStore};

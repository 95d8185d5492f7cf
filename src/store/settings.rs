//! The store's settings.

use std::time::Duration;

use crate::store::kind::StoreChoice;
use crate::store::sealed::key_source::KeySource;
use crate::store::shared::SharedSettings;

/// Everything that the configuration says of the store.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    pub choice: StoreChoice,
    /// Where the key of sealed files comes from.
    pub key: KeySource,
    /// How long a passphrase is remembered.
    pub remembered_for: Duration,
    /// The shared store, if one is configured.
    pub shared: Option<SharedSettings>,
    /// Only the environment says where Vault is, and its token comes from somewhere else.
    pub withholds_token: bool,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            choice: StoreChoice::default(),
            key: KeySource::default(),
            remembered_for: Duration::from_secs(8 * 3600),
            shared: None,
            withholds_token: false,
        }
    }
}

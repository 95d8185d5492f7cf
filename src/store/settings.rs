//! The `[store]` settings.

use std::time::Duration;

use crate::store::kind::StoreChoice;
use crate::store::sealed::key_source::KeySource;
use crate::store::shared::SharedSettings;

#[derive(Debug, Clone)]
pub struct StoreSettings {
    pub choice: StoreChoice,
    /// Where the encrypted files' key comes from.
    pub key: KeySource,
    pub remembered_for: Duration,
    pub shared: Option<SharedSettings>,
    /// Only the environment configures Vault's address, and its token has another source.
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

//! Configured secrets that are stored instead of written in the configuration.

use crate::binding::Binding;
use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::store::destinations::{Destinations, Stored};
use crate::store::error::StoreError;
use crate::store::kind::StoreKind;
use crate::store::record::RecordName;
use crate::store::revision::Revision;
use crate::store::token_store::TokenStore;
use crate::text::causes::with_causes;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

const VERSION: u32 = 1;

/// A stored secret, with the destinations that its provider had at that time.
#[derive(Serialize, Deserialize)]
struct Envelope {
    authctl_secret: u32,
    secret: String,
    #[serde(rename = "reach")]
    destinations: Destinations,
}

impl Drop for Envelope {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl TokenStore<'_> {
    /// Reads a configured secret from the store that has it. [`StoreError::NewPlace`] if the provider's definition
    /// would send it to a destination that it was not stored for.
    pub fn secret(
        &self,
        provider: &ProviderName,
        key: &str,
        binding: &Binding,
    ) -> Result<Option<SecretText>, StoreError> {
        let name = RecordName::of_secret(provider, key, binding);
        for kind in self.kinds() {
            let Some(backend) = self.present(kind)? else { continue };
            if let Some(stored) = self.unless_absent(backend.read(&name, binding))?.flatten() {
                return self.opened(provider, key, stored.value).map(Some);
            }
        }
        Ok(None)
    }

    fn opened(&self, provider: &ProviderName, key: &str, text: SecretText) -> Result<SecretText, StoreError> {
        let (secret, destinations) = match serde_json::from_str::<Envelope>(text.expose()) {
            Ok(envelope) if envelope.authctl_secret > VERSION => {
                let version = envelope.authctl_secret;
                let place = format!("the stored `{key}` of `{provider}`");
                let reason = format!("it was written by a newer authctl (version {version})");
                return Err(StoreError::corrupt(place, reason));
            }
            Ok(mut envelope) => {
                let secret = SecretText::new(std::mem::take(&mut envelope.secret));
                (secret, Some(std::mem::take(&mut envelope.destinations)))
            }
            // The format of earlier versions.
            Err(_) => (text, None),
        };
        match self.definitions.new_part(provider, destinations.as_ref()) {
            Some(part) => Err(StoreError::NewPlace {
                provider: provider.clone(),
                stored: Stored::Secret(key.to_owned()),
                part: Box::new(part),
            }),
            None => Ok(secret),
        }
    }

    /// Saves a configured secret; returns the store that now has it.
    pub fn save_secret(
        &self,
        provider: &ProviderName,
        key: &str,
        binding: &Binding,
        secret: &SecretText,
    ) -> Result<StoreKind, StoreError> {
        let name = RecordName::of_secret(provider, key, binding);
        let kind = self.store_for(&name, true)?;
        let envelope = Envelope {
            authctl_secret: VERSION,
            secret: secret.expose().to_owned(),
            destinations: self.destinations(provider, kind),
        };
        // It contains only strings, which JSON can always represent.
        let text = SecretText::new(serde_json::to_string(&envelope).unwrap_or_default());
        self.backend(kind)?.write(&name, binding, &text, &Revision::Any)?;
        for other in self.kinds().into_iter().filter(|&other| other != kind) {
            let deleted = self.present(other).and_then(|backend| match backend {
                Some(backend) => backend.delete(&name),
                None => Ok(false),
            });
            match deleted {
                // The encrypted files are read first, so what is left in the keyring does not hide the new secret.
                Err(error) if other == StoreKind::Keyring => self.may_keep_old_copy(other, &error),
                deleted => drop(deleted?),
            }
        }
        Ok(kind)
    }

    /// Warns that a store may still hold the old copy of a record that was written to another store. The write
    /// succeeded, so this is not an error.
    pub(super) fn may_keep_old_copy(&self, kind: StoreKind, error: &StoreError) {
        if !error.is_keyring_absent() {
            let reason = with_causes(error);
            self.system.prompter.warn(&format_args!("{kind} may still hold an old copy: {reason}"));
        }
    }

    /// Removes a configured secret from every store; `false` if it did not exist.
    pub fn forget_secret(&self, name: &RecordName) -> Result<bool, StoreError> {
        let mut removed = false;
        for kind in self.kinds() {
            let Some(backend) = self.present(kind)? else { continue };
            removed |= self.unless_absent(backend.delete(name))?.unwrap_or(false);
        }
        Ok(removed)
    }
}

//! The credential for a shared store: a password, a Vault token, another provider's token, or a certificate.

use std::error::Error;

use super::acquire::{AcquireError, AcquireRequest, token};
use super::definitions::Definitions;
use super::local_store::local_store;
use super::provider_session::Session;
use crate::config::reach::Consumer;
use crate::config::{Config, SharedStoreSecret, SharedStoreSecrets};
use crate::name::{AccountName, ProviderName};
use crate::oauth::certificate;
use crate::os::text_file::read_text;
use crate::ports::{ClientIdentity, System};
use crate::provider::ProviderError;
use crate::schema::SecretSource;
use crate::secret::{self, SecretText};
use crate::secret_source::{self, SecretError};
use crate::store::shared::SharedCredentials;
use crate::store::{StoreChoice, StoreError, StoreKind};
use crate::text::untrusted::escaped;

const LONGEST_CERTIFICATE: u64 = 1 << 20;

/// The configured credentials for the shared store.
struct Configured<'a> {
    system: &'a System,
    config: &'a Config,
    secrets: SharedStoreSecrets,
}

impl Configured<'_> {
    fn kind(&self) -> StoreKind {
        match self.config.store_choice() {
            StoreChoice::Only(kind) => kind,
            StoreChoice::Auto => StoreKind::File,
        }
    }

    fn failed(&self, source: impl Into<Box<dyn Error>>) -> StoreError {
        StoreError::SharedStoreCredential { kind: self.kind(), source: source.into() }
    }

    /// Checks that the user's own files say where the store is. Otherwise another config file could redirect a
    /// credential from another source (F-BIND6).
    fn check_server(&self) -> Result<(), StoreError> {
        let new = Definitions::new(self.system, self.config).new_part_of_store();
        new.map_or(Ok(()), |part| Err(StoreError::NewServer { kind: self.kind(), part: Box::new(part) }))
    }

    /// The token of Vault's own tools: from the environment or the home folder (vaultproject.io, "token helper").
    fn of_vault(&self) -> Result<Option<SecretText>, StoreError> {
        if let Some(token) = self.system.environment.variable("VAULT_TOKEN").filter(|token| !token.is_empty())
        {
            return Ok(Some(SecretText::new(token)));
        }
        let Some(path) = self.system.paths.home().map(|home| home.join(".vault-token")) else {
            return Ok(None);
        };
        if !path.exists() {
            return Ok(None);
        }
        self.check_server()?;
        let token = read_text(&path, secret::LONGEST as u64)
            .map_err(|error| self.failed(format!("cannot read {}: {error}", path.display())))?;
        Ok(Some(SecretText::new(token.trim())))
    }

    /// The other provider's tokens are on this machine, because the shared store cannot hold what opens it.
    fn of_provider(
        &self,
        name: &ProviderName,
        account: Option<&AccountName>,
    ) -> Result<SecretText, StoreError> {
        let store = local_store(self.system, self.config);
        let provider = self.config.selected(Some(name)).map_err(|error| self.failed(error))?;
        let session = Session::with_store(self.system, self.config, store).consumed_by(Consumer::Store, name);
        let request = AcquireRequest { account: account.cloned(), ..AcquireRequest::default() };
        let issued = token(&session, &provider, &request).map_err(|error| match new_place(error) {
            Ok(refused) => refused,
            Err(error) => self.failed(error),
        })?;
        Ok(issued.credential.bare())
    }

    fn secret(&self) -> Result<Option<SecretText>, StoreError> {
        match &self.secrets.secret {
            SharedStoreSecret::None => Ok(None),
            SharedStoreSecret::OfVault => self.of_vault(),
            SharedStoreSecret::From(source) => {
                if matches!(source, SecretSource::File(_) | SecretSource::Command(_)) {
                    self.check_server()?;
                }
                secret_source::outside(self.system, source).map(Some).map_err(|error| self.failed(error))
            }
            SharedStoreSecret::Provider(name, account) => self.of_provider(name, account.as_ref()).map(Some),
        }
    }

    fn identity(&self) -> Result<Option<ClientIdentity>, StoreError> {
        let Some(path) = &self.secrets.certificate else { return Ok(None) };
        let path = self.system.paths.expand(path);
        let shown = escaped(&path.display().to_string());
        let pem = read_text(&path, LONGEST_CERTIFICATE)
            .map_err(|error| self.failed(format!("cannot read the certificate {shown}: {error}")))?;
        let key = self.secrets.private_key.as_ref();
        let key = key.map(|source| secret_source::outside(self.system, source)).transpose();
        let key = key.map_err(|error| self.failed(error))?;
        certificate::identity(&SecretText::new(pem), key.as_ref())
            .map(Some)
            .map_err(|error| self.failed(error))
    }
}

/// Gets the credentials for the shared store.
pub(super) fn credentials(system: &System, config: &Config) -> Result<SharedCredentials, StoreError> {
    let configured = Configured { system, config, secrets: config.shared_store_secrets() };
    let identity = configured.identity()?;
    Ok(SharedCredentials { identity, secret: configured.secret()? })
}

/// Separates the refusal to use stored tokens with another definition, which is reported unchanged.
fn new_place(error: AcquireError) -> Result<StoreError, AcquireError> {
    match error {
        AcquireError::Store(error @ StoreError::NewPlace { .. })
        | AcquireError::Provider {
            source: ProviderError::Secret(SecretError::Store(error @ StoreError::NewPlace { .. })),
            ..
        } => Ok(error),
        AcquireError::Needed { name, needed, source } => new_place(*source)
            .map_err(|source| AcquireError::Needed { name, needed, source: Box::new(source) }),
        error => Err(error),
    }
}

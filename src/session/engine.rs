//! What lets us into a shared store: a password, a token of Vault's own tools or of another provider, a certificate.

use std::error::Error;

use super::Sessions;
use super::acquire::{Options, token};
use super::definitions::Definitions;
use crate::config::Config;
use crate::config::store::{EngineSecret, EngineSecrets};
use crate::foreign::escaped;
use crate::oauth::certificate;
use crate::ports::{ClientIdentity, System, read_text};
use crate::secret::{self, SecretText};
use crate::secret_source;
use crate::store::engine::EngineCredentials;
use crate::store::{StoreChoice, StoreError, StoreKind, StoreSettings, TokenStore};

/// The longest certificate chain.
const LONGEST_CERTIFICATE: u64 = 1 << 20;

/// The configured credentials for the shared store.
pub(super) struct Configured<'a> {
    system: &'a System,
    config: &'a Config,
    secrets: EngineSecrets,
}

impl<'a> Configured<'a> {
    pub(super) fn new(system: &'a System, config: &'a Config) -> Self {
        Self { system, config, secrets: config.engine_secrets() }
    }

    fn failed(&self, source: impl Into<Box<dyn Error>>) -> StoreError {
        let kind = match self.config.store_choice() {
            StoreChoice::Only(kind) => kind,
            StoreChoice::Auto => StoreKind::File,
        };
        StoreError::EngineCredential { kind, source: source.into() }
    }

    /// Where Vault's own tools keep it: first in the environment, then in the home (vaultproject.io, "token helper").
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
        let token = read_text(&path, secret::LONGEST as u64)
            .map_err(|error| self.failed(format!("{} cannot be read: {error}", path.display())))?;
        Ok(Some(SecretText::new(token.trim())))
    }

    /// The other provider's own tokens are kept on this machine: the shared store cannot hold what opens it.
    fn of_provider(
        &self,
        name: &crate::name::ProviderName,
        account: Option<&crate::name::AccountName>,
    ) -> Result<SecretText, StoreError> {
        let session = Sessions::new(self.system, self.config).keeping(name);
        let provider = session.provider(Some(name)).map_err(|error| self.failed(error))?;
        let options = Options { account: account.cloned(), ..Options::default() };
        let issued = token(&session, &provider, &options).map_err(|error| self.failed(error))?;
        Ok(issued.credential.bare())
    }
}

impl EngineCredentials for Configured<'_> {
    fn secret(&self) -> Result<Option<SecretText>, StoreError> {
        match &self.secrets.secret {
            EngineSecret::None => Ok(None),
            EngineSecret::OfVault => self.of_vault(),
            EngineSecret::From(source) => {
                secret_source::outside(self.system, source).map(Some).map_err(|error| self.failed(error))
            }
            EngineSecret::Provider(name, account) => self.of_provider(name, account.as_ref()).map(Some),
        }
    }

    fn identity(&self) -> Result<Option<ClientIdentity>, StoreError> {
        let Some(path) = &self.secrets.certificate else { return Ok(None) };
        let path = self.system.paths.expand(path);
        let shown = escaped(&path.display().to_string());
        let pem = read_text(&path, LONGEST_CERTIFICATE)
            .map_err(|error| self.failed(format!("the certificate {shown} cannot be read: {error}")))?;
        let key = self.secrets.private_key.as_ref();
        let key = key.map(|source| secret_source::outside(self.system, source)).transpose();
        let key = key.map_err(|error| self.failed(error))?;
        certificate::identity(&SecretText::new(pem), key.as_ref())
            .map(Some)
            .map_err(|error| self.failed(error))
    }
}

/// The store of this machine, beside the shared one.
pub(super) fn local<'a>(system: &'a System, config: &'a Config) -> TokenStore<'a> {
    let settings = StoreSettings { choice: StoreChoice::Auto, ..StoreSettings::default() };
    TokenStore::new(system, settings, Box::new(Nobody), Box::new(Definitions { system, config }))
}

/// A store on this machine asks for nothing.
struct Nobody;

impl EngineCredentials for Nobody {
    fn secret(&self) -> Result<Option<SecretText>, StoreError> {
        Ok(None)
    }

    fn identity(&self) -> Result<Option<ClientIdentity>, StoreError> {
        Ok(None)
    }
}

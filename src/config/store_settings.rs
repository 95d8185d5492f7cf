//! Which store is configured, and its credentials.

use std::path::PathBuf;

use super::merged::Config;
use super::store_table::StoreTable;
use crate::name::{AccountName, ProviderName};
use crate::oauth::endpoint::EndpointUrl;
use crate::ports::Environment;
use crate::schema::{SecretSource, Section, TokenSource};
use crate::store::shared::{SharedAddress, SharedSettings};
use crate::store::{StoreChoice, StoreKind, StoreSettings};

/// Where the credentials for the shared store come from.
#[derive(Debug, Clone, Default)]
pub struct SharedStoreSecrets {
    /// etcd's password, or Vault's token.
    pub secret: SharedStoreSecret,
    /// The file of the client certificate.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub private_key: Option<SecretSource>,
}

/// The password or the token.
#[derive(Debug, Clone, Default)]
pub enum SharedStoreSecret {
    /// None is configured.
    #[default]
    None,
    /// Where Vault's own tools have it.
    OfVault,
    /// A reference.
    From(SecretSource),
    /// Another provider's access token.
    Provider(ProviderName, Option<AccountName>),
}

impl Config {
    /// Which store is configured.
    #[must_use]
    pub fn store_choice(&self) -> StoreChoice {
        self.store.as_ref().and_then(StoreTable::kind).map_or(StoreChoice::Auto, StoreChoice::Only)
    }

    /// What is configured of the store.
    #[must_use]
    pub fn store_settings(&self, environment: &dyn Environment) -> StoreSettings {
        let settings = StoreSettings { choice: self.store_choice(), ..StoreSettings::default() };
        let Some(table) = &self.store else { return settings };
        let section = &table.section;
        StoreSettings {
            key: table.key_source(),
            remembered_for: section.duration("unlock_for").unwrap_or(settings.remembered_for),
            shared: shared(table, environment),
            withholds_token: table.kind() == Some(StoreKind::Vault)
                && !section.has("address")
                && environment.variable("VAULT_ADDR").is_some_and(|address| !address.is_empty())
                && !token_is_of_environment(section, environment),
            ..settings
        }
    }

    /// Whether access tokens are cached in the kernel's keyring.
    #[must_use]
    pub fn caches_in_kernel(&self) -> bool {
        self.store.as_ref().is_some_and(|table| table.section.text("cache") == Some("kernel"))
    }

    /// Whether the shared store is opened with a provider's token.
    #[must_use]
    pub fn opens_store(&self, name: &ProviderName) -> bool {
        matches!(self.shared_store_secrets().secret, SharedStoreSecret::Provider(provider, _) if provider == *name)
    }

    /// The credentials for the shared store.
    #[must_use]
    pub fn shared_store_secrets(&self) -> SharedStoreSecrets {
        let Some(table) = &self.store else { return SharedStoreSecrets::default() };
        let section = &table.section;
        let secret = match (section.token("token"), section.secret("password")) {
            (Some(TokenSource::Provider { name, account, .. }), _) => {
                let account = account.as_ref().and_then(|account| account.parse().ok());
                name.parse()
                    .map_or(SharedStoreSecret::None, |name| SharedStoreSecret::Provider(name, account))
            }
            (_, Some(password)) => SharedStoreSecret::From(password),
            (Some(TokenSource::Secret(token)), None) => SharedStoreSecret::From(token.clone()),
            _ if table.kind() == Some(StoreKind::Vault) => SharedStoreSecret::OfVault,
            _ => SharedStoreSecret::None,
        };
        SharedStoreSecrets {
            secret,
            certificate: section.path("certificate", None),
            private_key: section.secret("private_key"),
        }
    }
}

/// Whether Vault's token comes from the environment. Only then may variables choose the address and the authorities: a
/// variable must not redirect any other token.
fn token_is_of_environment(section: &Section, environment: &dyn Environment) -> bool {
    match section.token("token") {
        None => environment.variable("VAULT_TOKEN").is_some_and(|token| !token.is_empty()),
        Some(source) => matches!(source, TokenSource::Secret(SecretSource::Environment(_))),
    }
}

fn shared(table: &StoreTable, environment: &dyn Environment) -> Option<SharedSettings> {
    let section = &table.section;
    let url = |text: &str| EndpointUrl::configured(text).ok();
    let decides = token_is_of_environment(section, environment);
    let deciding = |variable: &str| environment.variable(variable).filter(|_| decides);
    let address = match table.kind()? {
        StoreKind::Etcd => SharedAddress::Etcd {
            endpoints: section.strings("endpoints").iter().filter_map(|text| url(text)).collect(),
            username: section.text("username").map(str::to_owned),
        },
        StoreKind::Vault => SharedAddress::Vault {
            address: url(&section.text("address").map(str::to_owned).or_else(|| deciding("VAULT_ADDR"))?)?,
            mount: section.text("mount").unwrap_or("secret").to_owned(),
            namespace: section
                .text("namespace")
                .map(str::to_owned)
                .or_else(|| environment.variable("VAULT_NAMESPACE"))
                .filter(|namespace| !namespace.is_empty()),
        },
        StoreKind::Keyring | StoreKind::File => return None,
    };
    let ca_file = section.path("ca_file", None);
    let prefix = section.text("prefix").unwrap_or("authctl/");
    let prefix = format!("{}/", prefix.trim_end_matches('/'));
    let is_vault = matches!(address, SharedAddress::Vault { .. });
    let of_vault = || deciding("VAULT_CACERT").filter(|path| is_vault && !path.is_empty()).map(PathBuf::from);
    Some(SharedSettings { address, prefix, ca_file: ca_file.or_else(of_vault) })
}

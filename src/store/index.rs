//! The index: what is stored where, without any secret. `status` reads it, and it remembers which store an account is
//! in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::binding::Binding;
use crate::name::{AccountName, ProviderName, ScopeSet};
use crate::store::kind::StoreKind;
use crate::store::record::{Record, RecordName};

const VERSION: u32 = 1;

/// What is stored for one provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Index {
    version: u32,
    /// The account that is used if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_account: Option<AccountName>,
    #[serde(default)]
    pub entries: Vec<Entry>,
}

/// What the index knows about a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub account: AccountName,
    pub binding: Binding,
    pub store: StoreKind,
    pub generation: u64,
    pub logged_in_at: Timestamp,
    /// When the access token expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    pub refreshable: bool,
    /// The granted scopes, or the requested ones if the server did not say.
    pub scopes: ScopeSet,
    /// The user's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The user's identifier at the issuer, which distinguishes two users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The mark of a refresh token that was sent, if the result is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<String>,
    /// The server rejected the last refresh: the user must log in again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login_needed: bool,
}

impl Entry {
    pub fn of(record: &Record, store: StoreKind) -> Self {
        Self {
            account: record.account.clone(),
            binding: record.binding.clone(),
            store,
            generation: record.generation,
            logged_in_at: record.logged_in_at,
            expires_at: record.tokens().filter_map(|token| token.life.expires_at).max(),
            refreshable: record.refresh_token.is_some(),
            scopes: record.granted_scopes.clone().unwrap_or_else(|| record.requested_scopes.clone()),
            label: record.label.clone(),
            subject: record.subject.clone(),
            in_flight: None,
            login_needed: false,
        }
    }

    pub fn name(&self, provider: &ProviderName) -> RecordName {
        RecordName::of_tokens(provider, &self.account, &self.binding)
    }
}

impl Default for Index {
    fn default() -> Self {
        Self { version: VERSION, default_account: None, entries: Vec::new() }
    }
}

impl Index {
    /// Reads an index; `None` if it is damaged or newer. Nothing else is lost with it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|index: &Self| index.version <= VERSION)
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The selected account: the named one, else the default, else the only one.
    pub fn account<'a>(&'a self, named: Option<&'a AccountName>) -> Option<&'a AccountName> {
        let known = |account: &&AccountName| self.entries.iter().any(|entry| entry.account == **account);
        named
            .or_else(|| self.default_account.as_ref().filter(known))
            .or_else(|| self.entries.first().map(|e| &e.account))
    }

    /// The entry of an account with this binding; if several match, the newest login.
    pub fn entry(&self, account: &AccountName, binding: &Binding) -> Option<&Entry> {
        let fitting =
            self.entries.iter().filter(|entry| entry.account == *account && binding.fits(&entry.binding));
        fitting.max_by_key(|entry| entry.logged_in_at)
    }

    pub fn insert(&mut self, entry: Entry) {
        self.remove(&entry.account, &entry.binding);
        self.entries.push(entry);
        self.entries.sort_by(|one, other| one.account.cmp(&other.account));
    }

    pub fn remove(&mut self, account: &AccountName, binding: &Binding) {
        self.entries.retain(|entry| entry.account != *account || entry.binding != *binding);
    }
}

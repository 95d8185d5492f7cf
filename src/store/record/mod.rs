//! A record: everything stored for one login, and its versioned encoding. Both are in one file, so that anyone who adds
//! a field sees how it is written and how older forms are read.

mod exposed;
mod name;
mod token;

pub use self::name::RecordName;
pub use self::token::{StoredToken, TokenKey};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::binding::Binding;
use crate::name::{AccountName, ProviderName, ScopeSet};
use crate::oauth::dpop::Prover;
use crate::secret::{DpopKey, IdToken, RefreshToken, SecretText};
use crate::store::destinations::Destinations;
use crate::store::revision::Revision;

/// The version of the encoding. A record of a later version is refused and left unchanged.
const VERSION: u32 = 1;
/// The most access tokens in a record: when it is full, the one that expires first is dropped.
const MOST_TOKENS: usize = 32;

/// Everything stored for one login.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    pub provider: String,
    pub account: AccountName,
    pub binding: Binding,
    /// Counts the saves, which distinguishes older states from newer ones.
    pub generation: u64,
    pub logged_in_at: Timestamp,
    /// The issuer, as its metadata spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The user's name, for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default)]
    pub requested_scopes: ScopeSet,
    /// The granted scopes, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_scopes: Option<ScopeSet>,
    #[serde(default, with = "exposed::optional", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<RefreshToken>,
    /// The validated ID token.
    #[serde(default, with = "exposed::optional", skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdToken>,
    /// The claims of the login's ID token that those of later refreshes must match (OpenID Connect Core section 12.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_claims: Option<serde_json::Map<String, serde_json::Value>>,
    /// The key that the tokens are bound to (RFC 9449): they are useless without it.
    #[serde(default, with = "exposed::optional", skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<DpopKey>,
    /// The servers' nonces for its proofs, by origin.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dpop_nonces: BTreeMap<String, String>,
    /// The thumbprint of the client certificate that the tokens are bound to (RFC 8705).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The provider's destinations at the time of the login.
    #[serde(default, rename = "reach", skip_serializing_if = "Option::is_none")]
    pub destinations: Option<Destinations>,
    /// In a shared store: a machine has sent the refresh token, and the result is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewing: Option<Renewing>,
    /// The state in which it was read: a save replaces that state.
    #[serde(skip)]
    pub revision: Revision,
    /// The access tokens, by the request options they were issued for.
    access_tokens: BTreeMap<String, StoredToken>,
    /// What other services issued in exchange for the provider's tokens. It does not belong to the provider and is
    /// never sent to the provider's endpoints.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    traded: BTreeMap<String, StoredToken>,
}

/// A refresh in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewing {
    /// Identifies the refresh token that was sent.
    pub mark: String,
    /// The random name of the machine that sent it.
    pub machine: String,
    /// By that machine's clock.
    pub since: Timestamp,
    /// That machine has stopped waiting for a response, and does not know whether the refresh token was replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unresolved: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not a valid record. The error quotes nothing from it.
    #[error("it is damaged")]
    Damaged,
    #[error("it was written by a newer authctl (record version {0})")]
    Newer(u32),
    #[error("it is the record of another provider, account or server")]
    Untrusted,
}

impl Record {
    /// An empty record for a new login.
    pub fn new(provider: &ProviderName, account: AccountName, binding: Binding, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            provider: provider.to_string(),
            account,
            binding,
            generation: 0,
            logged_in_at: now,
            issuer: None,
            subject: None,
            label: None,
            requested_scopes: ScopeSet::default(),
            granted_scopes: None,
            refresh_token: None,
            id_token: None,
            login_claims: None,
            dpop_key: None,
            dpop_nonces: BTreeMap::new(),
            certificate: None,
            destinations: None,
            renewing: None,
            revision: Revision::default(),
            access_tokens: BTreeMap::new(),
            traded: BTreeMap::new(),
        }
    }

    pub fn token(&self, key: &TokenKey) -> Option<&StoredToken> {
        self.access_tokens.get(&key.encoded())
    }

    pub fn tokens(&self) -> impl Iterator<Item = &StoredToken> {
        self.access_tokens.values()
    }

    pub fn insert_token(&mut self, key: &TokenKey, token: StoredToken) {
        insert(&mut self.access_tokens, key.encoded(), token);
    }

    /// Notes that a server rejected one access token, or all of them, so that they are not used again. Returns whether
    /// there was one.
    pub fn refuse(&mut self, token: Option<&str>) -> bool {
        let mut found = false;
        for stored in self.access_tokens.values_mut() {
            if token.is_none_or(|token| stored.access_token.expose() == token) {
                found |= !std::mem::replace(&mut stored.refused, true);
            }
        }
        found
    }

    /// What another service issued in exchange for a token of this record.
    pub fn traded(&self, key: &TokenKey) -> Option<&StoredToken> {
        self.traded.get(&key.encoded())
    }

    pub fn insert_traded(&mut self, key: &TokenKey, token: StoredToken) {
        insert(&mut self.traded, key.encoded(), token);
    }

    /// Stores the key or the certificate that the record's tokens are bound to.
    pub fn set_proof(&mut self, prover: Option<&Prover>, certificate: Option<&String>) {
        if let Some(prover) = prover {
            self.dpop_key = Some(prover.key().clone());
            self.dpop_nonces = prover.nonces();
        }
        if let Some(certificate) = certificate {
            self.certificate = Some(certificate.clone());
        }
    }

    /// Forgets every token that the refresh token can get again.
    pub fn forget_all_but_the_refresh_token(&mut self) {
        self.id_token = None;
        self.access_tokens.clear();
        self.traded.clear();
    }

    /// Forgets every token and key, but not the record's name and generation.
    pub fn forget_tokens(&mut self) {
        self.refresh_token = None;
        self.id_token = None;
        self.dpop_key = None;
        self.dpop_nonces.clear();
        self.access_tokens.clear();
        self.traded.clear();
    }

    /// Orders a record's states by age: of two logins, the later counts.
    pub fn age(&self) -> (Timestamp, u64) {
        (self.logged_in_at, self.generation)
    }

    /// Whether both records belong to the same login.
    pub fn is_same_session(&self, other: &Self) -> bool {
        let token = |record: &Self| record.refresh_token.as_ref().map(|token| token.expose().to_owned());
        self.logged_in_at == other.logged_in_at && token(self) == token(other)
    }

    /// Whether they are known to belong to two different users.
    pub fn is_of_another(&self, subject: Option<&str>) -> bool {
        matches!((self.subject.as_deref(), subject), (Some(one), Some(other)) if one != other)
    }

    pub fn name(&self, provider: &ProviderName) -> RecordName {
        RecordName::of_tokens(provider, &self.account, &self.binding)
    }

    pub fn encode(&self) -> SecretText {
        // It contains only strings, numbers and maps with string keys, which JSON can always represent.
        SecretText::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a stored record and checks that it is the requested one. The error contains no part of the text.
    pub fn decode(text: &SecretText, name: &RecordName) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(text.expose()).map_err(|_| RecordError::Damaged)?;
        if version > VERSION {
            return Err(RecordError::Newer(version));
        }
        let record: Self = serde_json::from_str(text.expose()).map_err(|_| RecordError::Damaged)?;
        let provider: ProviderName = record.provider.parse().map_err(|_| RecordError::Damaged)?;
        if record.name(&provider) == *name { Ok(record) } else { Err(RecordError::Untrusted) }
    }
}

/// Inserts a token; if there are too many, drops the one that expires first.
fn insert(tokens: &mut BTreeMap<String, StoredToken>, key: String, token: StoredToken) {
    tokens.insert(key.clone(), token);
    while tokens.len() > MOST_TOKENS {
        let others = tokens.iter().filter(|(present, _)| **present != key);
        let first = others.min_by_key(|(_, token)| token.life.expires_at).map(|(key, _)| key.clone());
        let Some(first) = first else { break };
        tokens.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::AccessToken;
    use crate::token::{Life, TokenSet};

    fn provider() -> ProviderName {
        "github".parse().unwrap()
    }

    fn record() -> Record {
        let binding = Binding::default().with(Binding::ISSUER, "https://as.example");
        let mut record = Record::new(&provider(), AccountName::unnamed(), binding, Timestamp::UNIX_EPOCH);
        record.refresh_token = Some(RefreshToken::new("canary-r"));
        let life = Life { obtained_at: Timestamp::UNIX_EPOCH, expires_at: None };
        let token = StoredToken::of(&TokenSet::lasting(AccessToken::new("canary-a"), life), None);
        record.insert_token(&TokenKey::default(), token);
        record
    }

    #[test]
    fn records_come_back_as_they_were() {
        let record = record();
        let name = record.name(&provider());
        assert_eq!(name.as_str(), format!("github+default+{}", record.binding.fingerprint()));
        let back = Record::decode(&record.encode(), &name).unwrap();
        assert_eq!(back.encode().expose(), record.encode().expose());
        assert_eq!(back.token(&TokenKey::default()).unwrap().access_token.expose(), "canary-a");
        assert!(!format!("{back:?}").contains("canary"));
    }

    #[test]
    fn damaged_newer_and_misplaced_records_are_refused_f_sto1_f_bind1() {
        let record = record();
        let name = record.name(&provider());
        let text = record.encode().expose().to_owned();
        for (case, text, want) in [
            ("nothing", String::new(), RecordError::Damaged),
            ("truncated", text[..text.len() / 2].to_owned(), RecordError::Damaged),
            ("no version", "{}".to_owned(), RecordError::Damaged),
            ("newer", text.replace("\"version\":1", "\"version\":2"), RecordError::Newer(2)),
            (
                "another account's",
                text.replace("\"account\":\"default\"", "\"account\":\"x\""),
                RecordError::Untrusted,
            ),
            ("another server's", text.replace("as.example", "evil.example"), RecordError::Untrusted),
            ("a token with a line feed", text.replace("canary-a", "a\\nb"), RecordError::Damaged),
        ] {
            assert_eq!(Record::decode(&SecretText::new(text), &name).unwrap_err(), want, "{case}");
        }
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let mut record = record();
        for number in 0..100 {
            let key = TokenKey::default().with("audience", &[number.to_string()]);
            let ends = Timestamp::from_second(1000 + number).unwrap();
            let life = Life { obtained_at: Timestamp::UNIX_EPOCH, expires_at: Some(ends) };
            record.insert_token(&key, StoredToken::of(&TokenSet::lasting(AccessToken::new("a"), life), None));
            assert!(record.token(&key).is_some());
        }
        assert_eq!(record.tokens().count(), MOST_TOKENS);
    }
}

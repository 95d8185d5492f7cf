//! The access tokens in a record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::ScopeSet;
use crate::secret::AccessToken;
use crate::store::record::exposed;
use crate::token::{Life, TokenSet, TokenType};

/// What an access token was asked for with: the key of the record's tokens (F-LEAK9). Every parameter that changes what
/// the token is good for is a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenKey(BTreeMap<String, String>);

impl TokenKey {
    /// The key with one more parameter. Its values are one line each; a line feed within a value is written as an escape, so
    /// that no two lists of values share a key (F-LEAK12).
    pub fn with(mut self, name: &str, values: &[String]) -> Self {
        if !values.is_empty() {
            let escaped = |value: &String| value.replace('\\', "\\\\").replace('\n', "\\n");
            let mut values: Vec<String> = values.iter().map(escaped).collect();
            values.sort();
            self.0.insert(name.to_owned(), values.join("\n"));
        }
        self
    }

    /// The key as it stands in a record: JSON of the parameters.
    pub(super) fn encoded(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// An access token in a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredToken {
    #[serde(with = "exposed::required")]
    pub access_token: AccessToken,
    /// How it is shown.
    #[serde(default, skip_serializing_if = "is_bearer")]
    pub token_type: TokenType,
    pub life: Life,
    /// What it allows, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// A server refused it: it is not used again, though its time is not over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

fn is_bearer(token_type: &TokenType) -> bool {
    *token_type == TokenType::Bearer
}

impl StoredToken {
    /// The access token of a token answer, for these scopes.
    pub fn of(tokens: &TokenSet, scopes: Option<ScopeSet>) -> Self {
        Self {
            access_token: tokens.access_token.clone(),
            token_type: tokens.token_type,
            life: tokens.life,
            scopes,
            refused: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_cached_by_their_request_f_leak9() {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let key = |resources: &[&str]| TokenKey::default().with("resource", &texts(resources));
        assert_eq!(key(&["https://a", "https://b"]), key(&["https://b", "https://a"]));
        assert_ne!(key(&["https://a"]), key(&["https://b"]));
        assert_ne!(key(&["https://a"]), TokenKey::default());
        // F-LEAK12
        let keys = [
            &["a", "b"][..],
            &["a\nb"],
            &["a\\nb"],
            &["a\\", "b"],
            &["a\\\nb"],
            &["a", "", "b"],
            &["a\n", "b"],
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| key(other) != key(one)), "{one:?}");
        }
        assert_ne!(
            TokenKey::default().with("audience", &texts(&["a"])),
            TokenKey::default().with("resource", &texts(&["a"]))
        );
    }
}

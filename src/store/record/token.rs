//! A record's access tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::ScopeSet;
use crate::secret::AccessToken;
use crate::store::record::exposed;
use crate::token::{Life, TokenSet, TokenType};

/// The request options that an access token was issued for: the key of the record's tokens (F-LEAK9). It contains every
/// parameter that changes what the token allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenKey(BTreeMap<String, String>);

impl TokenKey {
    /// The key with one more parameter. The values are separated by line feeds, and a line feed within a value is
    /// escaped, so that no two lists of values share a key (F-LEAK12).
    pub fn with(mut self, name: &str, values: &[String]) -> Self {
        if !values.is_empty() {
            let escaped = |value: &String| value.replace('\\', "\\\\").replace('\n', "\\n");
            let mut values: Vec<String> = values.iter().map(escaped).collect();
            values.sort();
            self.0.insert(name.to_owned(), values.join("\n"));
        }
        self
    }

    /// The key as it is stored in a record: JSON of the parameters.
    pub(super) fn encoded(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredToken {
    #[serde(with = "exposed::required")]
    pub access_token: AccessToken,
    #[serde(default, skip_serializing_if = "is_bearer")]
    pub token_type: TokenType,
    pub life: Life,
    /// What it allows, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// A server rejected it: it is not used again, although it has not expired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

fn is_bearer(token_type: &TokenType) -> bool {
    *token_type == TokenType::Bearer
}

impl StoredToken {
    /// The access token in a token response, for these scopes.
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

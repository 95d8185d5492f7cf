//! The names of records.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::binding::Binding;
use crate::name::{AccountName, ProviderName};

/// A record's name in a store: provider, account and the binding's fingerprint. Lower case without dots, for the
/// Windows Credential Manager.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordName(String);

impl RecordName {
    pub fn of_tokens(provider: &ProviderName, account: &AccountName, binding: &Binding) -> Self {
        Self(format!("{provider}+{}+{}", slug(account.as_str()), binding.fingerprint()))
    }

    pub fn of_secret(provider: &ProviderName, key: &str, binding: &Binding) -> Self {
        Self(format!("{provider}+={}+{}", slug(key), binding.fingerprint()))
    }

    /// The name of a temporary record for testing a store; `mark` distinguishes two tests.
    pub fn of_trial(mark: &str) -> Self {
        Self(format!("doctor+=trial+{mark}"))
    }

    /// A name that a store lists, if it is one of authctl's.
    pub fn stored(text: String) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_~=+".contains(&byte);
        (text.split('+').count() == 3 && text.bytes().all(fits)).then_some(Self(text))
    }

    /// The provider whose tokens it names; `None` for a configured secret.
    pub fn provider(&self) -> Option<ProviderName> {
        let mut parts = self.0.split('+');
        let provider = parts.next()?.parse().ok()?;
        parts.next().filter(|account| !account.starts_with('='))?;
        Some(provider)
    }

    pub fn is_tokens_of(&self, provider: &ProviderName) -> bool {
        let mut parts = self.0.split('+');
        parts.next() == Some(provider.as_str())
            && parts.next().is_some_and(|account| !account.starts_with('='))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A readable form of any text that is safe in file names and keyrings. A text that is not safe itself gets a
/// fingerprint, so that two texts never share a form.
fn slug(text: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if text.len() <= 32 && text.bytes().all(fits) {
        return text.to_owned();
    }
    let readable: String = text
        .to_ascii_lowercase()
        .bytes()
        .take(24)
        .map(|byte| if fits(byte) { char::from(byte) } else { '-' })
        .collect();
    let fingerprint = Binding::default().with("text", text).fingerprint();
    format!("{readable}~{}", &fingerprint[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> ProviderName {
        "github".parse().unwrap()
    }

    #[test]
    fn names_are_safe_and_apart() {
        let binding = Binding::default();
        let name = |account: &str| RecordName::of_tokens(&provider(), &account.parse().unwrap(), &binding);
        assert_ne!(name("Hans@example.com"), name("hans@example.com"));
        assert_ne!(name("a.b"), name("a-b"));
        for account in ["Hans@Example.com", "../../etc/passwd", "a+b", "=x", &"x".repeat(100)] {
            let name = name(account);
            assert!(RecordName::stored(name.as_str().to_owned()).is_some(), "{name}");
            assert!(name.is_tokens_of(&provider()), "{name}");
            assert!(!name.as_str().contains(['/', '.']), "{name}");
        }
        assert!(!RecordName::of_secret(&provider(), "client_secret", &binding).is_tokens_of(&provider()));
    }
}

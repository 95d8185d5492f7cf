//! Names: providers, accounts, scopes.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::text::untrusted::{escaped, steers};

/// The longest name: names become parts of file names and keyring attributes.
const LONGEST_NAME: usize = 64;

/// The name of a provider in the configuration: `[a-z0-9][a-z0-9-]*`, at most 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(String);

impl ProviderName {
    /// The name of the provider in the short form, `[credentials] domain = …`.
    pub fn short_form() -> Self {
        Self("default".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as part of an environment variable: upper case, with `_` instead of `-`.
    pub fn folded(&self) -> String {
        self.0.to_ascii_uppercase().replace('-', "_")
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a provider name consists of lower-case letters, digits and `-`, starts with a letter or digit and has at most 64 characters"
)]
pub struct InvalidProviderName;

impl FromStr for ProviderName {
    type Err = InvalidProviderName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let valid = !text.is_empty()
            && text.len() <= LONGEST_NAME
            && text.bytes().all(|byte| fits(byte) || byte == b'-')
            && text.bytes().next().is_some_and(fits);
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidProviderName) }
    }
}

/// The name of a provider's account: the value of `--account`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// The account of a login that did not name one.
    pub fn unnamed() -> Self {
        Self("default".to_owned())
    }

    /// The name as written, for files, requests and other programs. A server may have chosen it, so messages use
    /// `Display`, which escapes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes an account name from the server's name for the user. It leaves out characters that are not allowed,
    /// characters that a terminal would not show, and leading hyphens, which would make it look like an option.
    pub fn proposed(text: &str) -> Option<Self> {
        let kept = text.chars().filter(|&c| !steers(c) && !c.is_whitespace());
        let kept: String = kept.skip_while(|&c| c == '-').take(LONGEST_NAME).collect();
        shortened(&kept, 2 * LONGEST_NAME).parse().ok()
    }

    /// The same name with a number, to distinguish accounts of the same name.
    pub fn numbered(&self, number: u32) -> Self {
        let suffix = format!("-{number}");
        Self(shortened(&self.0, 2 * LONGEST_NAME - suffix.len()).to_owned() + &suffix)
    }
}

/// The beginning of a text, at most this many bytes long.
fn shortened(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

impl fmt::Display for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&escaped(&self.0))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an account name has at most 128 bytes and no spaces or control characters")]
pub struct InvalidAccountName;

impl FromStr for AccountName {
    type Err = InvalidAccountName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = !text.is_empty()
            && text.len() <= 2 * LONGEST_NAME
            && !text.chars().any(|c| c.is_control() || c.is_whitespace());
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidAccountName) }
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidAccountName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a value must not contain control characters, such as line breaks")]
pub struct ControlCharacter;

/// A request parameter, such as an audience, from the command line or another program. A stored token's key lists these
/// values one per line, so they must not contain line breaks (F-LEAK12).
pub fn parameter(text: &str) -> Result<String, ControlCharacter> {
    if text.chars().any(char::is_control) { Err(ControlCharacter) } else { Ok(text.to_owned()) }
}

/// Parses scopes from the command line or another program.
pub fn scopes(text: &str) -> Result<ScopeSet, String> {
    let text = parameter(text).map_err(|error| error.to_string())?;
    text.parse().map_err(|error: InvalidScope| error.to_string())
}

/// A set of scopes (RFC 6749 section 3.3), in which the order has no meaning.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ScopeSet(BTreeSet<String>);

impl ScopeSet {
    /// Reads scopes from a server's space-separated list, leaving out invalid ones.
    pub fn lenient(text: &str) -> Self {
        Self(text.split(' ').filter(|scope| is_scope_token(scope)).map(str::to_owned).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(" ")?;
            }
            formatter.write_str(scope)?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope consists of printable ASCII characters other than spaces, quotes and backslashes (RFC 6749 section 3.3)"
)]
pub struct InvalidScope;

impl FromStr for ScopeSet {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scopes: BTreeSet<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        if scopes.iter().all(|scope| is_scope_token(scope)) { Ok(Self(scopes)) } else { Err(InvalidScope) }
    }
}

/// RFC 6749 section 3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_names() {
        for (name, text, valid) in [
            ("usual", "github", true),
            ("digits and dashes", "0-my-app2", true),
            ("longest", &"a".repeat(64), true),
            ("too long", &"a".repeat(65), false),
            ("empty", "", false),
            ("upper case", "GitHub", false),
            ("leading dash", "-x", false),
            ("path", "../x", false),
            ("underscore", "a_b", false),
        ] {
            assert_eq!(text.parse::<ProviderName>().is_ok(), valid, "{name}");
        }
        assert_eq!("my-app".parse::<ProviderName>().unwrap().folded(), "MY_APP");
    }

    #[test]
    fn account_names_from_a_server_are_cleaned_f_ctrl2() {
        for (name, text, want) in [
            ("usual", "alice@example.com", Some("alice@example.com")),
            ("another script", "алиса", Some("алиса")),
            ("blanks", "Alice Smith", Some("AliceSmith")),
            ("an override", "a\u{202e}b", Some("ab")),
            ("isolates and marks", "\u{2066}a\u{200b}\u{200f}\u{feff}\u{61c}\u{ad}b", Some("ab")),
            ("tags", "a\u{e0041}\u{e007f}b", Some("ab")),
            ("controls", "a\u{1b}]0;\u{7}\u{9b}\nb", Some("a]0;b")),
            ("an option", "--rf", Some("rf")),
            ("an option behind an override", "\u{202e}-rf", Some("rf")),
            ("nothing that shows", "\u{200b}\u{202e}", None),
            ("hyphens alone", "--", None),
        ] {
            assert_eq!(AccountName::proposed(text).as_ref().map(AccountName::as_str), want, "{name}");
        }
        let longest = AccountName::proposed(&"a".repeat(300)).unwrap();
        assert_eq!(longest.as_str().len(), 64);
        assert_eq!(longest.numbered(2).as_str(), format!("{}-2", "a".repeat(64)));
        let wide = AccountName::proposed(&"語".repeat(300)).unwrap();
        for (number, suffix) in [(2, "-2"), (999, "-999")] {
            let numbered = wide.numbered(number);
            assert!(numbered.as_str().ends_with(suffix) && numbered.as_str().parse::<AccountName>().is_ok());
        }
    }

    #[test]
    fn scopes_are_a_set() {
        let left: ScopeSet = "repo  read:org repo".parse().unwrap();
        assert_eq!(left.to_string(), "read:org repo");
        assert_eq!(left, "read:org repo".parse().unwrap());
        assert!("bad\"scope".parse::<ScopeSet>().is_err());
        assert_eq!(ScopeSet::lenient("a \u{1b}[31m b").to_string(), "a b");
        assert_eq!(left.difference(&"repo".parse().unwrap()).to_string(), "read:org");
    }
}

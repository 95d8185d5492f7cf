//! What a stored secret is bound to: the only destination it may be sent to.

use std::collections::BTreeMap;
use std::fmt;

use crate::text::untrusted::escaped;

/// Where a record's tokens came from and may be sent to, as labelled values: for OAuth the issuer, the token endpoint's
/// origin and the client ID. A record whose binding does not match the configuration is never used (F-BIND1).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Binding(BTreeMap<String, String>);

impl Binding {
    /// The label of the authorization server's issuer identifier.
    pub const ISSUER: &str = "issuer";
    /// The label of the token endpoint's scheme, host and port.
    pub const TOKEN_ENDPOINT: &str = "token endpoint";
    /// The label of the client identifier.
    pub const CLIENT_ID: &str = "client id";

    /// The label of the grant, for grants without a user's login.
    pub const GRANT: &str = "grant";

    /// The label for providers that only environment variables define. They never use what is stored for a config
    /// file's provider, or the other way round.
    pub const DEFINED_BY: &str = "defined by";

    /// The labels that must be equal even if one of the bindings lacks them.
    const DECIDING: [&str; 2] = [Self::GRANT, Self::DEFINED_BY];

    pub fn with(mut self, label: &str, value: impl Into<String>) -> Self {
        self.0.insert(label.to_owned(), value.into());
        self
    }

    pub fn get(&self, label: &str) -> Option<&str> {
        self.0.get(label).map(String::as_str)
    }

    /// Whether a stored binding matches this configured one in every value that the configuration has. The record pins
    /// what the configuration leaves to discovery.
    pub fn fits(&self, stored: &Self) -> bool {
        // A record of another grant belongs to another party, even if this binding has no label.
        Self::DECIDING.iter().all(|label| self.get(label) == stored.get(label))
            && self.0.iter().all(|(label, value)| stored.get(label) == Some(value))
    }

    /// The values that differ between the bindings, as `(label, here, there)`.
    pub fn differences<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        let mine = self.0.iter().filter_map(|(label, here)| {
            let there = other.get(label).unwrap_or("(none)");
            (there != here).then_some((label.as_str(), here.as_str(), there))
        });
        let theirs = Self::DECIDING.into_iter().filter(|label| self.get(label).is_none());
        mine.chain(theirs.filter_map(|label| Some((label, "(none)", other.get(label)?))))
    }

    /// A short, stable name for the binding: 64 bits of a SHA-256, in hexadecimal. It distinguishes records; the
    /// bindings themselves are compared in full.
    pub fn fingerprint(&self) -> String {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for (label, value) in &self.0 {
            for part in [label, value] {
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part.as_bytes());
            }
        }
        base16ct::lower::encode_string(&context.finish().as_ref()[..8])
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (label, value)) in self.0.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(formatter, "{separator}{label} {}", escaped(value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_value_does_not_fit_f_bind1() {
        let stored = Binding::default()
            .with(Binding::ISSUER, "https://as.example")
            .with(Binding::TOKEN_ENDPOINT, "https://as.example")
            .with(Binding::CLIENT_ID, "app");
        let issuer = Binding::default().with(Binding::ISSUER, "https://as.example");
        for (name, configured, fits) in [
            ("the same", stored.clone(), true),
            ("the endpoint left to discovery", issuer.clone(), true),
            ("another endpoint", stored.clone().with(Binding::TOKEN_ENDPOINT, "https://evil.example"), false),
            ("another client", issuer.clone().with(Binding::CLIENT_ID, "other"), false),
            ("a label that the record lacks", issuer.clone().with("program", "x"), false),
            (
                "a provider of the environment",
                stored.clone().with(Binding::DEFINED_BY, "the environment"),
                false,
            ),
            ("another grant", issuer.with(Binding::GRANT, "client_credentials"), false),
        ] {
            assert_eq!(configured.fits(&stored), fits, "{name}");
        }
        let machine = stored.clone().with(Binding::GRANT, "client_credentials");
        assert!(!stored.fits(&machine), "a machine's tokens are not a user's");
        assert_eq!(stored.differences(&machine).count(), 1);
        let variables = stored.clone().with(Binding::DEFINED_BY, "the environment");
        assert!(
            !stored.fits(&variables),
            "a file's provider does not use what the environment's provider stored"
        );
        assert_eq!(stored.differences(&variables).count(), 1);
    }

    #[test]
    fn fingerprints_tell_bindings_apart() {
        let one = Binding::default().with("a", "bc");
        let two = Binding::default().with("ab", "c");
        assert_ne!(one.fingerprint(), two.fingerprint());
        assert_eq!(one.fingerprint().len(), 16);
    }
}

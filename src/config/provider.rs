//! A provider as it is configured.

use super::helper::HelperSettings;
use super::narrowing::Narrowing;
use crate::name::ProviderName;
use crate::oauth::endpoint::authority;
use crate::provider::{Kind, TokenProvider};

/// A provider that is configured right.
pub struct Provider {
    /// Its name.
    pub name: ProviderName,
    /// `https`, or `http` where the configuration says so.
    pub scheme: String,
    /// The hosts that its tokens may be sent to, `domain` first.
    pub hosts: Vec<String>,
    /// The kind, or the grant.
    pub kind: &'static Kind,
    /// Where its tokens come from.
    pub source: Box<dyn TokenProvider>,
    /// What the project asks for of it.
    pub narrowing: Narrowing,
    /// What other programs are told of it.
    pub helper: HelperSettings,
}

impl Provider {
    /// Whether its tokens may be sent to a URL: by its own scheme, to exactly one of its hosts (RFC 9700 section 4.9.1).
    #[must_use]
    pub fn serves(&self, url: &url::Url) -> bool {
        url.scheme() == self.scheme && self.hosts.contains(&authority(url))
    }
}

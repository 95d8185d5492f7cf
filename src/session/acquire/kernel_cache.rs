//! The kernel's cache of access tokens (`cache = "kernel"`), the fastest source of a token. It is off by default.
//!
//! An entry's name is a digest of everything that selects a token: the configuration's files, the variables and the
//! provider's name. If any of them changes, the entry is not found. The kernel drops an entry when its token needs a
//! refresh, and everything that changes the store (a login, a refresh, a logout) empties the cache.

use std::time::Duration;

use crate::config::{Provider, Texts, fingerprint};
use crate::name::ProviderName;
use crate::ports::System;
use crate::secret::SecretText;
use crate::session::provider_session::Session;
use crate::store::KERNEL_CACHE;
use crate::token::{Credential, Issued};

/// The result of a lookup.
pub struct Cached {
    name: Option<String>,
    token: Option<SecretText>,
}

/// Looks up a token.
pub fn look(system: &System, texts: &Texts, named: Option<&ProviderName>) -> Cached {
    let Some(digest) = fingerprint(system, texts, named) else {
        return Cached { name: None, token: None };
    };
    let name = format!("{KERNEL_CACHE}{digest}");
    let bytes = system.kernel_keyring.read(&name);
    let token = bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok().map(SecretText::new));
    Cached { name: Some(name), token }
}

impl Cached {
    /// The token, with its line feed.
    pub fn token(&self) -> Option<&SecretText> {
        self.token.as_ref()
    }

    /// The store's index before the token is read; `None` if the cache must not keep the token.
    pub fn listed(&self, session: &Session<'_>, provider: &Provider) -> Option<Vec<u8>> {
        let keeps = self.name.is_some() && session.config.caches_in_kernel();
        keeps.then(|| session.store.index(&provider.name).ok().map(|index| index.encode())).flatten()
    }

    /// Caches a token until it needs a refresh. Failures are ignored. `listed` is the index from before the token was
    /// read: if a logout has changed it since then, the token must not stay in the cache.
    pub fn keep(&self, session: &Session<'_>, provider: &Provider, issued: &Issued, listed: &[u8]) {
        let (Some(name), Credential::Bearer(token), Some(end)) =
            (&self.name, &issued.credential, issued.expires_at)
        else {
            return;
        };
        let left = Duration::try_from(end.duration_since(session.system.clock.now())).unwrap_or_default();
        let life = left.saturating_sub(provider.source.refresh_early());
        if life < Duration::from_secs(1) {
            return;
        }
        let text = SecretText::new(format!("{}\n", token.expose()));
        if session.system.kernel_keyring.keep(name, text.expose().as_bytes(), life).is_err() {
            return;
        }
        let now = session.store.index(&provider.name).map(|index| index.encode());
        if !now.is_ok_and(|now| now == listed) {
            session.system.kernel_keyring.forget(name);
        }
    }
}

//! The client of one login, until it is saved or discarded.

use super::end::{end_registration, retire};
use super::note::Registered;
use super::{note, secrets};
use crate::config::Provider;
use crate::config::discovered::{self, DiscoveredClient, DiscoveredProvider};
use crate::session::Session;
use crate::store::StoreError;
use crate::store::lock::Lock;

#[derive(Default)]
pub struct LoginClient {
    /// What the configuration does not know about it yet.
    pub discovered: Option<DiscoveredClient>,
    pub(super) origin: Origin,
    /// The registration that is no longer needed once the login has succeeded.
    pub(super) replaced: Option<DiscoveredClient>,
    /// All logins with a registration use the same redirect port, so the lock is held until the login is over.
    pub(super) _lock: Option<Lock>,
}

#[derive(Default)]
pub(super) enum Origin {
    /// It existed before.
    #[default]
    Known,
    /// It belongs to another provider, whose secrets are copied.
    Copied,
    /// A note holds it.
    Registered(Box<Registered>),
}

impl LoginClient {
    /// Called after the login: saves what was discovered with one write, and ends the replaced registration. If the
    /// save fails, the note of a registration remains.
    pub fn save(
        &self,
        session: &Session<'_>,
        provider: &Provider,
        discovered: &DiscoveredProvider,
    ) -> Result<(), StoreError> {
        let Some(oauth) = provider.source.oauth() else { return Ok(()) };
        if let Origin::Registered(registered) = &self.origin {
            let Registered { client, management, .. } = &**registered;
            secrets::store_management(session, provider, oauth, client, management.as_ref())?;
        }
        if discovered.url.is_some() || discovered.client.is_some() {
            discovered::save(session.system, discovered)?;
        }
        // A failure from here on only leaves unused data behind.
        if matches!(self.origin, Origin::Registered(_)) {
            let _ = note::forget(session, &provider.name);
        }
        if let Some(replaced) = &self.replaced {
            let saved = discovered::clients(session.system);
            let _ = retire(session, provider, oauth, replaced, &saved, false);
        }
        Ok(())
    }

    /// Called after a failed login: nothing has changed. The next login uses a client that was registered for this one,
    /// unless an earlier login works without it. Failures are not reported, because the login's own failure is.
    pub fn give_up(&self, session: &Session<'_>, provider: &Provider, is_first_login: bool) {
        let (Some(oauth), Some(client)) = (provider.source.oauth(), &self.discovered) else { return };
        match &self.origin {
            Origin::Known => return,
            Origin::Registered(registered) if !is_first_login => {
                let _ = end_registration(session, oauth, registered.management.as_ref());
                let _ = note::forget(session, &provider.name);
            }
            Origin::Registered(_) | Origin::Copied => {}
        }
        let _ = secrets::forget(session, provider, oauth, client);
    }
}

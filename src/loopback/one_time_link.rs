//! A link on the loopback interface that redirects the browser to a URL.
//!
//! Every user of the machine can read a browser's arguments, and a login URL is enough to complete the login as someone
//! else. authctl therefore passes this link to the browser instead of the URL (F-LEAK11, F-CB20).

use std::time::Duration;

use subtle::ConstantTimeEq as _;
use url::Url;

use crate::loopback::connections::{Connections, Incoming};
use crate::loopback::error::LoopbackError;
use crate::loopback::page;
use crate::loopback::request::Request;
use crate::loopback::user_check::{RequestUser, UserCheck};
use crate::oauth::pkce::random_text;
use crate::oauth::redirect::refused_as_navigation;
use crate::ports::Random;
use crate::secret::SecretText;

/// The link. Its path cannot be guessed. Other users can read it in the browser's arguments, but the kernel reports
/// which user a connection belongs to. If the system cannot report that, the link works only once.
pub struct OneTimeLink {
    url: Url,
    target: SecretText,
    opened: bool,
    by_unknown: bool,
}

/// How a listener answers a request for the link.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    /// The request is not for the link.
    NotTheLink,
    Redirect,
    Refuse(u16),
    /// The login stops: the link was opened twice, and the system does not report which user opened it.
    OpenedTwice,
}

impl OneTimeLink {
    pub(super) fn new(base: &Url, target: &Url, random: &dyn Random) -> Self {
        let mut url = base.clone();
        url.set_path(&random_text(random));
        url.set_query(None);
        Self { url, target: SecretText::new(target.as_str()), opened: false, by_unknown: false }
    }

    /// The URL that the browser is started with.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether a user that the system could not identify opened the link.
    pub fn was_opened_by_unknown(&self) -> bool {
        self.by_unknown
    }

    pub fn was_opened(&self) -> bool {
        self.opened
    }

    /// Answers a request for the link, and returns any other request.
    pub(super) fn answer(
        &mut self,
        incoming: Incoming,
        users: &UserCheck<'_>,
        connections: &mut Connections,
        now: Duration,
    ) -> Result<Option<Incoming>, LoopbackError> {
        let Incoming { stream, request: Ok(request) } = &incoming else { return Ok(Some(incoming)) };
        let answer = match self.reply(request, || users.of(stream)) {
            Reply::NotTheLink => return Ok(Some(incoming)),
            Reply::Redirect => page::redirect(self.target.expose()),
            Reply::Refuse(status) => page::refusal(status),
            Reply::OpenedTwice => {
                page::send(incoming.stream, &page::opened_twice());
                return Err(LoopbackError::OpenedTwice);
            }
        };
        connections.close_with(incoming.stream, answer, now);
        Ok(None)
    }

    fn reply(&mut self, request: &Request, user: impl FnOnce() -> RequestUser) -> Reply {
        let target = request.redirect.target.as_bytes();
        if !bool::from(target.ct_eq(self.url.path().as_bytes())) {
            return Reply::NotTheLink;
        }
        if let Some(status) = refused_as_navigation(&request.redirect, &self.url) {
            return Reply::Refuse(status);
        }
        // A prefetch would use up the link.
        if request.is_prefetch {
            return Reply::Refuse(503);
        }
        match user() {
            RequestUser::Other(_) | RequestUser::Disconnected => return Reply::Refuse(403),
            RequestUser::Unknown => self.by_unknown = true,
            RequestUser::Trusted => {}
        }
        if self.opened && self.by_unknown {
            return Reply::OpenedTwice;
        }
        self.opened = true;
        Reply::Redirect
    }
}

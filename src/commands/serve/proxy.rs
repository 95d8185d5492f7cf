//! Forwards requests to one of a provider's hosts and adds its credential.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use super::access::Access;
use super::live_config::LiveConfig;
use super::refusal::Refusal;
use crate::app::render::headers;
use crate::config::Provider;
use crate::error::Error;
use crate::name::{AccountName, ProviderName};
use crate::oauth::challenge::token_is_invalid;
use crate::oauth::dpop;
use crate::ports::HttpResponse;
use crate::ports::local_server::{
    Action, Attempt, Failure, ForwardTarget, Rejection, Reply, RequestHead, Service,
};
use crate::secret::SecretText;
use crate::session::Session;
use crate::session::acquire::{AcquireRequest, token};
use crate::text::untrusted::Untrusted;
use crate::token::{Issued, RequestTarget, method_override_refusal, method_refusal};

/// A server that rejects everything must not cause a refresh for every request.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(30);

pub struct Proxy {
    pub config: LiveConfig,
    pub access: Access,
    pub provider: ProviderName,
    /// One of the provider's hosts, with its port if that is not the default.
    pub host: String,
    pub account: Option<AccountName>,
    /// The last nonce from the host (RFC 9449 section 8.2).
    pub nonce: Mutex<Option<String>>,
    /// When a rejected credential was last refreshed.
    pub renewed: Mutex<Option<Timestamp>>,
}

impl Service for Proxy {
    fn refuse(&self, asked: &RequestHead) -> Option<Reply> {
        self.check(asked).err().map(|refusal| refusal.reply())
    }

    fn answer(&self, asked: &RequestHead, attempt: &Attempt) -> Option<Action> {
        let forward = self.config.with(&self.provider, |session, provider| {
            let url = target(&provider.scheme, &self.host, &asked.target)?;
            if !provider.serves(&url) {
                let message =
                    format!("{} is not one of the hosts of `{}`", Untrusted::new(&self.host), provider.name);
                return Err(Refusal::new(500, "config", message));
            }
            let issued = self.credential(session, provider, attempt)?;
            issued.map(|issued| self.forward(session, provider, asked, url, &issued)).transpose()
        });
        let (answer, said) = match forward {
            Ok(Some(forward)) => (Action::Forward(Box::new(forward)), "forwarded".to_owned()),
            Ok(None) => return None,
            Err(refusal) => (Action::Reply(refusal.reply()), refusal.message),
        };
        self.config.log(asked, attempt, &said);
        Some(answer)
    }

    fn rejection(&self, response: &HttpResponse) -> Option<Rejection> {
        if let Some(nonce) = dpop::nonce(response) {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        }
        if dpop::resource_wants_nonce(response) {
            return Some(Rejection::Nonce);
        }
        // A new token would not have a missing scope either (RFC 6750 section 3.1).
        token_is_invalid(response).then_some(Rejection::Credential)
    }

    fn failure(&self, failure: &Failure) -> Reply {
        Refusal::of(failure).reply()
    }
}

impl Proxy {
    fn check(&self, asked: &RequestHead) -> Result<(), Refusal> {
        self.access.check(asked, false)?;
        if let Some(reason) = method_refusal(&asked.method) {
            let message =
                format!("authctl does not forward {} requests: {reason}", asked.method.to_ascii_uppercase());
            return Err(Refusal::new(501, "not_offered", message));
        }
        let overridden = |(name, value): &(String, SecretText)| method_override_refusal(name, value.expose());
        if let Some(reason) = asked.headers.iter().find_map(overridden) {
            let message = format!(
                "authctl does not forward requests with a header that overrides the method: {reason}"
            );
            return Err(Refusal::new(501, "not_offered", message));
        }
        if asked.headers("upgrade").next().is_some() {
            return Err(Refusal::new(501, "not_offered", "authctl does not forward protocol upgrades"));
        }
        target("https", &self.host, &asked.target).map(drop)
    }
}

/// Returns the URL to forward to: the configured host with the path and query from the request. It refuses a path that a
/// URL parser would change, so that the same URL is checked, signed and sent.
fn target(scheme: &str, host: &str, sent: &str) -> Result<Url, Refusal> {
    let refused = || Refusal::bad_request("authctl cannot forward this path unchanged");
    if !sent.starts_with('/') {
        return Err(refused());
    }
    let url = Url::parse(&format!("{scheme}://{host}{sent}")).map_err(|_| refused())?;
    let understood = &url[Position::BeforePath..];
    // Percent-encoding may differ, but nothing else.
    if url.fragment().is_some() || percent_decode_str(understood).ne(percent_decode_str(sent)) {
        return Err(refused());
    }
    Ok(url)
}

impl Proxy {
    /// Returns the credential, or after a rejection another one if available.
    fn credential(
        &self,
        session: &Session<'_>,
        provider: &Provider,
        attempt: &Attempt,
    ) -> Result<Option<Issued>, Refusal> {
        let get = |force_refresh| {
            let options =
                AcquireRequest { account: self.account.clone(), force_refresh, ..AcquireRequest::default() };
            token(session, provider, &options).map_err(|error| Refusal::from(Error::from(error)))
        };
        let issued = get(false)?;
        let Attempt::Retry(Rejection::Credential, refused) = attempt else { return Ok(Some(issued)) };
        let is_other = |issued: &Issued| issued.credential.bare().expose() != refused.expose();
        if is_other(&issued) {
            return Ok(Some(issued));
        }
        if !self.may_refresh(session.system.clock.now()) {
            return Ok(None);
        }
        Ok(Some(get(true)?).filter(is_other))
    }

    /// Allows one refresh per interval.
    fn may_refresh(&self, now: Timestamp) -> bool {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = renewed.is_none_or(|last| now.duration_since(last).unsigned_abs() >= BETWEEN_RENEWALS);
        if is_due {
            *renewed = Some(now);
        }
        is_due
    }

    fn forward(
        &self,
        session: &Session<'_>,
        provider: &Provider,
        asked: &RequestHead,
        url: Url,
        issued: &Issued,
    ) -> Result<ForwardTarget, Refusal> {
        let dpop_nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let target = RequestTarget { method: asked.method.clone(), url, dpop_nonce };
        let headers = headers(provider, issued, Some(&target))?;
        let context = session.context(&provider.name);
        let transport = provider.source.transport_with_certificate(&context).map_err(Error::from)?;
        Ok(ForwardTarget {
            url: target.url,
            headers,
            credential: SecretText::new(issued.credential.bare().expose()),
            transport,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxied_paths_stay_on_the_configured_host() {
        for (sent, want) in [
            ("/", Some("https://api.example/")),
            ("/a/b?c=d&e", Some("https://api.example/a/b?c=d&e")),
            ("/a%2Fb/%C3%A9", Some("https://api.example/a%2Fb/%C3%A9")),
            ("//evil.example/a", Some("https://api.example//evil.example/a")),
            ("/?$filter=name eq 'x'", Some("https://api.example/?$filter=name%20eq%20%27x%27")),
            ("/@evil.example", Some("https://api.example/@evil.example")),
            ("/a?", Some("https://api.example/a?")),
            ("", None),
            ("*", None),
            ("@evil.example/", None),
            (".evil.example/", None),
            (":8443/", None),
            ("/a/../b", None),
            ("/a/./b", None),
            ("/a/%2e%2E/b", None),
            ("/a\\..\\b", None),
            ("/a\\b", None),
            ("/a#b", None),
            ("/a\tb", None),
        ] {
            let url = target("https", "api.example", sent);
            assert_eq!(url.ok().as_ref().map(Url::as_str), want, "{sent}");
        }
    }
}

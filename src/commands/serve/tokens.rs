//! Serves tokens by the provider's name.

use super::access::Access;
use super::live_config::LiveConfig;
use super::refusal::{JSON, Refusal, TEXT, reply};
use super::routes::{Route, Wanted, is_gce, route};
use super::{aws, gce};
use crate::advice::Advise;
use crate::app::render::{header_lines, headers, rendered};
use crate::app::target::{TargetError, target_url};
use crate::error::Error;
use crate::name::{AccountName, ProviderName};
use crate::ports::local_server::{Action, Attempt, Failure, Reply, RequestHead, Service};
use crate::secret::SecretText;
use crate::session::acquire::{AcquireRequest, token};
use crate::session::aws::{Role, credentials};
use crate::token::RequestTarget;

pub struct Tokens {
    pub config: LiveConfig,
    pub access: Access,
    /// Only these providers, or all if empty.
    pub only: Vec<ProviderName>,
    /// The account for requests without one.
    pub account: Option<AccountName>,
    /// The settings for Google's libraries.
    pub gce: Option<gce::Settings>,
}

impl Service for Tokens {
    fn refuse(&self, asked: &RequestHead) -> Option<Reply> {
        let for_google = self.gce.is_some() && is_gce(asked);
        let refusal =
            self.access.check(asked, for_google).and_then(|()| self.route(asked).map(drop)).err()?;
        Some(flavored(refusal.reply(), for_google))
    }

    fn answer(&self, asked: &RequestHead, attempt: &Attempt) -> Option<Action> {
        let for_google = self.gce.is_some() && is_gce(asked);
        let reply = self.route(asked).and_then(|route| self.reply(route));
        let (reply, said) = match reply {
            Ok(reply) => (reply, "served".to_owned()),
            Err(refusal) => (refusal.reply(), refusal.message),
        };
        self.config.log(asked, attempt, &said);
        Some(Action::Reply(flavored(reply, for_google)))
    }

    fn failure(&self, failure: &Failure) -> Reply {
        Refusal::of(failure).reply()
    }
}

fn flavored(mut reply: Reply, for_google: bool) -> Reply {
    if for_google {
        reply.headers.push((gce::FLAVOR.0, gce::FLAVOR.1.to_owned()));
    }
    reply
}

impl Tokens {
    /// Parses the request and checks that its provider is served.
    fn route(&self, asked: &RequestHead) -> Result<Route, Refusal> {
        let route = route(asked, self.gce.is_some())?;
        let provider = match &route {
            Route::Token(wanted, _) | Route::Headers { wanted, .. } | Route::Aws(wanted, _) => {
                &wanted.provider
            }
            Route::Gce(_) => return Ok(route),
        };
        if self.only.is_empty() || self.only.contains(provider) {
            return Ok(route);
        }
        let message = format!("this server does not serve the provider `{provider}`");
        Err(Refusal::new(404, "unknown_provider", message))
    }
}

impl Tokens {
    fn reply(&self, route: Route) -> Result<Reply, Refusal> {
        match route {
            Route::Token(wanted, format) => self.config.with(&wanted.provider, |session, provider| {
                let issued = token(session, provider, &self.options(&wanted)).map_err(Error::from)?;
                let text = rendered(session.config, provider, &issued, format)?;
                Ok(reply(200, if matches!(format.name, "json" | "k8s") { JSON } else { TEXT }, text))
            }),
            Route::Headers { wanted, target, json } => self.headers(&wanted, target.as_ref(), json),
            Route::Aws(wanted, role) => self.config.with(&wanted.provider, |session, provider| {
                let role = Role::of(session, provider, role.as_deref()).map_err(aws::refusal)?;
                let account = self.options(&wanted).account;
                let credentials = credentials(session, provider, account.as_ref(), &role);
                Ok(aws::answer(&credentials.map_err(Error::from)?))
            }),
            Route::Gce(question) => self.gce(&question),
        }
    }

    fn options(&self, wanted: &Wanted) -> AcquireRequest {
        let account = wanted.options.account.clone().or_else(|| self.account.clone());
        AcquireRequest { account, ..wanted.options.clone() }
    }

    fn headers(
        &self,
        wanted: &Wanted,
        target: Option<&(String, String, Option<String>)>,
        json: bool,
    ) -> Result<Reply, Refusal> {
        self.config.with(&wanted.provider, |session, provider| {
            let checked = target.map(|(method, url, nonce)| {
                let url = target_url(provider, url, "`url`: ")?;
                Ok::<_, TargetError>(RequestTarget { method: method.clone(), url, dpop_nonce: nonce.clone() })
            });
            // This is the client's mistake, not the server's.
            let target = checked
                .transpose()
                .map_err(|error| Refusal { hint: error.hint(), ..Refusal::bad_request(error.to_string()) })?;
            let issued = token(session, provider, &self.options(wanted)).map_err(Error::from)?;
            if json {
                let lines = headers(provider, &issued, target.as_ref())?;
                let lines = lines.iter().map(|line| (line.name.clone(), line.value.expose().into()));
                let object: serde_json::Map<String, serde_json::Value> = lines.collect();
                let text = serde_json::Value::from(object).to_string();
                return Ok(reply(200, JSON, SecretText::new(format!("{text}\n"))));
            }
            Ok(reply(200, TEXT, header_lines(provider, &issued, target.as_ref())?))
        })
    }

    fn gce(&self, question: &gce::Question) -> Result<Reply, Refusal> {
        let Some(settings) = &self.gce else { return Err(Refusal::not_found("this path does not exist")) };
        if let Some(answer) = question.plain(settings) {
            return answer;
        }
        self.config.with(&settings.provider, |session, provider| {
            let options = AcquireRequest { account: self.account.clone(), ..question.options() };
            let issued = token(session, provider, &options).map_err(Error::from);
            let issued = issued.map_err(|error| question.refusal(error))?;
            question.answer(session, &provider.name, &issued)
        })
    }
}

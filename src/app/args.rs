//! Arguments that several commands and helpers take.

use std::str::FromStr;

use crate::app::App;
use crate::config::Provider;
use crate::error::Error;
use crate::name::{AccountName, InvalidProviderName, ProviderName, ScopeSet, parameter, scopes};
use crate::oauth::endpoint::EndpointUrl;
use crate::provider::{BrowserChoice, TokenRequest};
use crate::text::untrusted::escaped;
use crate::token::method_refusal;

/// A provider by its name, or by a URL that its tokens are for.
#[derive(Debug, Clone)]
pub enum ProviderRef {
    /// As the configuration names it.
    Name(ProviderName),
    /// By a URL: one that was logged in to, or whose host is the provider's.
    Url(EndpointUrl),
}

impl FromStr for ProviderRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            return EndpointUrl::configured(text).map(Self::Url).map_err(|error| error.to_string());
        }
        text.parse().map(Self::Name).map_err(|error: InvalidProviderName| {
            let looks_like_host = text.contains(['.', ':', '/']);
            let more = if looks_like_host {
                format!("; a URL begins with https://: https://{}", escaped(text))
            } else {
                String::new()
            };
            format!("{error}{more}")
        })
    }
}

/// Which provider is meant.
#[derive(Debug, Clone, clap::Args)]
pub struct ProviderArg {
    /// The provider, as the configuration names it, or a URL that its tokens are for; without one, the default
    #[arg(value_name = "PROVIDER")]
    pub provider: Option<ProviderRef>,
}

impl ProviderArg {
    /// The name of the provider, where one is meant.
    ///
    /// # Errors
    /// [`Error::Choice`] for a URL that no provider has.
    pub fn name(&self, app: &App<'_>) -> Result<Option<ProviderName>, Error> {
        Ok(match &self.provider {
            None => None,
            Some(ProviderRef::Name(name)) => Some(name.clone()),
            Some(ProviderRef::Url(url)) => Some(app.config.choose_by_url(url.url())?),
        })
    }
}

/// Which account is meant.
#[derive(Debug, Clone, clap::Args)]
pub struct AccountArg {
    /// The account, where several are logged in
    #[arg(long, value_name = "NAME")]
    pub account: Option<AccountName>,
}

/// What a token is to be good for.
#[derive(Debug, Clone, clap::Args)]
pub struct NarrowArgs {
    /// A token of just these scopes
    #[arg(long, value_name = "SCOPES", value_parser = scopes, conflicts_with = "capability")]
    scope: Option<ScopeSet>,
    /// A token of just the scopes of this capability
    #[arg(long, value_name = "NAME")]
    capability: Option<String>,
    /// A token for this resource; may be repeated
    #[arg(long, value_name = "URI", value_parser = parameter)]
    resource: Vec<String>,
    /// A token for this audience; may be repeated
    #[arg(long, value_name = "NAME", value_parser = parameter)]
    audience: Vec<String>,
    /// A token of this connection, for token exchanges that have connections
    #[arg(long, value_name = "NAME", value_parser = parameter)]
    connection: Option<String>,
}

impl NarrowArgs {
    /// Whether nothing is narrowed.
    pub fn is_empty(&self) -> bool {
        self.scope.is_none()
            && self.capability.is_none()
            && self.resource.is_empty()
            && self.audience.is_empty()
            && self.connection.is_none()
    }

    /// The same as arguments.
    pub fn arguments(&self) -> Vec<String> {
        let scope = self.scope.iter().map(|scopes| format!("--scope={scopes}"));
        let capability = self.capability.iter().map(|name| format!("--capability={name}"));
        let resource = self.resource.iter().map(|uri| format!("--resource={uri}"));
        let audience = self.audience.iter().map(|name| format!("--audience={name}"));
        let connection = self.connection.iter().map(|name| format!("--connection={name}"));
        scope.chain(capability).chain(resource).chain(audience).chain(connection).collect()
    }

    /// The request that they make.
    ///
    /// # Errors
    /// [`Error::Provider`] for a capability that is not configured.
    pub fn request(&self, provider: &Provider) -> Result<TokenRequest, Error> {
        let scopes = match &self.capability {
            Some(name) => Some(provider.source.capability(name)?),
            None => self.scope.clone(),
        };
        if self.connection.is_some() && !provider.source.takes_connection() {
            let message =
                format!("`{}` has no connections: --connection is for token exchanges", provider.name);
            return Err(Error::usage(message));
        }
        Ok(TokenRequest {
            scopes,
            audience: self.audience.clone(),
            resource: self.resource.clone(),
            connection: self.connection.clone(),
        })
    }
}

/// Which browser is meant: the option's, the configuration's, or the user's own.
pub fn browser_choice(app: &App<'_>, command: Option<&str>, none: bool) -> BrowserChoice {
    let configured = app.config.browser.as_ref().and_then(|browser| browser.text());
    match command.or(configured) {
        _ if none => BrowserChoice::None,
        Some(command) => BrowserChoice::Command(command.to_owned()),
        None => BrowserChoice::Default,
    }
}

/// A method as HTTP writes it (RFC 9110 section 9.1), for a request that may carry a credential.
pub fn request_method(text: &str) -> Result<String, String> {
    let fits = !text.is_empty()
        && text.len() <= 32
        && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    match method_refusal(text) {
        Some(reason) => Err(format!("a {text} request gets no credential: {reason}")),
        None if fits => Ok(text.to_owned()),
        None => Err("write a method like GET or POST".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_repeat_or_tunnel_are_refused_f_srv2() {
        for (text, valid) in [
            ("GET", true),
            ("PROPFIND", true),
            ("VERSION-CONTROL", true),
            ("TRACER", true),
            ("TRACE", false),
            ("tRaCe", false),
            ("TRACK", false),
            ("track", false),
            ("CONNECT", false),
            ("connect", false),
            ("", false),
            ("GET /", false),
        ] {
            assert_eq!(request_method(text).is_ok(), valid, "{text}");
        }
    }
}

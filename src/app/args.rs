//! Arguments that several commands and helpers share.

use std::str::FromStr;

use crate::app::App;
use crate::config::Provider;
use crate::error::Error;
use crate::name::{AccountName, InvalidProviderName, ProviderName, ScopeSet, parameter, scopes};
use crate::oauth::endpoint::EndpointUrl;
use crate::provider::{BrowserChoice, TokenRequest};
use crate::text::untrusted::escaped;
use crate::token::method_refusal;

/// A provider's name, or a URL that it serves.
#[derive(Debug, Clone)]
pub enum ProviderRef {
    Name(ProviderName),
    /// A URL that the user logged in to, or one on the provider's hosts.
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
                format!("; for a URL, write https://{}", escaped(text))
            } else {
                String::new()
            };
            format!("{error}{more}")
        })
    }
}

#[derive(Debug, Clone, clap::Args)]
pub struct ProviderArg {
    /// Provider name, or a URL that it serves [default: the default provider]
    #[arg(value_name = "PROVIDER")]
    pub provider: Option<ProviderRef>,
}

impl ProviderArg {
    /// Returns the provider's name, or `None` for the default.
    ///
    /// # Errors
    /// [`Error::Choice`] for a URL that no provider serves.
    pub fn name(&self, app: &App<'_>) -> Result<Option<ProviderName>, Error> {
        Ok(match &self.provider {
            None => None,
            Some(ProviderRef::Name(name)) => Some(name.clone()),
            Some(ProviderRef::Url(url)) => Some(app.config.choose_by_url(url.url())?),
        })
    }
}

#[derive(Debug, Clone, clap::Args)]
pub struct AccountArg {
    /// Use this account instead of the default
    #[arg(long, value_name = "NAME")]
    pub account: Option<AccountName>,
}

/// Options that narrow a token.
#[derive(Debug, Clone, clap::Args)]
pub struct NarrowArgs {
    /// Request a token with only these scopes
    #[arg(long, value_name = "SCOPES", value_parser = scopes, conflicts_with = "capability")]
    scope: Option<ScopeSet>,
    /// Request a token with only this capability's scopes
    #[arg(long, value_name = "NAME")]
    capability: Option<String>,
    /// Request a token for this resource; repeatable
    #[arg(long, value_name = "URI", value_parser = parameter)]
    resource: Vec<String>,
    /// Request a token for this audience; repeatable
    #[arg(long, value_name = "NAME", value_parser = parameter)]
    audience: Vec<String>,
    /// Request a token for this connection (token exchange only)
    #[arg(long, value_name = "NAME", value_parser = parameter)]
    connection: Option<String>,
}

impl NarrowArgs {
    pub fn is_empty(&self) -> bool {
        self.scope.is_none()
            && self.capability.is_none()
            && self.resource.is_empty()
            && self.audience.is_empty()
            && self.connection.is_none()
    }

    /// Returns the options as command-line arguments.
    pub fn arguments(&self) -> Vec<String> {
        let scope = self.scope.iter().map(|scopes| format!("--scope={scopes}"));
        let capability = self.capability.iter().map(|name| format!("--capability={name}"));
        let resource = self.resource.iter().map(|uri| format!("--resource={uri}"));
        let audience = self.audience.iter().map(|name| format!("--audience={name}"));
        let connection = self.connection.iter().map(|name| format!("--connection={name}"));
        scope.chain(capability).chain(resource).chain(audience).chain(connection).collect()
    }

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
                format!("`{}` does not support --connection, which is for token exchange", provider.name);
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

/// Chooses the browser: from the option, else from the configuration, else the user's default.
pub fn browser_choice(app: &App<'_>, command: Option<&str>, none: bool) -> BrowserChoice {
    let configured = app.config.browser.as_ref().and_then(|browser| browser.text());
    match command.or(configured) {
        _ if none => BrowserChoice::None,
        Some(command) => BrowserChoice::Command(command.to_owned()),
        None => BrowserChoice::Default,
    }
}

/// Parses an HTTP method (RFC 9110 section 9.1) and refuses those that must not carry a credential.
pub fn request_method(text: &str) -> Result<String, String> {
    let fits = !text.is_empty()
        && text.len() <= 32
        && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    match method_refusal(text) {
        Some(reason) => Err(format!("authctl does not add a credential to a {text} request: {reason}")),
        None if fits => Ok(text.to_owned()),
        None => Err("not a valid method; use one such as GET or POST".to_owned()),
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

//! The subcommands: one file each, with its arguments (whose comments are its help) and what it does.

pub mod account;
pub mod client_metadata;
pub mod completions;
pub mod config;
pub mod curl;
pub mod doctor;
pub mod exec;
pub mod headers;
pub mod helper;
pub mod inspect;
pub mod interactive_login;
pub mod issued;
pub mod login;
pub mod logout;
pub mod man;
pub mod notification;
pub mod provider;
pub mod quick;
pub mod refresh;
pub mod secret;
pub mod serve;
pub mod status;
pub mod store;
pub mod target;
pub mod token;
pub mod whoami;

use std::rc::Rc;
use std::str::FromStr;

use jiff::Timestamp;

use crate::config::layers::Options;
use crate::config::{Config, Provider};
use crate::console::ColorChoice;
use crate::error::Error;
use crate::foreign::escaped;
use crate::name::{AccountName, InvalidProviderName, ProviderName, ScopeSet, parameter, scopes};
use crate::oauth::endpoint::EndpointUrl;
use crate::ports::System;
use crate::provider::{BrowserChoice, TokenRequest};
use crate::session::Sessions;
use crate::wire_log::WireLog;
use crate::words;

/// What every command is given.
pub struct Invocation<'a> {
    /// The outside.
    pub system: &'a System,
    /// The configuration.
    pub config: &'a Config,
    /// What the command line says of the configuration.
    pub options: &'a Options,
    /// Print JSON.
    pub json: bool,
    /// How the command line wants the outside to be.
    pub manner: &'a Manner,
    /// The definition of the command line itself.
    pub command_line: fn() -> clap::Command,
}

/// How the command line wants the outside to be: enough to make it so once more, on another thread.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How much is told of what goes over the wire.
    pub verbose: u8,
    /// When to use colours.
    pub color: ColorChoice,
    /// Say nothing but errors.
    pub quiet: bool,
}

impl Manner {
    /// Makes the outside so.
    pub fn apply(&self, system: &mut System) {
        system.console.configure(self.color, self.quiet);
        if self.verbose > 0 {
            let inner = Rc::clone(&system.http);
            system.http = Rc::new(WireLog::new(inner, system.console.clone(), self.verbose > 1));
        }
    }
}

impl<'a> Invocation<'a> {
    /// Opens sessions with the configuration.
    #[must_use]
    pub fn session(&self) -> Sessions<'a> {
        Sessions::new(self.system, self.config)
    }

    /// The configuration as it is now, after something was learned.
    #[must_use]
    pub fn reload(&self) -> Config {
        Config::load(self.system, self.options)
    }

    /// Prints a JSON value and a line feed.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn print_json(&self, value: &serde_json::Value) -> Result<(), Error> {
        Ok(self.system.console.out(&format!("{}\n", crate::foreign::escaped_json(value)))?)
    }
}

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
    pub fn name(&self, invocation: &Invocation<'_>) -> Result<Option<ProviderName>, Error> {
        Ok(match &self.provider {
            None => None,
            Some(ProviderRef::Name(name)) => Some(name.clone()),
            Some(ProviderRef::Url(url)) => Some(invocation.config.choose_by_url(url.url())?),
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
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scope.is_none()
            && self.capability.is_none()
            && self.resource.is_empty()
            && self.audience.is_empty()
            && self.connection.is_none()
    }

    /// The same as arguments.
    #[must_use]
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
#[must_use]
pub fn browser_choice(invocation: &Invocation<'_>, command: Option<&str>, none: bool) -> BrowserChoice {
    let configured = invocation.config.browser.as_ref().and_then(|browser| browser.text());
    match command.or(configured) {
        _ if none => BrowserChoice::None,
        Some(command) => BrowserChoice::Command(command.to_owned()),
        None => BrowserChoice::Default,
    }
}

/// Several things in one line.
#[must_use]
pub fn in_list(items: &[String]) -> String {
    items.join(", ")
}

/// Parses a length of time for an option.
///
/// # Errors
/// What to write.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::setting::parse_duration(text).ok_or_else(|| "write a length of time like 90s, 5m or 1h".to_owned())
}

/// A time from now in words: `in 54 minutes`, `2 hours ago`.
#[must_use]
pub fn in_words(time: Timestamp, now: Timestamp) -> String {
    let distance = time.duration_since(now);
    let words = words::length(distance.unsigned_abs());
    if distance.is_negative() { format!("{words} ago") } else { format!("in {words}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (offset, want) in [
            (1, "in 1 second"),
            (59, "in 59 seconds"),
            (3_240, "in 54 minutes"),
            (3_599, "in 1 hour"),
            (7_300, "in 2 hours"),
            (172_800, "in 2 days"),
            (-3_700, "1 hour ago"),
        ] {
            assert_eq!(in_words(Timestamp::from_second(1_000_000 + offset).unwrap(), now), want);
        }
    }
}

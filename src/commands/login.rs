//! `authctl login`

use std::time::Duration;

use super::interactive_login::{Who, lock, log_in, tell, with_known_client};
use super::{AccountArg, Invocation, ProviderArg, ProviderRef, browser_choice, duration};
use crate::config::learned::Before;
use crate::config::{Config, learned, templates};
use crate::error::{Error, Status};
use crate::foreign::{Foreign, escaped};
use crate::name::{ProviderName, ScopeSet, scopes};
use crate::provider::LoginRequest;
use crate::secret;
use crate::session::Sessions;
use crate::session::site::explore;
use crate::session::with_token::{Given, login_with};
use crate::wizard::{self, Start};

/// Log in with your browser and keep the tokens
#[derive(Debug, clap::Args)]
#[command(mut_arg("account", |arg| arg.help("Keep the login as this account; without it, as the one of the person who logs in")))]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    /// Ask for these scopes in the place of the configured ones
    #[arg(long, value_name = "SCOPES", value_parser = scopes)]
    scope: Option<ScopeSet>,
    /// Log in with a code that you enter on this or another device
    #[arg(long, conflicts_with = "browser")]
    device: bool,
    /// Open no browser, only print the address
    #[arg(long)]
    no_browser: bool,
    /// Open the address with this command; %s in it stands for the address
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser")]
    browser: Option<String>,
    /// Wait this long for you; by default 5m for a browser, and as long as the code is good with --device
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Read a token from standard input in the place of logging in: an access token, or a refresh token
    #[arg(long, value_name = "KIND", num_args = 0..=1, require_equals = true, default_missing_value = "access",
          value_parser = ["access", "refresh"], conflicts_with_all = ["scope", "no_browser", "browser", "device"])]
    with_token: Option<String>,
    /// The `WWW-Authenticate` header that the URL answered a request with: says which scopes it wants
    #[arg(long, value_name = "HEADER")]
    challenge: Option<String>,
    /// Log in as this client, which you registered with the server
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Ask the server again for what is cached of it
    #[arg(long)]
    refresh_metadata: bool,
}

/// What was found out before the login.
#[derive(Default)]
struct Explored {
    /// The provider, where one is meant.
    name: Option<ProviderName>,
    /// The configuration, where it has changed by it.
    config: Option<Config>,
    /// All the scopes that the URL's resource knows.
    scopes: Option<ScopeSet>,
    /// What was known of it before.
    before: Option<Before>,
}

/// Logs in and says who, what was granted, until when, and where it is kept.
///
/// # Errors
/// Any [`Error`].
pub fn run(invocation: &Invocation<'_>, args: &Args) -> Result<(), Error> {
    let Explored { name, config: explored, scopes, before } = args.explored(invocation)?;
    let invocation = &Invocation { config: explored.as_ref().unwrap_or(invocation.config), ..*invocation };
    let name = match name {
        Some(name) => name,
        None => invocation.session().provider(None)?.name,
    };
    let shown = args.shown(&name);
    let (account, client_id) = (args.account.account.as_ref(), args.client_id.as_deref());
    let (further, before) = (scopes.as_ref(), before.as_ref());
    let who = Who { name: &name, shown: &shown, account, client_id, further, before };
    if let Some(kind) = &args.with_token {
        return args.log_in_with_token(invocation, &who, kind);
    }
    let request = LoginRequest {
        scopes: args.scope.clone(),
        browser: browser_choice(invocation, args.browser.as_deref(), args.no_browser),
        device: args.device,
        timeout: args.timeout,
    };
    let _lock = lock(invocation, &name);
    log_in(invocation, &who, &request, args.refresh_metadata)
}

impl Args {
    /// The provider that is meant. What a URL is that nobody configured is found out first; then the configuration has
    /// changed.
    fn explored(&self, invocation: &Invocation<'_>) -> Result<Explored, Error> {
        let Some(ProviderRef::Url(url)) = &self.provider.provider else {
            if self.challenge.is_some() {
                return Err(Error::usage("--challenge goes with the URL that answered so"));
            }
            let name = self.provider.name(invocation)?;
            let asks = invocation.system.input.is_terminal();
            if name.is_none() && asks && invocation.config.credentials.is_empty() {
                invocation.config.check_files(true)?;
                return self.added(invocation, &wizard::ask_start(invocation)?, None);
            }
            let unknown = name.as_ref().filter(|name| !invocation.config.credentials.contains_key(name));
            return match unknown.and_then(|name| templates::find(name.as_str())) {
                Some(template) if asks => self.added(invocation, &Start::Template(template), name),
                _ => Ok(Explored { name, ..Explored::default() }),
            };
        };
        invocation.config.check_files(true)?;
        let config = invocation.config;
        if let Ok(name) = config.choose_by_url(url.url())
            && !config.is_learned(&name)
        {
            return Ok(Explored { name: Some(name), ..Explored::default() });
        }
        let name = learned::name_of(url.url());
        let before = config.provider(&name).ok().map(|provider| provider.source.scopes());
        let console = &invocation.system.console;
        let waiting = console.wait("Asking the server how to log in");
        let site = explore(invocation.system, url, self.challenge.as_deref(), before.as_ref());
        drop(waiting);
        let site = site.map_err(|source| Error::Site {
            url: Foreign::new(url.url().as_str()),
            source: Box::new(source),
        })?;
        let before = Some(Before::of(invocation.system, &name));
        learned::write(invocation.system, &name, &site.learned)?;
        let title = site.title.map(|title| format!(" ({})", Foreign::new(title))).unwrap_or_default();
        console.say(format_args!("{url}{title} gets its tokens from {}.", escaped(&site.issuer)));
        let (config, scopes) = (Some(invocation.reload()), Some(site.scopes));
        Ok(Explored { name: Some(name), config, scopes, before })
    }

    /// A provider that was not configured yet, after the questions that only its user can answer.
    fn added(
        &self,
        invocation: &Invocation<'_>,
        start: &Start,
        name: Option<ProviderName>,
    ) -> Result<Explored, Error> {
        let draft = wizard::ask_draft(invocation, start, name, Vec::new(), Vec::new())?;
        match wizard::write(invocation, &draft, false, false, true)? {
            true => {
                let config = Some(invocation.reload());
                Ok(Explored { name: Some(draft.name), config, ..Explored::default() })
            }
            false => Err(Error::Reported(Status::Failed)),
        }
    }

    fn log_in_with_token(&self, invocation: &Invocation<'_>, who: &Who<'_>, kind: &str) -> Result<(), Error> {
        with_known_client(invocation, who, None, |invocation| {
            let session = Sessions { refresh_metadata: self.refresh_metadata, ..invocation.session() };
            let provider = session.provider(Some(who.name))?;
            let session = session.keeping(&provider.name);
            let text = invocation.system.input.read_all(secret::LONGEST).map_err(|error| {
                Error::failed(format!("standard input cannot be read: {error}"), "pipe the token in")
            })?;
            let given = if kind == "refresh" { Given::Refresh(text) } else { Given::Access(text) };
            let report = login_with(&session, &provider, who.account, &given)?;
            tell(invocation, &session, who.shown, &report);
            Ok(())
        })
    }

    /// The provider as the user calls it.
    fn shown(&self, name: &ProviderName) -> String {
        match &self.provider.provider {
            Some(ProviderRef::Url(url)) => url.to_string(),
            _ => name.to_string(),
        }
    }
}

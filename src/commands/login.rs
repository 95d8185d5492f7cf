//! `authctl login`

use std::time::Duration;

use super::store::unlock_files;
use super::{AccountArg, Invocation, ProviderArg, ProviderRef, browser_choice, duration, in_words};
use crate::config::{Config, learned};
use crate::console::{GOOD, STRONG, styled};
use crate::error::Error;
use crate::foreign::{Foreign, escaped};
use crate::name::{ProviderName, ScopeSet};
use crate::provider::LoginRequest;
use crate::session::Session;
use crate::session::login::{Given, Report, login, login_with};
use crate::session::registration::ensure;
use crate::session::site::explore;
use crate::setting::Layer;
use crate::store::{StoreChoice, StoreKind};

/// The longest token that is read from standard input.
const LONGEST_TOKEN: usize = 64 * 1024;

/// Log in with your browser and keep the tokens
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    /// Ask for these scopes in the place of the configured
    #[arg(long, value_name = "SCOPES")]
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

/// Logs in and says who, what was granted, until when, and where it is kept.
///
/// # Errors
/// Any [`Error`].
pub fn run(invocation: &Invocation<'_>, args: &Args) -> Result<(), Error> {
    let (name, explored) = args.explored(invocation)?;
    let invocation = &Invocation { config: explored.as_ref().unwrap_or(invocation.config), ..*invocation };
    let known = args.made_known(invocation, name.as_ref())?;
    let invocation = &Invocation { config: known.as_ref().unwrap_or(invocation.config), ..*invocation };
    let mut session = invocation.session();
    session.refresh_metadata = args.refresh_metadata;
    let provider = session.provider(name.as_ref())?;
    let session = session.keeping(&provider.name);
    let account = args.account.account.as_ref();
    let report = match &args.with_token {
        Some(kind) => {
            let text = invocation.system.input.read_all(LONGEST_TOKEN);
            let text = text.map_err(|error| {
                Error::failed(format!("standard input cannot be read: {error}"), "pipe the token in")
            })?;
            let given = if kind == "refresh" { Given::Refresh(text) } else { Given::Access(text) };
            login_with(&session, &provider, account, &given)?
        }
        None => {
            let browser = browser_choice(invocation, args.browser.as_deref(), args.no_browser);
            if provider.source.is_interactive() && session.store.goes_to_sealed(&provider.name)? {
                unlock_files(invocation, &session)?;
            }
            let request = LoginRequest {
                scopes: args.scope.clone(),
                browser,
                device: args.device,
                timeout: args.timeout,
            };
            login(&session, &provider, account, &request)?
        }
    };
    tell(invocation, &session, &args.shown(&provider.name), &report);
    Ok(())
}

impl Args {
    /// The provider that is meant. What a URL is that nobody configured is found out first; then the configuration has
    /// changed.
    fn explored(&self, invocation: &Invocation<'_>) -> Result<(Option<ProviderName>, Option<Config>), Error> {
        let Some(ProviderRef::Url(url)) = &self.provider.provider else {
            if self.challenge.is_some() {
                return Err(Error::usage("--challenge goes with the URL that answered so"));
            }
            return Ok((self.provider.name(invocation)?, None));
        };
        invocation.config.check_files(true)?;
        let config = invocation.config;
        let is_learned = |name: &ProviderName| {
            config.credentials.get(name).is_some_and(|credential| credential.origin.layer() == Layer::Learned)
        };
        if let Ok(name) = config.choose_by_url(url.url())
            && !is_learned(&name)
        {
            return Ok((Some(name), None));
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
        learned::write(invocation.system, &name, &site.learned)?;
        let title = site.title.map(|title| format!(" ({})", Foreign::new(title))).unwrap_or_default();
        console.say(format_args!("{url}{title} gets its tokens from {}.", escaped(&site.issuer)));
        Ok((Some(name), Some(invocation.reload())))
    }

    /// Makes the client known to the server where nobody configured one; then the configuration has changed.
    fn made_known(
        &self,
        invocation: &Invocation<'_>,
        name: Option<&ProviderName>,
    ) -> Result<Option<Config>, Error> {
        let session = invocation.session();
        let provider = session.provider(name)?;
        let session = session.keeping(&provider.name);
        if !provider.source.is_interactive() {
            return Ok(None);
        }
        let document = invocation.config.client_id_metadata()?;
        let changed = ensure(&session, &provider, self.client_id.as_deref(), document.as_ref());
        let changed = changed.map_err(|source| Error::Registration {
            name: self.shown(&provider.name),
            source: Box::new(source),
        })?;
        Ok(changed.then(|| invocation.reload()))
    }

    /// The provider as the user calls it.
    fn shown(&self, name: &ProviderName) -> String {
        match &self.provider.provider {
            Some(ProviderRef::Url(url)) => url.to_string(),
            _ => name.to_string(),
        }
    }
}

/// Says how a login ended.
pub fn tell(invocation: &Invocation<'_>, session: &Session<'_>, provider: &str, report: &Report) {
    let console = &invocation.system.console;
    let who = report
        .label
        .as_deref()
        .map(|label| format!(" as {}", styled(STRONG, escaped(label))))
        .unwrap_or_default();
    console.say(format_args!("{} Logged in to {}{who}.", styled(GOOD, "✓"), styled(STRONG, provider)));
    match &report.granted {
        Some(granted) if !granted.is_empty() => console.say(format_args!("  Granted: {granted}")),
        _ => {}
    }
    if !report.missing.is_empty() {
        console.warn(format_args!("asked for and not granted: {}", report.missing));
    }
    let now = invocation.system.clock.now();
    let until = match report.expires_at {
        Some(end) if report.refreshable => {
            format!("The token ends {} and is then renewed.", in_words(end, now))
        }
        Some(end) => format!("The token ends {}; log in again then.", in_words(end, now)),
        None => "The server did not say when the token ends.".to_owned(),
    };
    console.say(format_args!("  {until}"));
    console.say(format_args!("  Kept in {}.", report.store));
    if report.store == StoreKind::File && session.store.key_lies_open() {
        let why = if invocation.config.store_choice() == StoreChoice::Auto {
            "There is no keyring here. "
        } else {
            ""
        };
        console.note(format_args!(
"{why}The file's key is on the same disk: this protects copies of the one without the other, and nothing more"
        ));
    }
    if report.others > 0 {
        console.note(format_args!(
            "{} is now the account that is used; {} more stay logged in (--account NAME)",
            report.account, report.others
        ));
    }
}

//! `authctl login`

use std::time::Duration;

use crate::app::App;
use crate::app::add_provider;
use crate::app::add_provider::Start;
use crate::app::args::{AccountArg, ProviderArg, ProviderRef, browser_choice};
use crate::app::input::InputError;
use crate::app::login::{Who, lock, log_in, tell, with_known_client};
use crate::config::discovered::Before;
use crate::config::{Config, discovered, templates};
use crate::discovery::resource::explore;
use crate::error::{Error, Status};
use crate::name::{ProviderName, ScopeSet, scopes};
use crate::provider::LoginRequest;
use crate::schema::duration;
use crate::secret;
use crate::session::Open;
use crate::session::with_token::{Given, login_with};
use crate::text::untrusted::{Untrusted, escaped};

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
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let Explored { name, config: explored, scopes, before } = args.explored(app)?;
    let app = &App { config: explored.as_ref().unwrap_or(app.config), ..*app };
    let name = match name {
        Some(name) => name,
        None => app.provider(None)?.name,
    };
    let shown = args.shown(&name);
    let (account, client_id) = (args.account.account.as_ref(), args.client_id.as_deref());
    let (further, before) = (scopes.as_ref(), before.as_ref());
    let who = Who { name: &name, shown: &shown, account, client_id, further, before };
    if let Some(kind) = &args.with_token {
        return args.log_in_with_token(app, &who, kind);
    }
    let request = LoginRequest {
        scopes: args.scope.clone(),
        browser: browser_choice(app, args.browser.as_deref(), args.no_browser),
        device: args.device,
        timeout: args.timeout,
    };
    let _lock = lock(app, &name);
    log_in(app, &who, &request, args.refresh_metadata)
}

impl Args {
    /// The provider that is meant. What a URL is that nobody configured is found out first; then the configuration has
    /// changed.
    fn explored(&self, app: &App<'_>) -> Result<Explored, Error> {
        let Some(ProviderRef::Url(url)) = &self.provider.provider else {
            if self.challenge.is_some() {
                return Err(Error::usage("--challenge goes with the URL that answered so"));
            }
            let name = self.provider.name(app)?;
            let asks = app.system.input.is_terminal();
            if name.is_none() && asks && app.config.credentials.is_empty() {
                app.config.check_files(true)?;
                return self.added(app, &add_provider::ask_start(app)?, None);
            }
            let unknown = name.as_ref().filter(|name| !app.config.credentials.contains_key(name));
            return match unknown.and_then(|name| templates::find(name.as_str())) {
                Some(template) if asks => self.added(app, &Start::Template(template), name),
                _ => Ok(Explored { name, ..Explored::default() }),
            };
        };
        app.config.check_files(true)?;
        let config = app.config;
        if let Ok(name) = config.choose_by_url(url.url())
            && !config.is_learned(&name)
        {
            return Ok(Explored { name: Some(name), ..Explored::default() });
        }
        let name = discovered::name_of(url.url());
        let before = config.provider(&name).ok().map(|provider| provider.source.scopes());
        let console = &app.system.console;
        let waiting = console.wait("Asking the server how to log in");
        let site = explore(app.system, url, self.challenge.as_deref(), before.as_ref());
        drop(waiting);
        let site = site.map_err(|source| Error::Site {
            url: Untrusted::new(url.url().as_str()),
            source: Box::new(source),
        })?;
        let before = Some(Before::of(app.system, &name));
        discovered::write(app.system, &name, &site.learned)?;
        let title = site.title.map(|title| format!(" ({})", Untrusted::new(title))).unwrap_or_default();
        console.say(format_args!("{url}{title} gets its tokens from {}.", escaped(&site.issuer)));
        let (config, scopes) = (Some(app.reload()), Some(site.scopes));
        Ok(Explored { name: Some(name), config, scopes, before })
    }

    /// A provider that was not configured yet, after the questions that only its user can answer.
    fn added(&self, app: &App<'_>, start: &Start, name: Option<ProviderName>) -> Result<Explored, Error> {
        let draft = add_provider::ask_draft(app, start, name, Vec::new(), Vec::new())?;
        match add_provider::write(app, &draft, false, false, true)? {
            true => {
                let config = Some(app.reload());
                Ok(Explored { name: Some(draft.name), config, ..Explored::default() })
            }
            false => Err(Error::Reported(Status::Failed)),
        }
    }

    fn log_in_with_token(&self, app: &App<'_>, who: &Who<'_>, kind: &str) -> Result<(), Error> {
        with_known_client(app, who, None, |app| {
            let Open { provider, mut session } = app.open(Some(who.name))?;
            session.refresh_metadata = self.refresh_metadata;
            let text = app.system.input.read_all(secret::LONGEST);
            let text = text.map_err(InputError::unreadable("standard input", "pipe the token in"))?;
            let given = if kind == "refresh" { Given::Refresh(text) } else { Given::Access(text) };
            let report = login_with(&session, &provider, who.account, &given)?;
            tell(app, &session, who.shown, &report);
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

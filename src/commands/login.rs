//! `authctl login`

use std::time::Duration;

use crate::app::App;
use crate::app::add_provider::{self, Start};
use crate::app::args::{AccountArg, ProviderArg, ProviderRef, browser_choice};
use crate::app::input::InputError;
use crate::app::login::{LoginMethod, LoginPlan, lock, log_in};
use crate::config::{discovered, templates};
use crate::discovery::resource::{DiscoveredUrl, challenged_scopes, discover};
use crate::error::{Error, Status};
use crate::name::{ProviderName, ScopeSet, scopes};
use crate::oauth::endpoint::EndpointUrl;
use crate::provider::LoginRequest;
use crate::schema::duration;
use crate::secret;
use crate::session::with_token::Given;
use crate::text::untrusted::{Untrusted, escaped};

/// Log in with your browser and store the tokens
#[derive(Debug, clap::Args)]
#[command(mut_arg("account", |arg| arg.help("Store the login under this account name [default: from the server]")))]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    /// Request these scopes instead of the configured ones
    #[arg(long, value_name = "SCOPES", value_parser = scopes)]
    scope: Option<ScopeSet>,
    /// Log in with a code that you enter on any device
    #[arg(long, conflicts_with = "browser")]
    device: bool,
    /// Print the URL instead of opening a browser
    #[arg(long)]
    no_browser: bool,
    /// Open the URL with this command; `%s` is replaced by the URL
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser")]
    browser: Option<String>,
    /// How long to wait for you [default: 5m, or with --device until the code expires]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Store a token from standard input instead of logging in
    #[arg(long, value_name = "KIND", num_args = 0..=1, require_equals = true, default_missing_value = "access",
          value_parser = ["access", "refresh"], conflicts_with_all = ["scope", "no_browser", "browser", "device"])]
    with_token: Option<String>,
    /// `WWW-Authenticate` header from the URL's response, which names the required scopes
    #[arg(long, value_name = "HEADER")]
    challenge: Option<String>,
    /// Use this client ID, which you registered with the server
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Fetch the server's metadata again instead of using the cache
    #[arg(long)]
    refresh_metadata: bool,
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    if let Some(ProviderRef::Url(url)) = &args.provider.provider {
        return args.log_in_to_url(app, url);
    }
    let name = args.provider.name(app)?;
    let configured = name.as_ref().filter(|name| !app.config.is_discovered(name));
    let credential = configured.and_then(|name| app.config.credentials.get(name));
    if args.challenge.is_some() && !credential.is_some_and(|credential| credential.keys.contains_key("url")) {
        return Err(Error::usage("--challenge needs the URL that sent this header"));
    }
    if let Some(start) = args.new_provider(app, name.as_ref())? {
        return args.add_and_log_in(app, &start, name);
    }
    let name = match name {
        Some(name) => name,
        None => app.provider(None)?.name.clone(),
    };
    args.log_in(app, LoginPlan::of(&name))
}

impl Args {
    /// Logs in to the configured provider that serves the URL, or else to the authorization server that discovery finds.
    fn log_in_to_url(&self, app: &App<'_>, url: &EndpointUrl) -> Result<(), Error> {
        app.config.check_files(true)?;
        let configured = app.config.choose_by_url(url.url());
        if let Some(name) = configured.ok().filter(|name| !app.config.is_discovered(name)) {
            return self.log_in(app, LoginPlan { shown: url.to_string(), ..LoginPlan::of(&name) });
        }
        let name = discovered::name_of(url.url());
        let discovered = Some(self.discover(app, url, &name)?);
        self.log_in(app, LoginPlan { shown: url.to_string(), discovered, ..LoginPlan::of(&name) })
    }

    fn discover(
        &self,
        app: &App<'_>,
        url: &EndpointUrl,
        name: &ProviderName,
    ) -> Result<DiscoveredUrl, Error> {
        let asked_before = app.config.provider(name).ok().map(|provider| provider.source.scopes());
        let waiting = app.system.console.wait("Asking the server how to log in");
        let found = discover(app.system, url, self.challenge.as_deref(), asked_before.as_ref());
        drop(waiting);
        let found = found.map_err(|source| Error::UrlDiscovery {
            url: Untrusted::new(url.url().as_str()),
            source: Box::new(source),
        })?;
        let title = found.title.as_ref().map(|title| format!(" ({})", Untrusted::new(title.as_str())));
        let (title, issuer) = (title.unwrap_or_default(), escaped(&found.issuer));
        app.system.console.say(format_args!("{url}{title} uses the authorization server {issuer}."));
        Ok(found)
    }

    fn log_in<'a>(&'a self, app: &App<'_>, plan: LoginPlan<'a>) -> Result<(), Error> {
        let plan = LoginPlan {
            account: self.account.account.as_ref(),
            client_id: self.client_id.as_deref(),
            refresh_metadata: self.refresh_metadata,
            ..plan
        };
        if let Some(kind) = &self.with_token {
            return log_in(app, &plan, &LoginMethod::WithToken(given(app, kind)?));
        }
        let challenge = self.challenge.as_deref().filter(|_| plan.discovered.is_none());
        let challenged = || {
            let configured = app.config.provider(plan.name).ok()?.source.scopes();
            challenged_scopes(challenge?, &configured)
        };
        let request = LoginRequest {
            scopes: self.scope.clone().or_else(challenged),
            browser: browser_choice(app, self.browser.as_deref(), self.no_browser),
            device: self.device,
            timeout: self.timeout,
        };
        let _lock = lock(app, plan.name);
        log_in(app, &plan, &LoginMethod::WithConsent(request))
    }

    /// Returns what to build a new provider from, if the selected one is not configured and a terminal is available.
    fn new_provider(&self, app: &App<'_>, name: Option<&ProviderName>) -> Result<Option<Start>, Error> {
        let asks = app.system.input.is_terminal();
        if name.is_none() && asks && app.config.credentials.is_empty() {
            app.config.check_files(true)?;
            return add_provider::ask_start(app).map(Some);
        }
        let unknown = name.filter(|name| asks && !app.config.credentials.contains_key(name));
        Ok(unknown.and_then(|name| templates::find(name.as_str())).map(Start::Template))
    }

    fn add_and_log_in(&self, app: &App<'_>, start: &Start, name: Option<ProviderName>) -> Result<(), Error> {
        let draft = add_provider::ask_draft(app, start, name, Vec::new(), Vec::new())?;
        if !add_provider::write(app, &draft, false, false, true)? {
            return Err(Error::Reported(Status::Failed));
        }
        self.log_in(&App { config: &app.reload(), ..*app }, LoginPlan::of(&draft.name))
    }
}

fn given(app: &App<'_>, kind: &str) -> Result<Given, Error> {
    let text = app.system.input.read_all(secret::LONGEST);
    let text =
        text.map_err(InputError::unreadable("standard input", "pipe the token into standard input"))?;
    Ok(if kind == "refresh" { Given::Refresh(text) } else { Given::Access(text) })
}

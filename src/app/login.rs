//! An interactive login, for any command that needs one. It is planned in memory: nothing is written before it succeeds,
//! except for the note about a new registration.

use std::time::Duration;

use crate::app::App;
use crate::app::login_result::tell;
use crate::app::passphrase::unlock_files;
use crate::config::discovered::DiscoveredProvider;
use crate::config::{Config, Provider};
use crate::discovery::resource::DiscoveredUrl;
use crate::error::Error;
use crate::name::{AccountName, ProviderName};
use crate::ports::Folder;
use crate::provider::LoginRequest;
use crate::session::acquire::AcquireError;
use crate::session::login::login;
use crate::session::registration::{ClientRequest, LoginClient, choose};
use crate::session::with_token::{Given, login_with};
use crate::session::{Open, Session};
use crate::store::StoreError;
use crate::store::lock::Lock;

/// What to log in to, and what discovery found.
pub struct LoginPlan<'a> {
    pub name: &'a ProviderName,
    /// The provider's name or URL, as the user typed it.
    pub shown: String,
    pub account: Option<&'a AccountName>,
    /// The client from `--client-id`.
    pub client_id: Option<&'a str>,
    /// What discovery found at the URL on the command line, if no configured provider serves it.
    pub discovered: Option<DiscoveredUrl>,
    pub refresh_metadata: bool,
}

pub enum LoginMethod {
    WithConsent(LoginRequest),
    WithToken(Given),
}

impl<'a> LoginPlan<'a> {
    /// Plans a login to a configured provider.
    #[must_use]
    pub fn of(name: &'a ProviderName) -> Self {
        Self {
            name,
            shown: name.to_string(),
            account: None,
            client_id: None,
            discovered: None,
            refresh_metadata: false,
        }
    }
}

/// Takes the provider's login lock: helpers do not open a second browser during a login (F-HLP3).
///
/// # Errors
/// [`StoreError::LockTimeout`] while another login is in progress.
pub fn lock(app: &App<'_>, name: &ProviderName) -> Result<Lock, StoreError> {
    let folder = app.system.paths.folder(Folder::State)?;
    Lock::take(&folder.join(format!("login-{name}.lock")), Duration::ZERO, &*app.system.clock)
}

/// Logs in, saves what was discovered and registered, and reports the result. If the login fails, an earlier login keeps
/// working. The caller may hold the login lock; a login that the user asked for goes ahead without it.
///
/// # Errors
/// Any [`Error`].
pub fn log_in(app: &App<'_>, plan: &LoginPlan<'_>, method: &LoginMethod) -> Result<(), Error> {
    let mut discovered =
        DiscoveredProvider { name: plan.name.clone(), url: plan.discovered.clone(), client: None };
    let config = app.config.with_discovered(app.system, &discovered)?;
    let Open { session, provider } = open(app, plan, &config)?;
    if matches!(method, LoginMethod::WithConsent(_))
        && provider.source.is_interactive()
        && session.store.goes_to_sealed(&provider.name)?
    {
        unlock_files(app, &session.store)?;
    }
    let client = choose_client(&session, &provider, plan, method)?;
    discovered.client.clone_from(&client.discovered);
    let is_first = session.store.index(plan.name)?.entries.is_empty();
    carry_out(app, plan, method, &client, &discovered)
        .inspect_err(|_| client.give_up(&session, &provider, is_first))
}

/// Logs in with the client and the discovered metadata.
fn carry_out(
    app: &App<'_>,
    plan: &LoginPlan<'_>,
    method: &LoginMethod,
    client: &LoginClient,
    discovered: &DiscoveredProvider,
) -> Result<(), Error> {
    let config = app.config.with_discovered(app.system, discovered)?;
    let Open { session, provider } = open(app, plan, &config)?;
    let logged_in = match method {
        LoginMethod::WithConsent(request) => login(&session, &provider, plan.account, request)?,
        LoginMethod::WithToken(given) => login_with(&session, &provider, plan.account, given)?,
    };
    client.save(&session, &provider, discovered)?;
    if let Some(signal) = logged_in.interrupted {
        return Err(AcquireError::Interrupted(signal).into());
    }
    tell(app, &session, &plan.shown, &logged_in);
    Ok(())
}

fn open<'a>(app: &'a App<'_>, plan: &LoginPlan<'_>, config: &'a Config) -> Result<Open<'a>, Error> {
    let mut open = Session::open(app.system, config, Some(plan.name))?;
    open.session.refresh_metadata = plan.refresh_metadata;
    Ok(open)
}

fn choose_client(
    session: &Session<'_>,
    provider: &Provider,
    plan: &LoginPlan<'_>,
    method: &LoginMethod,
) -> Result<LoginClient, Error> {
    if !provider.source.is_interactive() {
        return Ok(LoginClient::default());
    }
    let document = session.config.client_id_metadata()?;
    let asked_for = match method {
        LoginMethod::WithConsent(request) => request.scopes.clone(),
        LoginMethod::WithToken(_) => None,
    };
    let further_scopes = plan.discovered.as_ref().map(|url| url.scopes_supported.clone());
    let request = ClientRequest {
        client_id: plan.client_id,
        document: document.as_ref(),
        scopes: asked_for.unwrap_or_else(|| provider.source.scopes()),
        further_scopes: further_scopes.unwrap_or_default(),
    };
    choose(session, provider, &request)
        .map_err(|source| Error::Registration { name: plan.shown.clone(), source: Box::new(source) })
}

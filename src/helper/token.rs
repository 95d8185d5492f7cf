//! Gets a token for another program: the stored token, refreshed if necessary, or after a login if a person is present.

use super::error::HelperError;
use crate::app::input::InputError;
use std::time::Duration;

use crate::app::App;
use crate::app::login::{LoginMethod, LoginPlan, lock, log_in};
use crate::app::render::headers;
use crate::config::Provider;
use crate::error::Error;
use crate::ports::Stream;
use crate::provider::{LoginRequest, ProviderError};
use crate::secret::SecretText;
use crate::session::acquire::{AcquireError, AcquireRequest, token};
use crate::store::StoreError;
use crate::token::Issued;

/// Limits the other program's request (F-HLP1).
const LONGEST_INPUT: usize = 1 << 20;
/// Limits how long the other program may take to write its request (F-HLP1).
const INPUT_DEADLINE: Duration = Duration::from_secs(10);

/// Reads the other program's whole request.
///
/// # Errors
/// [`InputError::Unreadable`], if it is too long, too slow or not UTF-8.
pub(super) fn input(app: &App<'_>) -> Result<SecretText, Error> {
    let read = app.system.input.read_within(LONGEST_INPUT, INPUT_DEADLINE);
    let hint = "run `authctl helper NAME --setup` to configure the program that runs this command";
    Ok(read.map_err(InputError::unreadable("standard input", hint))?)
}

/// Gets a token, after a login if one is required and a `person` is present. A provider has one login at a time: a second
/// caller fails at once (F-HLP3).
pub(super) fn with_login(
    app: &App<'_>,
    provider: &Provider,
    options: &AcquireRequest,
    person: bool,
) -> Result<Issued, Error> {
    let session = app.session(&provider.name);
    let error = match token(&session, provider, options) {
        Err(error @ AcquireError::LoginRequired { .. }) if person && provider.source.is_interactive() => {
            error
        }
        result => return Ok(result?),
    };
    let console = &app.system.console;
    let lock = match lock(app, &provider.name) {
        Ok(lock) => lock,
        Err(StoreError::LockTimeout { .. }) => {
            console.note(format_args!("authctl: another login to {} is in progress", provider.name));
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    // Another process may have logged in before this one got the lock.
    match token(&session, provider, options) {
        Err(AcquireError::LoginRequired { .. }) => {}
        result => return Ok(result?),
    }
    console.say(format_args!("authctl: login required for {}", provider.name));
    let request = LoginRequest {
        scopes: None,
        browser: crate::app::args::browser_choice(app, None, false),
        device: false,
        timeout: None,
    };
    let plan = LoginPlan { account: options.account.as_ref(), ..LoginPlan::of(&provider.name) };
    log_in(app, &plan, &LoginMethod::WithConsent(request))?;
    drop(lock);
    Ok(token(&session, provider, options)?)
}

/// Whether a person sees the messages, because the other program passes on its terminal.
pub(super) fn is_watched(app: &App<'_>) -> bool {
    app.system.console.is_terminal(Stream::Err)
}

/// Returns the value of the `Authorization` header, for programs that send no other header.
///
/// # Errors
/// [`Error::Failed`], for a credential that uses other headers or needs a proof for each request.
pub(super) fn authorization(provider: &Provider, issued: &Issued) -> Result<SecretText, Error> {
    let mut headers = headers(provider, issued, None)?;
    match headers.pop() {
        Some(header) if headers.is_empty() && header.name.eq_ignore_ascii_case("authorization") => {
            let text = header.value.expose();
            if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
                return Ok(header.value);
            }
            Err(ProviderError::NotOffered("a header in ASCII").into())
        }
        _ => Err(HelperError::OtherHeaders(provider.name.clone()).into()),
    }
}

//! A token for another program: the stored one, renewed where needed; with a login where a person is there for it.

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
use crate::text::untrusted::escaped;
use crate::token::Issued;

/// What a program writes is at most this long (F-HLP1).
const LONGEST_INPUT: usize = 1 << 20;
/// A program that asks has written its question by then (F-HLP1).
const INPUT_DEADLINE: Duration = Duration::from_secs(10);

/// What the other program asks, to its end.
///
/// # Errors
/// [`InputError::Unreadable`], when it is too long, too slow or not UTF-8.
pub(super) fn input(app: &App<'_>) -> Result<SecretText, Error> {
    let read = app.system.input.read_within(LONGEST_INPUT, INPUT_DEADLINE);
    let hint = "this command is for other programs: `authctl helper NAME --setup` says how";
    Ok(read.map_err(InputError::unreadable("standard input", hint))?)
}

/// Gets a token; where `person` says that somebody is there, and a login is needed, with a login. One login at a time for
/// a provider: whoever comes meanwhile is told so at once (F-HLP3).
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
            console.note(format_args!("authctl: a login to {} is in progress", provider.name));
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    // Somebody else may have logged in between the question and the lock.
    match token(&session, provider, options) {
        Err(AcquireError::LoginRequired { .. }) => {}
        result => return Ok(result?),
    }
    console.say(format_args!("authctl: {} needs a login", provider.name));
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

/// Whether a person sees what is said: the other program passes its terminal on.
pub(super) fn is_watched(app: &App<'_>) -> bool {
    app.system.console.is_terminal(Stream::Err)
}

/// Says why there is nothing, where the protocol has no words for it.
pub(super) fn note_unusable(app: &App<'_>, provider: &Provider, what: &str) {
    let console = &app.system.console;
    console.note(format_args!("authctl: the credential of {} {}", provider.name, escaped(what)));
}

/// The value of the `Authorization` header, for programs that send just that one.
///
/// # Errors
/// [`Error::Failed`], for a credential of other headers, or one that needs a proof for each request.
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

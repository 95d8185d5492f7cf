//! A token as text: in a format or as header lines, and what the user is told about it.

use crate::config::{Config, Provider, templates};
use crate::error::Error;
use crate::format::{Format, FormatError, Subject, header};
use crate::name::ProviderName;
use crate::oauth::id_token::stored_expiry;
use crate::ports::console::Console;
use crate::schema::Setting;
use crate::secret::{AccessToken, SecretText};
use crate::token::{Credential, HeaderLine, Issued, NoHeaders, RequestTarget};

/// The variable that other programs read this provider's token from: the template's, or one made of the name.
#[must_use]
pub fn variable(config: &Config, provider: &Provider) -> String {
    let template =
        config.credentials.get(&provider.name).and_then(|credential| credential.keys.get("template"));
    let template = template.and_then(Setting::text).and_then(templates::find);
    template.and_then(|template| template.variable).unwrap_or_else(|| {
        let name = provider.name.folded();
        // A POSIX name does not begin with a digit.
        let lead = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        format!("{lead}{name}_TOKEN")
    })
}

/// A token in a format.
///
/// # Errors
/// [`Error::Failed`] for a credential that the format cannot carry.
pub fn rendered(
    config: &Config,
    provider: &Provider,
    issued: &Issued,
    format: &Format,
) -> Result<SecretText, Error> {
    render(format, provider, issued, &variable(config, provider), None)
}

/// The header lines of a request to the provider's host.
///
/// # Errors
/// [`Error::Failed`] for a credential that makes no headers, or none that fit on a line each.
pub fn header_lines(
    provider: &Provider,
    issued: &Issued,
    target: Option<&RequestTarget>,
) -> Result<SecretText, Error> {
    render(&header::FORMAT, provider, issued, "", target)
}

/// The headers of a request to the provider's host.
///
/// # Errors
/// [`Error::Failed`] for a credential that makes no headers.
pub fn headers(
    provider: &Provider,
    issued: &Issued,
    target: Option<&RequestTarget>,
) -> Result<Vec<HeaderLine>, Error> {
    issued.credential.headers(target).map_err(|error| format_error(error.into(), &provider.name))
}

fn render(
    format: &Format,
    provider: &Provider,
    issued: &Issued,
    variable: &str,
    target: Option<&RequestTarget>,
) -> Result<SecretText, Error> {
    let (name, hosts, username) = (&provider.name, &provider.hosts, provider.helper.git_username());
    let subject = Subject { provider: name, variable, hosts, username, target };
    (format.render)(issued, &subject).map_err(|error| format_error(error, name))
}

/// What to do about a credential that a format cannot carry.
pub fn format_error(error: FormatError, provider: &ProviderName) -> Error {
    let hint = match error {
        FormatError::Unframeable(_) => "choose another format with -o".to_owned(),
        FormatError::NoHeaders(NoHeaders::NeedsTarget) => {
            format!("name the request: `authctl headers {provider} --method GET --url URL`")
        }
        FormatError::NoHeaders(_) => "print it with `-o raw`".to_owned(),
    };
    Error::failed(error.to_string(), hint)
}

/// The id token in the place of the access token, with its own end.
///
/// # Errors
/// [`Error::Failed`] where there is none.
pub fn id_token(issued: &Issued) -> Result<Issued, Error> {
    let token = issued.id_token.as_ref();
    let token = token.ok_or_else(|| {
        Error::failed("this provider gives no id token", "ask for the scope openid and log in again")
    })?;
    let credential = Credential::Bearer(AccessToken::new(token.expose()));
    Ok(Issued { credential, expires_at: stored_expiry(token), ..issued.clone() })
}

/// Says of a token that is no good by itself that it is not.
pub fn note_limits(console: &Console, provider: &Provider, issued: &Issued) {
    match &issued.credential {
        Credential::Dpop(..) => console.note(format_args!(
            "this token is bound to a key (DPoP) and good for nothing by itself: `authctl headers {} --method GET --url URL` makes the headers of a request",
            provider.name
        )),
        Credential::Untyped(_) => {
            console.note("the server says that this token is none to show with a request (token_type N_A)");
        }
        _ => {}
    }
}

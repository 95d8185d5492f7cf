//! Prints a token in a format or as header lines, and warns about its limits.

use crate::advice::{Advise, Status};
use crate::config::{Config, Provider, templates};
use crate::error::{CommandError, Error};
use crate::format::{Format, FormatError, Subject, header};
use crate::name::ProviderName;
use crate::oauth::id_token::stored_expiry;
use crate::ports::console::Console;
use crate::schema::Setting;
use crate::secret::{AccessToken, SecretText};
use crate::token::{Credential, HeaderLine, Issued, NoHeaders, RequestTarget};

/// Returns the variable for this provider's token: the template's, or one made from the provider's name.
pub fn variable(config: &Config, provider: &Provider) -> String {
    let template =
        config.credentials.get(&provider.name).and_then(|credential| credential.keys.get("template"));
    let template = template.and_then(Setting::text).and_then(templates::find);
    template.and_then(|template| template.variable).unwrap_or_else(|| {
        let name = provider.name.folded();
        // A POSIX name does not start with a digit.
        let lead = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        format!("{lead}{name}_TOKEN")
    })
}

/// Formats a token.
///
/// # Errors
/// [`RenderError`] for a credential that the format cannot express.
pub fn rendered(
    config: &Config,
    provider: &Provider,
    issued: &Issued,
    format: &Format,
) -> Result<SecretText, Error> {
    render(format, provider, issued, &variable(config, provider), None)
}

/// Returns the header lines for a request to the provider's host.
///
/// # Errors
/// [`RenderError`] for a credential that cannot be sent as headers, or whose headers contain line breaks.
pub fn header_lines(
    provider: &Provider,
    issued: &Issued,
    target: Option<&RequestTarget>,
) -> Result<SecretText, Error> {
    render(&header::FORMAT, provider, issued, "", target)
}

/// Returns the headers for a request to the provider's host.
///
/// # Errors
/// [`RenderError`] for a credential that cannot be sent as headers.
pub fn headers(
    provider: &Provider,
    issued: &Issued,
    target: Option<&RequestTarget>,
) -> Result<Vec<HeaderLine>, Error> {
    issued
        .credential
        .headers(target)
        .map_err(|error| RenderError::Format { provider: provider.name.clone(), error: error.into() }.into())
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
    (format.render)(issued, &subject)
        .map_err(|error| RenderError::Format { provider: name.clone(), error }.into())
}

#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("{error}")]
    Format { provider: ProviderName, error: FormatError },
    #[error("this provider did not issue an ID token")]
    NoIdToken,
}

impl Advise for RenderError {
    fn status(&self) -> Status {
        Status::Failed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Format { error: FormatError::Unframeable(_), .. } => "select another format with -o",
            Self::Format { error: FormatError::NoHeaders(NoHeaders::NeedsTarget), provider } => {
                return Some(format!("run `authctl headers {provider} --method GET --url URL`"));
            }
            Self::Format { error: FormatError::NoHeaders(_), .. } => "use `-o raw`",
            Self::NoIdToken => "add `openid` to the provider's scopes and log in again",
        };
        Some(hint.to_owned())
    }
}

impl CommandError for RenderError {}

/// Returns the ID token, with its own expiry, instead of the access token.
///
/// # Errors
/// [`RenderError::NoIdToken`].
pub fn id_token(issued: &Issued) -> Result<Issued, Error> {
    let token = issued.id_token.as_ref();
    let token = token.ok_or(RenderError::NoIdToken)?;
    let credential = Credential::Bearer(AccessToken::new(token.expose()));
    Ok(Issued { credential, expires_at: stored_expiry(token), ..issued.clone() })
}

/// Tells the user if the token alone does not authenticate a request.
pub fn note_limits(console: &Console, provider: &Provider, issued: &Issued) {
    match &issued.credential {
        Credential::Dpop(..) => console.note(format_args!(
            "this token is bound to a key (DPoP) and does not work alone; `authctl headers {} --method GET --url URL` prints a request's headers",
            provider.name
        )),
        Credential::Untyped(_) => {
            console.note("the server says that this token must not be sent with a request (token_type N_A)");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let format = |error| RenderError::Format { provider: "github".parse().unwrap(), error };
        check(&[
            (&format(FormatError::Unframeable("env")), Status::Failed, "with -o"),
            (&format(NoHeaders::NeedsTarget.into()), Status::Failed, "authctl headers github"),
            (&RenderError::NoIdToken, Status::Failed, "openid"),
        ]);
    }
}

//! What the commands that hand out a token share: its variable, the id token in its place, what to say about it.

use crate::config::{Config, Provider, templates};
use crate::error::Error;
use crate::ports::console::Console;
use crate::schema::Setting;
use crate::secret::AccessToken;
use crate::session::acquire::id_token_end;
use crate::token::{Credential, Issued};

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

/// The id token in the place of the access token, with its own end (E16).
///
/// # Errors
/// [`Error::Failed`] where there is none.
pub fn id_token(issued: &Issued) -> Result<Issued, Error> {
    let token = issued.id_token.as_ref();
    let token = token.ok_or_else(|| {
        Error::failed("this provider gives no id token", "ask for the scope openid and log in again")
    })?;
    let credential = Credential::Bearer(AccessToken::new(token.expose()));
    Ok(Issued { credential, expires_at: id_token_end(token), ..issued.clone() })
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

//! `authctl whoami`

use serde_json::{Map, Value};

use crate::app::App;
use crate::app::args::{AccountArg, ProviderArg};
use crate::config::Provider;
use crate::error::Error;
use crate::oauth::id_token::stored_claims;
use crate::oauth::userinfo::UserinfoError;
use crate::provider::ProviderError;
use crate::session::Open;
use crate::session::Session;
use crate::session::acquire::{AcquireError, AcquireRequest, token};
use crate::text::style::{FAINT, styled};
use crate::text::untrusted::escaped;
use crate::token::{Credential, Issued};

/// Show who is logged in, from the server or the ID token's claims
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let Open { provider, session } = app.open(args.provider.name(app)?.as_ref())?;
    let mut options = AcquireRequest { account: args.account.account.clone(), ..AcquireRequest::default() };
    let mut issued = token(&session, &provider, &options)?;
    let mut asked = ask(&session, &provider, &issued);
    if matches!(asked, Err(ProviderError::Userinfo(UserinfoError::InvalidToken))) {
        // The server revoked the token early: get a new one and try once more (RFC 6750 section 3.1).
        options.force_refresh = true;
        issued = token(&session, &provider, &options)?;
        asked = ask(&session, &provider, &issued);
    }
    let id_claims = issued.id_token.as_ref().and_then(stored_claims);
    let claims = match (asked, id_claims) {
        (Ok(claims), _) => claims,
        // Without a userinfo endpoint, use the claims of the validated ID token.
        (Err(error), Some(claims))
            if !error.is_transient() && !matches!(error, ProviderError::Userinfo(_)) =>
        {
            claims.all().clone()
        }
        (Err(source), _) => return Err(AcquireError::Provider { name: provider.name.clone(), source }.into()),
    };
    if app.json {
        return app.print_json(&Value::Object(claims));
    }
    let width = claims.keys().map(String::len).max().unwrap_or(0).min(30);
    let mut text = String::new();
    for (name, value) in &claims {
        let value = match value {
            Value::String(value) => escaped(value),
            other => escaped(&other.to_string()),
        };
        let name = escaped(name);
        text.push_str(&format!("{}  {value}\n", styled(FAINT, format!("{name:width$}"))));
    }
    Ok(app.system.console.show(&text)?)
}

/// Asks the server which user the token belongs to.
fn ask(
    session: &Session<'_>,
    provider: &Provider,
    issued: &Issued,
) -> Result<Map<String, Value>, ProviderError> {
    let claims = issued.id_token.as_ref().and_then(stored_claims);
    match &issued.credential {
        credential @ (Credential::Bearer(_) | Credential::Dpop(..)) => {
            let subject = claims.as_ref().map(|claims| claims.subject());
            provider.source.userinfo(&session.context(&provider.name), credential, subject)
        }
        Credential::Basic { username, .. } => {
            Ok(Map::from_iter([("username".to_owned(), username.as_str().into())]))
        }
        Credential::Headers(_) | Credential::Untyped(_) => Err(ProviderError::NotOffered("a user")),
    }
}

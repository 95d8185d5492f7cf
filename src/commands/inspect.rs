//! `authctl inspect`

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::app::args::{AccountArg, NarrowArgs, ProviderArg};
use crate::error::Error;
use crate::session::Open;
use crate::session::acquire::AcquireRequest;
use crate::session::inspect::{Inspection, Signature, inspect};
use crate::text::humanize::relative;
use crate::text::style::{ERROR, FAINT, GOOD, STRONG, styled};
use crate::text::untrusted::escaped;

/// The claims that contain times (RFC 7519 section 4.1, OpenID Connect Core sections 2 and 5.1).
const TIMES: &[&str] = &["exp", "iat", "nbf", "auth_time", "updated_at"];

/// Show a token's claims, signature and introspection result
///
/// An opaque token has no readable claims, but the server may describe it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// Inspect the ID token instead of the access token
    #[arg(long)]
    id_token: bool,
}

/// Prints a token's content, but not the token.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let Open { provider, session } = app.open(args.provider.name(app)?.as_ref())?;
    let request = args.narrow.request(&provider)?;
    let account = args.account.account.clone();
    let options = AcquireRequest { account, request, id_token: args.id_token, ..AcquireRequest::default() };
    let found = inspect(&session, &provider, &options)?;
    if app.json {
        return app.print_json(&in_json(provider.name.as_str(), args.id_token, &found));
    }
    let text = in_text(&found, args.id_token, app.system.clock.now());
    Ok(app.system.console.show(&text)?)
}

fn in_json(provider: &str, id_token: bool, found: &Inspection) -> Value {
    let (verified, reason) = match &found.signature {
        Signature::Verified => (Some(true), None),
        Signature::Wrong => (Some(false), None),
        Signature::Unchecked(reason) => (None, Some(reason)),
    };
    json!({
        "provider": provider,
        "token": if id_token { "id_token" } else { "access_token" },
        "format": if found.jwt.is_some() { "jwt" } else { "opaque" },
        "header": found.jwt.as_ref().map(|jwt| &jwt.header),
        "claims": found.jwt.as_ref().map(|jwt| &jwt.claims),
        "signature": { "verified": verified, "reason": reason },
        "introspection": found.introspection.as_ref().and_then(|answer| answer.as_ref().ok()),
    })
}

fn in_text(found: &Inspection, id_token: bool, now: Timestamp) -> String {
    let mut text = String::new();
    let mut part = |title: &str, members: &Map<String, Value>| {
        text.push_str(&format!("{}\n", styled(STRONG, title)));
        let width = members.keys().map(String::len).max().unwrap_or(0).min(30);
        for (name, value) in members {
            let (name_shown, value) = (escaped(name), shown(name, value, now));
            text.push_str(&format!("  {}  {value}\n", styled(FAINT, format!("{name_shown:width$}"))));
        }
    };
    let token = if id_token { "ID token" } else { "access token" };
    match &found.jwt {
        Some(jwt) => {
            part(&format!("Header of the {token}"), &jwt.header);
            part("Claims", &jwt.claims);
        }
        None => part(&format!("The {token} is opaque: it has no readable claims"), &Map::new()),
    }
    if let Some(Ok(answer)) = &found.introspection {
        part("Introspection", answer);
    }
    let signature = match &found.signature {
        Signature::Verified => styled(GOOD, "valid (signed by one of the server's keys)"),
        Signature::Wrong => styled(ERROR, "not valid (not signed by any of the server's keys)"),
        Signature::Unchecked(reason) => format!("not checked: {reason}"),
    };
    if found.jwt.is_some() {
        text.push_str(&format!("{} {signature}\n", styled(STRONG, "Signature:")));
    }
    if let Some(Err(reason)) = &found.introspection {
        text.push_str(&format!("{} {reason}\n", styled(STRONG, "Introspection:")));
    }
    text
}

/// Formats a value for people, with times in words.
fn shown(name: &str, value: &Value, now: Timestamp) -> String {
    let time = value.as_i64().filter(|_| TIMES.contains(&name));
    match (time.and_then(|seconds| Timestamp::from_second(seconds).ok()), value) {
        (Some(time), _) => format!("{value} ({time}, {})", relative(time, now)),
        (None, Value::String(text)) => escaped(text),
        (None, other) => escaped(&other.to_string()),
    }
}

//! The part of Google Compute Engine's metadata server that Google's libraries use to get tokens
//! (cloud.google.com/compute/docs/metadata).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::query::Query;
use super::refusal::{JSON, Refusal, TEXT, reply};
use crate::advice::Advise;
use crate::error::{Error, Status};
use crate::name::{ProviderName, ScopeSet};
use crate::ports::local_server::{Reply, RequestHead};
use crate::provider::TokenRequest;
use crate::secret::SecretText;
use crate::session::Session;
use crate::session::acquire::AcquireRequest;
use crate::text::untrusted::steers;
use crate::token::{Credential, Issued};

/// The header that each request must have, which no web page can send, and that each response has.
pub const FLAVOR: (&str, &str) = ("metadata-flavor", "Google");
/// The lifetime in seconds to report for a token with an unknown expiry, so that libraries do not keep it for longer.
const UNKNOWN_LIFE: i64 = 300;

#[derive(Debug, Clone)]
pub struct Settings {
    pub provider: ProviderName,
    /// The project ID to report.
    pub project: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Question {
    /// The names in a folder.
    Folder(&'static str),
    Project,
    /// The names of the accounts.
    Accounts,
    /// A member of an account.
    Of(String, Member),
}

/// A member of an account.
#[derive(Debug, PartialEq, Eq)]
pub enum Member {
    /// The names of the members.
    Names,
    /// All members except the tokens, as a JSON object.
    All,
    Email,
    Scopes,
    Aliases,
    /// An access token with only these scopes.
    Token(Option<ScopeSet>),
    /// An ID token for an audience.
    Identity(String),
}

/// Parses a request and ignores unknown parameters.
pub fn question(asked: &RequestHead, query: &mut Query) -> Result<Question, Refusal> {
    if asked.header(FLAVOR.0) != Some(FLAVOR.1) || asked.headers("x-forwarded-for").next().is_some() {
        let message = "the request must have the header `Metadata-Flavor: Google`";
        return Err(Refusal::new(403, "forbidden", message));
    }
    let nothing = || Refusal::not_found("this path does not exist");
    let Some(path) = asked.path().strip_prefix("/computeMetadata") else {
        return Ok(Question::Folder("computeMetadata/\n"));
    };
    let Some(path) = path.strip_prefix("/v1/") else {
        let is_top = matches!(path, "/" | "/v1");
        return if is_top { Ok(Question::Folder("v1/\n")) } else { Err(nothing()) };
    };
    match path {
        "" => return Ok(Question::Folder("instance/\nproject/\n")),
        "instance/" => return Ok(Question::Folder("service-accounts/\n")),
        "project/" => return Ok(Question::Folder("project-id\n")),
        "project/project-id" => return Ok(Question::Project),
        "instance/service-accounts" | "instance/service-accounts/" => return Ok(Question::Accounts),
        _ => {}
    }
    let path = path.strip_prefix("instance/service-accounts/").ok_or_else(nothing)?;
    let (account, member) = path.split_once('/').unwrap_or((path, ""));
    let member = match member {
        "" if query.one("recursive")?.is_some_and(|value| value.eq_ignore_ascii_case("true")) => Member::All,
        "" => Member::Names,
        "email" => Member::Email,
        "scopes" => Member::Scopes,
        "aliases" => Member::Aliases,
        "token" => Member::Token(scopes(query)?),
        "identity" => {
            let audience = query.one("audience")?;
            let missing = || Refusal::bad_request("the parameter `audience` is missing");
            Member::Identity(audience.ok_or_else(missing)?)
        }
        _ => return Err(nothing()),
    };
    let account = percent_encoding::percent_decode_str(account).decode_utf8();
    Ok(Question::Of(account.map_err(|_| nothing())?.into_owned(), member))
}

/// Parses the scopes, which the libraries separate with commas.
fn scopes(query: &mut Query) -> Result<Option<ScopeSet>, Refusal> {
    let Some(text) = query.one("scopes")? else { return Ok(None) };
    let scopes = text.replace(',', " ").parse();
    scopes.map(Some).map_err(|error| Refusal::bad_request(format!("`scopes`: {error}")))
}

impl Question {
    /// Returns the response if it needs no token.
    pub fn plain(&self, settings: &Settings) -> Option<Result<Reply, Refusal>> {
        match self {
            Self::Folder(names) => Some(Ok(text(names))),
            Self::Project => Some(settings.project.as_ref().map(|project| text(project)).ok_or_else(|| {
                Refusal::not_found("no project ID is configured")
                    .hint("start authctl serve with --gce-project")
            })),
            Self::Accounts | Self::Of(..) => None,
        }
    }

    pub fn options(&self) -> AcquireRequest {
        let scopes = match self {
            Self::Of(_, Member::Token(scopes)) => scopes.clone(),
            _ => None,
        };
        let id_token = matches!(self, Self::Of(_, Member::Identity(_)));
        AcquireRequest {
            id_token,
            request: TokenRequest { scopes, ..TokenRequest::default() },
            ..AcquireRequest::default()
        }
    }

    /// Turns an error into a refusal. A missing ID token is reported as 404, because libraries retry other errors.
    pub fn refusal(&self, error: Error) -> Refusal {
        let is_missing = matches!(self, Self::Of(_, Member::Identity(_))) && error.status() == Status::Failed;
        let refusal = Refusal::from(error);
        if is_missing { Refusal { status: 404, ..refusal } } else { refusal }
    }

    /// Returns the response for an account.
    pub fn answer(
        &self,
        session: &Session<'_>,
        provider: &ProviderName,
        issued: &Issued,
    ) -> Result<Reply, Refusal> {
        let email = email(session, provider, issued);
        let Self::Of(account, member) = self else { return Ok(text(&format!("default/\n{email}/\n"))) };
        if account != "default" && *account != email {
            return Err(Refusal::not_found("this account does not exist"));
        }
        let scopes: Vec<&str> = issued.scopes.iter().flat_map(ScopeSet::iter).collect();
        Ok(match member {
            Member::Names => text("aliases\nemail\nidentity\nscopes\ntoken\n"),
            Member::All => object(&json!({ "aliases": ["default"], "email": email, "scopes": scopes })),
            Member::Email => text(&email),
            Member::Scopes => text(&scopes.iter().map(|scope| format!("{scope}\n")).collect::<String>()),
            Member::Aliases => text("default\n"),
            Member::Token(_) => token(issued, session.system.clock.now())?,
            Member::Identity(audience) => identity(issued, audience)?,
        })
    }
}

fn token(issued: &Issued, now: Timestamp) -> Result<Reply, Refusal> {
    let Credential::Bearer(token) = &issued.credential else {
        let message = "this provider does not issue bearer tokens, and Google's libraries support no others";
        return Err(Refusal::new(500, "failed", message));
    };
    let left = issued.expires_at.map_or(UNKNOWN_LIFE, |end| end.duration_since(now).as_secs().max(0));
    Ok(object(&json!({ "access_token": token.expose(), "expires_in": left, "token_type": "Bearer" })))
}

/// Returns the ID token if it is for the requested audience.
fn identity(issued: &Issued, audience: &str) -> Result<Reply, Refusal> {
    let token = issued.id_token.as_ref();
    let claims = token.and_then(crate::oauth::id_token::stored_claims);
    let is_meant = match claims.as_ref().and_then(|claims| claims.all().get("aud")) {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one == audience),
        _ => false,
    };
    match token.filter(|_| is_meant) {
        Some(token) => Ok(reply(200, TEXT, SecretText::new(token.expose()))),
        None => Err(Refusal::not_found("the provider's ID token is not for this audience")
            .hint("configure a provider with this client_id or audience")),
    }
}

/// Returns the account's email address from the ID token, or else from its label.
fn email(session: &Session<'_>, provider: &ProviderName, issued: &Issued) -> String {
    let claims = issued.id_token.as_ref().and_then(crate::oauth::id_token::stored_claims);
    let claimed = claims.as_ref().and_then(|claims| claims.text("email")).map(str::to_owned);
    let label = || {
        let index = session.store.index(provider).ok()?;
        let account = index.account(None)?;
        index.entries.iter().find(|entry| entry.account == *account)?.label.clone()
    };
    let email = claimed.or_else(|| label().filter(|label| label.contains('@')));
    // Clients read names line by line and use them in paths.
    let is_name = |email: &String| !email.contains(|c| c == '/' || steers(c));
    email.filter(is_name).unwrap_or_else(|| "default".to_owned())
}

fn text(body: &str) -> Reply {
    reply(200, TEXT, SecretText::new(body))
}

fn object(value: &Value) -> Reply {
    reply(200, JSON, SecretText::new(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::access::tests::asked;
    use super::*;

    #[test]
    fn requests_are_parsed() {
        let flavor = [("metadata-flavor", "Google")];
        let read = |path: &str, headers: &[(&str, &str)]| {
            let asked = asked(path, headers);
            question(&asked, &mut Query::parse(asked.query()).unwrap()).map_err(|refusal| refusal.status)
        };
        let of = |member| Ok(Question::Of("default".to_owned(), member));
        let base = "/computeMetadata/v1/instance/service-accounts";
        for (path, want) in [
            ("/", Ok(Question::Folder("computeMetadata/\n"))),
            ("/computeMetadata/", Ok(Question::Folder("v1/\n"))),
            ("/computeMetadata/v1/", Ok(Question::Folder("instance/\nproject/\n"))),
            ("/computeMetadata/v1/project/project-id", Ok(Question::Project)),
            ("/computeMetadata/v1/universe/universe-domain", Err(404)),
            ("/computeMetadata/v2/", Err(404)),
            (&format!("{base}/"), Ok(Question::Accounts)),
            (&format!("{base}/default"), of(Member::Names)),
            (&format!("{base}/default/?recursive=true"), of(Member::All)),
            (&format!("{base}/default/email"), of(Member::Email)),
            (&format!("{base}/default/scopes?alt=text"), of(Member::Scopes)),
            (&format!("{base}/default/token"), of(Member::Token(None))),
            (&format!("{base}/default/token?scopes=a%2Cb"), of(Member::Token(Some("a b".parse().unwrap())))),
            (
                &format!("{base}/default/identity?audience=x&format=full"),
                of(Member::Identity("x".to_owned())),
            ),
            (&format!("{base}/default/identity"), Err(400)),
            (&format!("{base}/default/key"), Err(404)),
            (&format!("{base}/a%40b/email"), Ok(Question::Of("a@b".to_owned(), Member::Email))),
        ] {
            assert_eq!(read(path, &flavor), want, "{path}");
        }
        assert_eq!(read("/", &[]), Err(403));
        assert_eq!(read("/", &[("metadata-flavor", "google")]), Err(403));
        assert_eq!(read("/", &[flavor[0], ("x-forwarded-for", "1.2.3.4")]), Err(403));
    }
}

//! The metadata server of Google's Compute Engine, as far as Google's libraries get tokens there
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

/// The header that such requests have, so that no page can make them, and that all answers have.
pub const FLAVOR: (&str, &str) = ("metadata-flavor", "Google");
/// The seconds of a token whose end is not known: a library keeps it no longer.
const UNKNOWN_LIFE: i64 = 300;

/// Whose tokens are given out.
#[derive(Debug, Clone)]
pub struct Settings {
    pub provider: ProviderName,
    /// The project that libraries are told of.
    pub project: Option<String>,
}

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Question {
    /// Which folders there are.
    Folder(&'static str),
    Project,
    /// Which accounts there are.
    Accounts,
    /// Something of an account.
    Of(String, Member),
}

/// Something of an account.
#[derive(Debug, PartialEq, Eq)]
pub enum Member {
    /// Which members there are.
    Names,
    /// All of them but the tokens, as an object.
    All,
    /// Its address.
    Email,
    Scopes,
    /// Its other names.
    Aliases,
    /// An access token, of just these scopes.
    Token(Option<ScopeSet>),
    /// An id token for an audience.
    Identity(String),
}

/// Reads a question. What libraries send along beyond what is known here is passed over.
pub fn question(asked: &RequestHead, query: &mut Query) -> Result<Question, Refusal> {
    if asked.header(FLAVOR.0) != Some(FLAVOR.1) || asked.headers("x-forwarded-for").next().is_some() {
        let message = "the request must have the header `Metadata-Flavor: Google`";
        return Err(Refusal::new(403, "forbidden", message));
    }
    let nothing = || Refusal::not_found("there is nothing here");
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
            let missing = || Refusal::bad_request("name the audience: `?audience=`");
            Member::Identity(audience.ok_or_else(missing)?)
        }
        _ => return Err(nothing()),
    };
    let account = percent_encoding::percent_decode_str(account).decode_utf8();
    Ok(Question::Of(account.map_err(|_| nothing())?.into_owned(), member))
}

/// The libraries put commas between scopes.
fn scopes(query: &mut Query) -> Result<Option<ScopeSet>, Refusal> {
    let Some(text) = query.one("scopes")? else { return Ok(None) };
    let scopes = text.replace(',', " ").parse();
    scopes.map(Some).map_err(|error| Refusal::bad_request(format!("`scopes`: {error}")))
}

impl Question {
    /// The answer that needs no token.
    pub fn plain(&self, settings: &Settings) -> Option<Result<Reply, Refusal>> {
        match self {
            Self::Folder(names) => Some(Ok(text(names))),
            Self::Project => Some(settings.project.as_ref().map(|project| text(project)).ok_or_else(|| {
                Refusal::not_found("no project is known").hint("start the server with --gce-project")
            })),
            Self::Accounts | Self::Of(..) => None,
        }
    }

    /// What the token is asked for with.
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

    /// Why it gets no token. An id token that a provider does not issue is reported as not found: libraries retry
    /// what failed.
    pub fn refusal(&self, error: Error) -> Refusal {
        let is_missing = matches!(self, Self::Of(_, Member::Identity(_))) && error.status() == Status::Failed;
        let refusal = Refusal::from(error);
        if is_missing { Refusal { status: 404, ..refusal } } else { refusal }
    }

    /// The answer about an account, with its token.
    pub fn answer(
        &self,
        session: &Session<'_>,
        provider: &ProviderName,
        issued: &Issued,
    ) -> Result<Reply, Refusal> {
        let email = email(session, provider, issued);
        let Self::Of(account, member) = self else { return Ok(text(&format!("default/\n{email}/\n"))) };
        if account != "default" && *account != email {
            return Err(Refusal::not_found("there is no such account"));
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
        let message = "this provider gives no bearer tokens, and Google's libraries use no others";
        return Err(Refusal::new(500, "failed", message));
    };
    let left = issued.expires_at.map_or(UNKNOWN_LIFE, |end| end.duration_since(now).as_secs().max(0));
    Ok(object(&json!({ "access_token": token.expose(), "expires_in": left, "token_type": "Bearer" })))
}

/// The id token, if it is for whom it is asked for: another's would be refused there, or misused.
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
        None => Err(Refusal::not_found("the provider's id token is not for this audience")
            .hint("configure a provider whose client_id or audience it is")),
    }
}

/// What the account is called: as the id token says, else as `status` shows it.
fn email(session: &Session<'_>, provider: &ProviderName, issued: &Issued) -> String {
    let claims = issued.id_token.as_ref().and_then(crate::oauth::id_token::stored_claims);
    let claimed = claims.as_ref().and_then(|claims| claims.text("email")).map(str::to_owned);
    let label = || {
        let index = session.store.index(provider).ok()?;
        let account = index.account(None)?;
        index.entries.iter().find(|entry| entry.account == *account)?.label.clone()
    };
    let email = claimed.or_else(|| label().filter(|label| label.contains('@')));
    // A client reads names line by line, and asks for one as a part of a path.
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
    fn what_is_asked() {
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

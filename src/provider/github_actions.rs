//! The OIDC token of a GitHub Actions workflow: who the job is, for servers that trust it.

use serde_json::Value;

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::IssueOutcome;
use super::jwt::expiry;
use super::kind::Kind;
use super::request::IssueRequest;
use super::token_provider::{Requirement, TokenProvider};
use crate::oauth::endpoint::EndpointUrl;
use crate::oauth::json;
use crate::oauth::jwt::Jwt;
use crate::ports::{Method, Transport};
use crate::schema::{Key, Problem, Section, Shape};
use crate::secret::{AccessToken, SecretText};
use crate::text::untrusted::Untrusted;
use crate::token::{Credential, Issued};

/// The variables that GitHub sets for jobs that may ask for a token.
const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The kind `github_actions`.
pub const KIND: Kind = Kind {
    name: "github_actions",
    alias: None,
    grants: &[],
    shorthand: None,
    about: "The OIDC token of the GitHub Actions workflow that it runs in",
    keys: &[&[&Key::new(
        "audience",
        Shape::Text,
        "Whom the token is for; by default the repository's owner",
    )
    .from_environment()]],
    open: false,
    variables: &[TOKEN],
    runs_program: false,
    build,
};

struct GithubActions {
    audience: Option<String>,
}

fn build(section: &Section, _: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    Ok(Box::new(GithubActions { audience: section.text("audience").map(str::to_owned) }))
}

impl TokenProvider for GithubActions {
    fn requirements(&self) -> Vec<Requirement> {
        [URL, TOKEN].map(|name| Requirement::Variable(name.to_owned())).into()
    }

    fn is_ephemeral(&self) -> bool {
        true
    }

    fn issue(
        &self,
        context: &Context<'_>,
        request: &IssueRequest<'_>,
    ) -> Result<IssueOutcome, ProviderError> {
        if request.wanted.audience.len() > 1 {
            return Err(ProviderError::Unusable("GitHub gives tokens for one audience at a time".to_owned()));
        }
        let variable = |name: &str| {
            let value = context.system.environment.variable(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| ProviderError::Unconfigured {
                message: format!("{name} is not set: this is no GitHub Actions job that may ask for a token"),
                hint: Some("give the job `permissions: id-token: write`".to_owned()),
            })
        };
        // What the variable holds is the platform's word; it passes the gate all the same.
        let base = EndpointUrl::configured(&variable(URL)?)?;
        let token = SecretText::new(variable(TOKEN)?);
        let mut http = base.request(Method::Get, &Transport::default());
        if let Some(audience) = request.wanted.audience.first().or(self.audience.as_ref()) {
            http.url.query_pairs_mut().append_pair("audience", audience);
        }
        http.headers.push(("authorization", SecretText::new(format!("Bearer {}", token.expose()))));
        http.headers.push(("accept", SecretText::new("application/json")));
        let response = context.system.http.send(&http)?;
        let unusable = |reason: &str| {
            ProviderError::Unusable(format!("GitHub gave no token: {reason} (status {})", response.status))
        };
        match response.status {
            200 => {}
            429 | 500.. => {
                return Err(ProviderError::TryLater(format!(
                    "GitHub gives no token now (status {})",
                    response.status
                )));
            }
            _ => return Err(unusable("it refused")),
        }
        let object = json::object(&response.body).map_err(|_| unusable("its answer is no JSON object"))?;
        let value = object
            .get("value")
            .and_then(Value::as_str)
            .ok_or_else(|| unusable("its answer has no `value`"))?;
        let token = AccessToken::parse(value).map_err(|error| unusable(&error.to_string()))?;
        // What is for somebody else is sent to nobody.
        let wanted = request.wanted.audience.first().or(self.audience.as_ref());
        let found = Jwt::decode(token.expose()).and_then(|jwt| jwt.claims.get("aud").cloned());
        if let (Some(wanted), Some(found)) = (wanted, found)
            && found != wanted.as_str()
            && !found.as_array().is_some_and(|all| all.iter().any(|one| one == wanted.as_str()))
        {
            return Err(unusable(&format!("it is for {}, not {wanted}", Untrusted::new(found.to_string()))));
        }
        let expires_at = expiry(token.expose());
        Ok(IssueOutcome::Immediate(Issued { expires_at, ..Issued::lasting(Credential::Bearer(token)) }))
    }
}

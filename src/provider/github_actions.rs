//! The OIDC token of a GitHub Actions workflow, which identifies the job to servers that trust it.

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

/// GitHub sets these variables for jobs that may request a token.
const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

pub const KIND: Kind = Kind {
    name: "github_actions",
    alias: None,
    grants: &[],
    shorthand: None,
    about: "The OIDC token of the current GitHub Actions workflow",
    keys: &[&[&Key::new("audience", Shape::Text, "The token's audience; by default the repository's owner")
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
            return Err(ProviderError::Unusable(
                "GitHub issues tokens for one audience at a time".to_owned(),
            ));
        }
        let variable = |name: &str| {
            let value = context.system.environment.variable(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| ProviderError::Unconfigured {
                message: format!(
                    "{name} is not set: this is not a GitHub Actions job with permission to request a token"
                ),
                hint: Some("add `permissions: id-token: write` to the job".to_owned()),
            })
        };
        // The variable comes from the platform, but its URL is checked like any other.
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
            ProviderError::Unusable(format!("GitHub issued no token: {reason} (status {})", response.status))
        };
        match response.status {
            200 => {}
            429 | 500.. => {
                return Err(ProviderError::TryLater(format!(
                    "GitHub is temporarily unavailable (status {})",
                    response.status
                )));
            }
            _ => return Err(unusable("it rejected the request")),
        }
        let object =
            json::object(&response.body).map_err(|_| unusable("its response is not a JSON object"))?;
        let value = object
            .get("value")
            .and_then(Value::as_str)
            .ok_or_else(|| unusable("its response has no `value`"))?;
        let token = AccessToken::parse(value).map_err(|error| unusable(&error.to_string()))?;
        let wanted = request.wanted.audience.first().or(self.audience.as_ref());
        if let Some(reason) = wanted.and_then(|wanted| other_audience(&token, wanted)) {
            return Err(unusable(&reason));
        }
        let expires_at = expiry(token.expose());
        Ok(IssueOutcome::Immediate(Issued { expires_at, ..Issued::lasting(Credential::Bearer(token)) }))
    }
}

/// Names the audience of a token that is not for the wanted one. A token whose audience is unreadable passes.
fn other_audience(token: &AccessToken, wanted: &str) -> Option<String> {
    let found = Jwt::decode(token.expose())?.claims.get("aud").cloned()?;
    let is_wanted =
        found == wanted || found.as_array().is_some_and(|all| all.iter().any(|one| one == wanted));
    (!is_wanted).then(|| format!("it is for {}, not {wanted}", Untrusted::new(found.to_string())))
}

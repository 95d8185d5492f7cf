//! The JWT bearer grant (RFC 7523 section 2.1): the client signs an assertion with its own key.

use std::collections::BTreeMap;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value, json};

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::IssueOutcome;
use super::kind::Kind;
use super::request::IssueRequest;
use super::token_provider::TokenProvider;
use crate::binding::Binding;
use crate::oauth::form::Form;
use crate::oauth::json;
use crate::oauth::pkce::random_text;
use crate::oauth::signing_key::SigningKey;
use crate::oauth::token_endpoint::TokenEndpoint;
use crate::provider::client;
use crate::provider::client::{OAuthClient, Server, UserlessGrant};
use crate::schema::{Key, Problem, SecretSource, Section, Shape};
use crate::secret::SecretText;

/// RFC 7523 section 2.1.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// An assertion's lifetime in seconds. It is used at once. Google allows at most an hour.
const LIFE: i64 = 300;

pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["jwt_bearer", GRANT_TYPE],
    shorthand: None,
    about: "OAuth 2.0: an assertion signed with your own key, such as a Google service account key",
    keys: &[
        client::KEYS,
        &[
            &Key::new(
                "claims",
                Shape::Free,
                "The assertion's claims; by default `iss` and `sub` are the client_id and `aud` is the issuer",
            ),
            &Key::new(
                "service_account",
                Shape::Secret,
                "A Google service account key file, as downloaded: { file = … }",
            )
            .from_environment(),
        ],
    ],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

struct JwtBearer {
    oauth: OAuthClient,
    claims: BTreeMap<String, SecretSource>,
    service_account: Option<SecretSource>,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    let service_account = section.secret("service_account");
    let mut problems = Vec::new();
    match (&service_account, section.secret("private_key")) {
        (Some(_), Some(_)) => {
            problems.push(
                section.problem("service_account", "cannot be combined with `private_key`").hiding_value(),
            );
        }
        (None, None) => {
            let problem = section.problem("private_key", "is missing").hiding_value();
            problems.push(
                problem
                    .hint("set private_key = { file = … }, or service_account = { file = … } for a Google service account"),
            );
        }
        _ => {}
    }
    let claims = section.free("claims");
    if service_account.is_none() && !section.has("client_id") && !claims.contains_key("iss") {
        problems.push(section.problem("claims", "needs `iss` if `client_id` is not set").hiding_value());
    }
    match OAuthClient::read(section, build) {
        Ok(oauth) if problems.is_empty() => {
            let mut variant = Binding::default();
            let described =
                claims.iter().map(|(name, source)| (format!("claims.{name}"), source.fingerprint()));
            let account = service_account.iter().map(|source| ("account".to_owned(), source.fingerprint()));
            for (name, value) in described.chain(account) {
                variant = variant.with(&name, value);
            }
            let oauth =
                oauth.with_optional_client().with_key_for_the_grant().without_user("jwt_bearer", variant);
            Ok(Box::new(JwtBearer { oauth, claims, service_account }))
        }
        oauth => {
            problems.extend(oauth.err().into_iter().flatten());
            Err(problems)
        }
    }
}

/// The owner of the key, and the audience of its assertions.
struct Signer {
    key: SigningKey,
    issuer: String,
    subject: Option<String>,
    audience: String,
}

impl TokenProvider for JwtBearer {
    fn oauth(&self) -> Option<&OAuthClient> {
        Some(&self.oauth)
    }

    fn issue(
        &self,
        context: &Context<'_>,
        request: &IssueRequest<'_>,
    ) -> Result<IssueOutcome, ProviderError> {
        let fill = |server: &Server<'_>, endpoint: &TokenEndpoint, form: &mut Form| {
            let signer = self.signer(context, server, endpoint)?;
            let scope = form.get("scope").unwrap_or_default().to_owned();
            // Google reads the scope in the assertion; the standard (RFC 6749 section 4.5) puts it next to the
            // assertion.
            let in_assertion = self.service_account.is_some();
            let assertion = self.assertion(context, &signer, in_assertion.then_some(scope.as_str()))?;
            form.set("assertion", assertion.expose());
            if in_assertion {
                form.set("scope", "");
            }
            Ok(())
        };
        let grant = UserlessGrant { grant_type: GRANT_TYPE, exchange: None, fill: &fill };
        self.oauth.issue(context, request, &grant)
    }
}

impl JwtBearer {
    fn signer(
        &self,
        context: &Context<'_>,
        server: &Server<'_>,
        endpoint: &TokenEndpoint,
    ) -> Result<Signer, ProviderError> {
        if let Some(source) = &self.service_account {
            client::check_key_file(context, "service_account", source)?;
            let text = context.secrets(&self.oauth.binding()).resolve(source)?;
            return service_account(&text, endpoint.url().as_str());
        }
        let client_id = self.oauth.client_id()?.to_owned();
        Ok(Signer {
            key: self.oauth.signing_key(context)?,
            subject: Some(client_id.clone()),
            issuer: client_id,
            audience: if self.oauth.quirks.token_endpoint_audience {
                endpoint.url().to_string()
            } else {
                server.issuer()
            },
        })
    }

    /// The assertion (RFC 7523 section 3). Configured claims replace the default ones.
    fn assertion(
        &self,
        context: &Context<'_>,
        signer: &Signer,
        scope: Option<&str>,
    ) -> Result<SecretText, ProviderError> {
        let moment = context.system.moment();
        let now = moment.now.as_second();
        let mut claims = Map::from_iter([
            ("iss".to_owned(), json!(signer.issuer)),
            ("aud".to_owned(), json!(signer.audience)),
            ("iat".to_owned(), json!(now)),
            ("exp".to_owned(), json!(now + LIFE)),
            ("jti".to_owned(), json!(random_text(moment.random))),
        ]);
        for (name, value) in [("sub", signer.subject.as_deref()), ("scope", scope)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                claims.insert(name.to_owned(), value.into());
            }
        }
        let binding = self.oauth.binding();
        for (name, source) in &self.claims {
            let value = context.secrets(&binding).resolve(source)?;
            claims.insert(name.clone(), value.expose().into());
        }
        Ok(signer.key.sign(&json!({ "typ": "JWT" }), &Value::Object(claims))?)
    }
}

/// Parses a Google service account key file. It names its token endpoint, and the key signs for no other.
fn service_account(text: &SecretText, token_endpoint: &str) -> Result<Signer, ProviderError> {
    let unusable = |reason: &str| ProviderError::Unconfigured {
        message: format!("the `service_account` is not a service account key file: {reason}"),
        hint: Some("create a JSON key in the Google Cloud console".to_owned()),
    };
    let object = json::object(text.expose().as_bytes()).map_err(|error| unusable(&error.to_string()))?;
    let member = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if member("type") != Some("service_account") {
        return Err(unusable("its `type` is not service_account"));
    }
    let key = SecretText::new(member("private_key").ok_or_else(|| unusable("it has no `private_key`"))?);
    let issuer = member("client_email").ok_or_else(|| unusable("it has no `client_email`"))?;
    let audience = member("token_uri").unwrap_or(token_endpoint);
    if audience != token_endpoint {
        return Err(ProviderError::Unconfigured {
            message: format!(
                "the `service_account` is for {}, but the token endpoint is {token_endpoint}",
                crate::text::untrusted::Untrusted::new(audience)
            ),
            hint: Some("if that is right, set `token_endpoint` to the file's `token_uri`".to_owned()),
        });
    }
    let key = SigningKey::parse(&key)?.using(Some(Algorithm::RS256), member("private_key_id"))?;
    Ok(Signer { key, issuer: issuer.to_owned(), subject: None, audience: audience.to_owned() })
}

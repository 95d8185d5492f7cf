//! The client's settings: its ID, secret, key, certificate and authentication method.

use std::path::PathBuf;

use jsonwebtoken::Algorithm;

use crate::oauth::client::AuthenticationMethod;
use crate::provider::build_context::BuildContext;
use crate::schema::{Layer, Problem, SecretSource, Section};

#[derive(Debug)]
pub struct ClientSettings {
    pub(crate) id: Option<String>,
    pub(crate) secret: Option<SecretSource>,
    pub(super) key: Option<SecretSource>,
    pub(super) key_id: Option<String>,
    pub(super) key_algorithm: Option<Algorithm>,
    pub(crate) certificate: Option<PathBuf>,
    pub(super) method: Option<AuthenticationMethod>,
}

impl ClientSettings {
    pub(crate) fn read(section: &Section, build: &BuildContext, problems: &mut Vec<Problem>) -> Self {
        let secret = section.secret("client_secret");
        // A template sets the method for a client with a secret. A public client of the same server has none.
        let of_template = section
            .origin("token_endpoint_auth_method")
            .is_some_and(|origin| origin.layer() == Layer::Template);
        let method = section.text("token_endpoint_auth_method").filter(|_| secret.is_some() || !of_template);
        let method = method.and_then(AuthenticationMethod::named);
        let settings = Self {
            id: section.text("client_id").map(str::to_owned),
            secret,
            key: section.secret("private_key"),
            key_id: section.text("private_key_id").map(str::to_owned),
            key_algorithm: section.text("token_endpoint_auth_signing_alg").and_then(|name| name.parse().ok()),
            certificate: section.path("certificate", build.home.as_deref()),
            method,
        };
        // Checks now that the method's secret is configured, instead of in the middle of a login.
        let has = |name: &str| match name {
            "client_secret" => settings.secret.is_some(),
            "private_key" => settings.key.is_some(),
            _ => settings.certificate.is_some(),
        };
        if let Some(needed) = settings.method.and_then(AuthenticationMethod::needs)
            && needed != "client_secret"
            && !has(needed)
        {
            let problem = section.problem("token_endpoint_auth_method", &format!("needs `{needed}`"));
            problems.push(
                problem.hint(format!("set `{needed}`, preferably by reference: {needed} = {{ file = … }}")),
            );
        }
        settings
    }

    /// Whether the client can authenticate itself.
    pub(crate) fn is_confidential(&self) -> bool {
        (self.secret.is_some() || self.key.is_some() || self.certificate.is_some())
            && self.method != Some(AuthenticationMethod::None)
    }

    /// Whether the client has a certificate (RFC 8705). The server may have separate endpoints for such clients.
    pub(crate) fn shows_certificate(&self) -> bool {
        self.certificate.is_some()
    }
}

//! What the configuration says of the client: its id, its secret, its key, its certificate, how it authenticates.

use std::path::PathBuf;

use jsonwebtoken::Algorithm;

use crate::oauth::client::AuthenticationMethod;
use crate::provider::build_context::BuildContext;
use crate::schema::{Layer, Problem, SecretSource, Section};

/// What the configuration says of the client.
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
    /// Reads the client's keys.
    pub(crate) fn read(section: &Section, build: &BuildContext, problems: &mut Vec<Problem>) -> Self {
        let secret = section.secret("client_secret");
        // A template says how a client with a secret authenticates; a public client of the same server has none.
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
        // Which secret a method needs is known now: it is not found out in the middle of a login.
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
            problems
                .push(problem.hint(format!("set {needed}, best by reference: {needed} = {{ file = … }}")));
        }
        settings
    }

    /// Whether the client has something to prove itself with.
    pub(crate) fn is_confidential(&self) -> bool {
        (self.secret.is_some() || self.key.is_some() || self.certificate.is_some())
            && self.method != Some(AuthenticationMethod::None)
    }

    /// Whether the client shows a certificate (RFC 8705): then the server may have endpoints of its own for that.
    pub(crate) fn shows_certificate(&self) -> bool {
        self.certificate.is_some()
    }
}

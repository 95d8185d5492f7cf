//! What a project asks for of a provider: less than is configured.

use crate::name::ScopeSet;
use crate::provider::TokenRequest;

/// What a project asks for of a provider: less than is configured.
#[derive(Debug, Clone, Default)]
pub struct Narrowing {
    pub scopes: Option<ScopeSet>,
    pub audience: Vec<String>,
    pub resource: Vec<String>,
}

impl Narrowing {
    /// The request, with what the project asks for where the user did not say.
    #[must_use]
    pub fn narrow(&self, request: TokenRequest) -> TokenRequest {
        let either =
            |said: Vec<String>, project: &Vec<String>| if said.is_empty() { project.clone() } else { said };
        TokenRequest {
            scopes: match (request.scopes, &self.scopes) {
                (Some(said), Some(project)) => Some(said.intersection(project)),
                (said, project) => said.or_else(|| project.clone()),
            },
            audience: either(request.audience, &self.audience),
            resource: either(request.resource, &self.resource),
            connection: request.connection,
        }
    }
}

//! The client credentials grant (RFC 6749 section 4.4).

use super::build_context::BuildContext;
use super::context::Context;
use super::error::ProviderError;
use super::grant::IssueOutcome;
use super::kind::Kind;
use super::request::IssueRequest;
use super::token_provider::TokenProvider;
use crate::binding::Binding;
use crate::oauth::form::Form;
use crate::oauth::token_endpoint::TokenEndpoint;
use crate::provider::client;
use crate::provider::client::{OAuthClient, Server, UserlessGrant};
use crate::schema::{Problem, Section};

pub const KIND: Kind = Kind {
    name: "oauth",
    alias: None,
    grants: &["client_credentials"],
    shorthand: None,
    about: "OAuth 2.0: the client acts for itself, without a user",
    keys: &[client::KEYS],
    open: false,
    variables: &[],
    runs_program: false,
    build,
};

struct ClientCredentials {
    oauth: OAuthClient,
}

fn build(section: &Section, build: &BuildContext) -> Result<Box<dyn TokenProvider>, Vec<Problem>> {
    // RFC 6749 section 4.4: "MUST only be used by confidential clients".
    let oauth = OAuthClient::read_confidential(section, build)?;
    Ok(Box::new(ClientCredentials { oauth: oauth.without_user("client_credentials", Binding::default()) }))
}

impl TokenProvider for ClientCredentials {
    fn oauth(&self) -> Option<&OAuthClient> {
        Some(&self.oauth)
    }

    fn issue(
        &self,
        context: &Context<'_>,
        request: &IssueRequest<'_>,
    ) -> Result<IssueOutcome, ProviderError> {
        let nothing_more = |_: &Server<'_>, _: &TokenEndpoint, _: &mut Form| Ok(());
        let grant = UserlessGrant { grant_type: "client_credentials", exchange: None, fill: &nothing_more };
        self.oauth.issue(context, request, &grant)
    }
}

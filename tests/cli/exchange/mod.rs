//! External tokens: token exchange (RFC 8693), the JWT bearer grant (RFC 7523), workloads.

mod bounds;
mod chain;
mod grants;
mod subject;

use crate::support::AuthorizationServer;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A provider that exchanges tokens at a server.
fn exchanger(name: &str, server: &AuthorizationServer, more: &str) -> String {
    format!(
        "[credentials.{name}]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.{name}.oauth]\ngrant_type = \"token_exchange\"\nclient_id = \"app\"\n{more}\n",
        server.domain()
    )
}

//! Token exchanges: token exchange (RFC 8693), Auth0's federated grant, assertions (RFC 7523), and a CI job that
//! gets its token without a secret.

mod cloud;
mod subjects;

use crate::parts::OidcProvider;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The grants of the token requests so far.
fn grants(server: &OidcProvider) -> Vec<String> {
    let requests = server.requests_to("/token");
    requests.iter().map(|request| request["grant"].as_str().unwrap().to_owned()).collect()
}

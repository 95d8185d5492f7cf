//! What a request says about the server.

use super::super::http::Request;

/// The server, as the request names it.
pub(super) fn issuer_of(request: &Request) -> String {
    format!("{}://{}", request.scheme, request.header("host").unwrap_or_default())
}

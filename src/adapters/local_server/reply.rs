//! Converts the service's reply to an HTTP response.

use std::error::Error as StdError;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::ports::local_server::Reply;

/// A response body: the service's own, or one that is forwarded.
pub(super) type Body = UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>;

pub(super) fn response(reply: Reply) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(reply.body.expose().as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response
}

//! Reads a response.

use std::io::Read as _;
use std::time::Instant;

use reqwest::blocking::Response;
use zeroize::Zeroizing;

use crate::ports::{HttpError, HttpResponse, PartialAnswer};
use crate::secret;

/// The longest response body that is read (F-SIZE).
const LARGEST_BODY: usize = 1 << 20;

/// Reads the body within the size limit and the time limit of the whole exchange. It starts no thread, because a
/// failure to start one would lose the tokens in the response.
pub(super) fn read(mut response: Response, host: &str, deadline: Instant) -> Result<HttpResponse, HttpError> {
    let status = response.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<_> =
        response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let mut body = Zeroizing::new(Vec::new());
    let mut part = Zeroizing::new([0; 16 << 10]);
    let (host, limit) = (host.to_owned(), LARGEST_BODY);
    let partial = |body| Some(Box::new(PartialAnswer(HttpResponse { status, headers: Vec::new(), body })));
    let reason = loop {
        let read = response.read(&mut *part);
        #[expect(clippy::disallowed_methods, reason = "the deadline of an exchange")]
        let is_late = Instant::now() >= deadline;
        match read {
            Ok(0) => return Ok(HttpResponse { status, headers, body }),
            Ok(_) if is_late => break "it took too long",
            Ok(count) if body.len() + count > LARGEST_BODY => {
                return Err(HttpError::TooLarge { host, limit, partial: partial(body) });
            }
            Ok(count) => secret::append(&mut body, &part[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if is_late || is_timeout(&error) => break "it took too long",
            Err(_) => break "the connection broke",
        }
    };
    Err(HttpError::AnswerLost { host, reason: reason.to_owned(), partial: partial(body) })
}

/// Whether a part of a response did not arrive in time.
fn is_timeout(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<reqwest::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || cause.is_some_and(reqwest::Error::is_timeout)
}

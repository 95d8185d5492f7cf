//! Parses the head of a request, within size limits.

use crate::loopback::language::Language;
use crate::oauth::redirect::Redirect;

/// The longest request head. An authorization code may take several KiB (F-CB11).
pub(super) const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 100;

/// A request, and the language of the page that answers it.
pub(crate) struct Request {
    pub(crate) redirect: Redirect,
    pub(super) language: &'static Language,
    /// Whether the browser only prefetches the page. The user may never open it.
    pub(super) is_prefetch: bool,
}

/// Parses a request's head; `None` if it is incomplete. A browser's redirect has no body.
pub(crate) fn parse_head(bytes: &[u8]) -> Result<Option<Request>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(length)) if length > LONGEST_HEAD => return Err(431),
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(_) => return Err(400),
    }
    let values = |name: &str| {
        let matching = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        matching.map(|header| String::from_utf8_lossy(header.value).into_owned()).collect::<Vec<_>>()
    };
    let has_body = values("content-length").iter().any(|length| length.trim() != "0");
    if has_body || !values("transfer-encoding").is_empty() {
        return Err(400);
    }
    let language = Language::preferred(values("accept-language").first().map(String::as_str));
    let is_prefetch = ["sec-purpose", "purpose", "x-moz", "x-purpose"]
        .iter()
        .any(|name| values(name).iter().any(|value| value.to_ascii_lowercase().contains("pre")));
    let redirect = Redirect {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        hosts: values("host"),
        origin: values("origin").into_iter().next(),
        fetch_destination: values("sec-fetch-dest").into_iter().next(),
    };
    Ok(Some(Request { redirect, language, is_prefetch }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_bounded_f_cb11() {
        let long_line = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(LONGEST_HEAD));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
        for (name, head, want) in [
            ("whole", "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Ok(Some(2))),
            ("not yet", "GET /x HTTP/1.1\r\nHost: a\r\n", Ok(None)),
            ("no HTTP", "\u{16}\u{3}\u{1}", Err(400)),
            ("long line", &long_line, Err(431)),
            ("many headers", &many, Err(431)),
            ("a body", "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", Err(400)),
            ("an absurd body", "GET / HTTP/1.1\r\nContent-Length: 1152921504606846976\r\n\r\n", Err(400)),
            ("chunked", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", Err(400)),
            ("nul in a header", "GET / HTTP/1.1\r\nA: \0\r\n\r\n", Err(400)),
        ] {
            let got =
                parse_head(head.as_bytes()).map(|head| head.map(|request| request.redirect.hosts.len()));
            assert_eq!(got, want, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_request_bytes_never_panic_f_cb11(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            let _ = parse_head(&bytes);
        }
    }
}

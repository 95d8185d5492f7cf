//! The page that the browser shows last. It is static and contains no text from any request (F-CB12).

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use tiny_http::{HTTPVersion, Header, Response};

use crate::loopback::language::Language;

/// How long a browser may take to receive the page.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The result that the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The tokens are stored.
    LoggedIn,
    /// The session at the server has ended.
    LoggedOut,
    /// The server denied access, or the user did.
    Refused,
    /// Something went wrong after the redirect.
    Failed,
}

const STYLE: &str = include_str!("page.css");
const FRAME: &str = include_str!("page.html");

impl Outcome {
    fn page(self, language: &Language) -> String {
        let (tone, mark, title, text) = match self {
            Self::LoggedIn => ("good", "✓", language.logged_in, language.close),
            Self::LoggedOut => ("good", "✓", language.logged_out, language.close),
            Self::Refused => ("calm", "–", language.not_logged_in, language.refused),
            Self::Failed => ("bad", "!", language.failed, language.wrong),
        };
        let parts = [
            ("{language}", language.tag),
            ("{direction}", language.direction),
            ("{title}", title),
            ("{style}", STYLE),
            ("{tone}", tone),
            ("{mark}", mark),
            ("{text}", text),
        ];
        parts.iter().fold(FRAME.to_owned(), |page, (place, part)| page.replace(place, part))
    }
}

/// The browser's connection, which stays open until the result of the login is known.
#[derive(Debug)]
pub struct Page {
    stream: Option<TcpStream>,
    language: &'static Language,
}

impl Page {
    pub(super) fn new(stream: TcpStream, language: &'static Language) -> Self {
        Self { stream: Some(stream), language }
    }

    /// No browser is waiting, because the user pasted the redirect.
    pub(super) fn nobody() -> Self {
        Self { stream: None, language: Language::english() }
    }

    /// Shows the result in the browser. The login has succeeded even if the browser has disconnected.
    pub fn show(mut self, outcome: Outcome) {
        self.answer(outcome);
    }

    fn answer(&mut self, outcome: Outcome) {
        if let Some(stream) = self.stream.take() {
            let good = matches!(outcome, Outcome::LoggedIn | Outcome::LoggedOut);
            let status = if good { 200 } else { 400 };
            send(stream, &answer(status, &outcome.page(self.language), "text/html; charset=utf-8", None));
        }
    }
}

/// A page that got no result belongs to a login that failed.
impl Drop for Page {
    fn drop(&mut self) {
        self.answer(Outcome::Failed);
    }
}

/// The response to a request that is neither the redirect nor the one-time link.
pub(super) fn refusal(status: u16) -> Vec<u8> {
    answer(status, "This address only accepts login redirects.\n", PLAIN, None)
}

/// The response to a redirect from another user's browser. It may be the same person, for example with `sudo`.
pub(super) fn not_the_user() -> Vec<u8> {
    let text = "authctl accepts only the browser of the user who started it. If that is you, copy this page's \
                address and paste it into the terminal where authctl is waiting.\n";
    answer(403, text, PLAIN, None)
}

/// The response to a one-time link: a redirect to the URL.
pub(super) fn redirect(target: &str) -> Vec<u8> {
    answer(303, "", PLAIN, Some(target))
}

/// The response to a one-time link that was opened twice.
pub(super) fn opened_twice() -> Vec<u8> {
    let text = "This link works only once and was opened twice, so authctl stopped. See the terminal for what to do.\n";
    answer(410, text, PLAIN, None)
}

const PLAIN: &str = "text/plain; charset=utf-8";

fn answer(status: u16, body: &str, media_type: &str, location: Option<&str>) -> Vec<u8> {
    let style_hash = base64::engine::general_purpose::STANDARD
        .encode(ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style_hash}'; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response =
        Response::from_string(body).with_status_code(status).with_chunked_threshold(usize::MAX);
    let allow = (status == 405).then_some(("Allow", "GET"));
    let location = location.map(|location| ("Location", location));
    let headers = [
        ("Content-Type", media_type),
        ("Content-Security-Policy", policy.as_str()),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Server", "authctl"),
    ];
    for (name, value) in headers.into_iter().chain(allow).chain(location) {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    let mut answer = Vec::new();
    if response.raw_print(&mut answer, HTTPVersion(1, 1), &[], false, None).is_err() {
        answer.clear();
    }
    // tiny_http does not let callers set this header. Here every connection closes after its response.
    if let Some(line_end) = answer.windows(2).position(|window| window == b"\r\n") {
        answer.splice(line_end..line_end, *b"\r\nConnection: close");
    }
    answer
}

/// Sends a response and closes the connection. It waits for a slow client, but not for long.
pub(super) fn send(mut stream: TcpStream, answer: &[u8]) {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_write_timeout(Some(WRITE_TIMEOUT));
    if stream.write_all(answer).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
        drain(&stream);
    }
}

/// Briefly reads what the browser still sends: closing with unread bytes would reset the connection, and the browser
/// could lose the page.
fn drain(mut stream: &TcpStream) {
    use std::io::Read as _;
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    let mut buffer = [0; 4096];
    for _ in 0..16 {
        if !matches!(stream.read(&mut buffer), Ok(count) if count > 0) {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::language::LANGUAGES;

    #[test]
    fn pages_are_whole_and_static_f_cb12() {
        for outcome in [Outcome::LoggedIn, Outcome::LoggedOut, Outcome::Refused, Outcome::Failed] {
            for language in LANGUAGES {
                let page = outcome.page(language);
                assert!(!page.contains("{t") && !page.contains("{s") && !page.contains("{m"), "{page}");
                assert!(!page.contains("{l") && !page.contains("{d"), "{page}");
                assert!(!page.contains("<script") && !page.contains("http"), "{page}");
            }
        }
    }
}

//! The response headers, as curl writes them with `-D`.

use zeroize::Zeroizing;

use crate::ports::HttpResponse;

/// The last complete response.
#[derive(Debug)]
pub struct Answer {
    /// The status and headers; the body stays in curl.
    pub response: HttpResponse,
    /// An earlier response was a redirect, so this one does not answer the original request.
    pub redirected: bool,
}

/// Returns the last response if its headers are complete, that is, end with an empty line. Another response follows
/// `100 Continue` and other interim responses.
pub fn last(notes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(notes);
    let (mut answer, mut complete): (Option<Answer>, bool) = (None, false);
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(rest) = line.strip_prefix("HTTP/") {
            let redirected =
                answer.is_some_and(|answer| answer.redirected || answer.response.status / 100 == 3);
            let status = rest.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            let response = HttpResponse { status, headers: Vec::new(), body: Zeroizing::default() };
            answer = Some(Answer { response, redirected });
            complete = false;
        } else if line.is_empty() {
            complete = true;
        } else if let (Some(answer), Some((name, value)), false) =
            (&mut answer, line.split_once(':'), complete)
        {
            answer.response.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    answer.filter(|answer| complete && answer.response.status >= 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_answer_counts() {
        for (name, notes, want) in [
            ("nothing yet", "", None),
            ("a status line", "HTTP/1.1 401 X\r\n", None),
            ("not its end", "HTTP/1.1 401 X\r\nA: b\r\n", None),
            ("not the end of its line", "HTTP/1.1 401 X\r\nA: b", None),
            ("whole", "HTTP/1.1 401 X\r\nA: b\r\n\r\n", Some((401, false, "b"))),
            ("HTTP/2", "HTTP/2 401 \r\na: b\r\n\r\n", Some((401, false, "b"))),
            ("interim", "HTTP/1.1 100 Continue\r\n\r\n", None),
            (
                "after an interim one",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: c\r\n\r\n",
                Some((200, false, "c")),
            ),
            (
                "after a proxy's",
                "HTTP/1.1 200 Connection established\r\nA: x\r\n\r\nHTTP/1.1 401 X\r\nA: b\r\n\r\n",
                Some((401, false, "b")),
            ),
            (
                "after a redirect",
                "HTTP/1.1 302 X\r\nA: x\r\n\r\nHTTP/1.1 401 X\r\nA: b\r\n\r\n",
                Some((401, true, "b")),
            ),
            ("with a trailer", "HTTP/1.1 401 X\r\nA: b\r\n\r\nA: trailer\r\n", Some((401, false, "b"))),
            ("another protocol", "220 ready\r\n\r\n", None),
        ] {
            let answer = last(notes.as_bytes());
            let got = answer.as_ref().map(|answer| {
                (answer.response.status, answer.redirected, answer.response.header("a").unwrap_or_default())
            });
            assert_eq!(got, want, "{name}");
        }
    }
}

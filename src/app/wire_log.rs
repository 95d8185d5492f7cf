//! The `-v` log on standard error: names and sizes of what is sent and received, without secrets.

use std::sync::Arc;

use crate::oauth::form::FORM;
use crate::oauth::json;
use crate::ports::console::Console;
use crate::ports::{HttpClient, HttpError, HttpRequest, HttpResponse};
use crate::text::style::{FAINT, styled};
use crate::text::untrusted::escaped;

/// The parameters and members whose values are shown; any other value may be a secret.
const SHOWN: &[&str] = &[
    "grant_type",
    "client_id",
    "scope",
    "redirect_uri",
    "token_type_hint",
    "token_type",
    "expires_in",
    "error",
    "issuer",
    "subject_token_type",
    "requested_token_type",
];

/// Logs each exchange and passes it on.
pub struct WireLog {
    inner: Arc<dyn HttpClient>,
    console: Console,
    detailed: bool,
}

impl WireLog {
    /// Logs a client's exchanges; with `detailed`, header names and large JSON objects as well.
    pub fn new(inner: Arc<dyn HttpClient>, console: Console, detailed: bool) -> Self {
        Self { inner, console, detailed }
    }

    fn line(&self, mark: &str, text: &str) {
        self.console.error(styled(FAINT, format!("{mark} {text}")));
    }

    fn request(&self, request: &HttpRequest) {
        let mut url = request.url.clone();
        let has_query = url.query().is_some();
        url.set_query(None);
        let query = if has_query { "?…" } else { "" };
        self.line(">", &format!("{} {}{query}", request.method.as_str(), escaped(url.as_str())));
        if self.detailed {
            for (name, _) in &request.headers {
                self.line(">", &format!("{name}: …"));
            }
        }
        if let Some((kind, body)) = &request.body {
            let parameters = if *kind == FORM {
                let pairs = url::form_urlencoded::parse(body.expose().as_bytes());
                pairs.map(|(name, value)| shown(&name, &value)).collect::<Vec<_>>().join(" ")
            } else {
                format!("{kind}, {} bytes", body.expose().len())
            };
            self.line(">", &parameters);
        }
    }

    fn response(&self, response: &HttpResponse) {
        let size = response.body.len();
        self.line("<", &format!("{} {}, {size} bytes", response.status, escaped(&response.media_type())));
        if self.detailed {
            for (name, _) in &response.headers {
                self.line("<", &format!("{}: …", escaped(name)));
            }
        }
        if let Ok(object) = json::object(&response.body) {
            let member = |(name, value): (&String, &serde_json::Value)| match value {
                serde_json::Value::String(text) => shown(name, text),
                other if SHOWN.contains(&name.as_str()) => format!("{name}={}", escaped(&other.to_string())),
                _ => format!("{}=…", escaped(name)),
            };
            let members: Vec<String> =
                object.iter().filter(|_| self.detailed || object.len() < 12).map(member).collect();
            if !members.is_empty() {
                self.line("<", &members.join(" "));
            }
        }
    }
}

fn shown(name: &str, value: &str) -> String {
    let value = if SHOWN.contains(&name) { escaped(value) } else { "…".to_owned() };
    format!("{}={value}", escaped(name))
}

impl HttpClient for WireLog {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        self.request(request);
        let answer = self.inner.send(request);
        match &answer {
            Ok(response) => self.response(response),
            Err(error) => self.line("<", &error.to_string()),
        }
        answer
    }
}

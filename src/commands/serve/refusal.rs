//! Error responses as JSON, without secrets.

use serde_json::json;

use crate::advice::Advise;
use crate::config::ChoiceError;
use crate::error::{Error, Status};
use crate::ports::local_server::{Failure, Reply};
use crate::secret::SecretText;
use crate::text::causes::with_causes;

/// How many seconds a client should wait before it tries again.
const RETRY_AFTER: &str = "5";
pub const JSON: &str = "application/json";
pub const TEXT: &str = "text/plain; charset=utf-8";

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// The error code for programs.
    pub error: &'static str,
    pub message: String,
    pub hint: Option<String>,
    /// An additional response header.
    pub header: Option<(&'static str, &'static str)>,
}

impl Refusal {
    pub fn new(status: u16, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into(), hint: None, header: None }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "bad_request", message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "not_found", message)
    }

    /// The response to a failure in the server itself.
    pub fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Overloaded => Self::new(503, "overloaded", "too many requests at once").later(),
            Failure::Ending => Self::new(503, "ending", "the server is shutting down").later(),
            Failure::Broken => Self::new(500, "failed", "authctl has an internal error"),
            Failure::NotForwarded(error) => Self::new(502, "unreachable", error.to_string()),
            Failure::Unusable(reason) => {
                Self::new(502, "unusable", format!("cannot forward the response: {reason}"))
            }
        }
    }

    fn later(self) -> Self {
        self.with("retry-after", RETRY_AFTER)
    }

    pub fn reply(&self) -> Reply {
        let mut object = json!({ "error": self.error, "message": self.message });
        if let Some(hint) = &self.hint {
            object["hint"] = hint.as_str().into();
        }
        let mut reply = reply(self.status, JSON, SecretText::new(format!("{object}\n")));
        reply.headers.extend(self.header.map(|(name, value)| (name, value.to_owned())));
        reply
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (status, kind) = match (&error, error.status()) {
            (Error::Choice(ChoiceError::Unknown { .. }), _) => (404, "unknown_provider"),
            (_, Status::LoginRequired) => (403, "login_required"),
            (_, Status::Usage) => (400, "bad_request"),
            (_, Status::Config) => (500, "config"),
            (_, Status::Store) => (500, "store"),
            (_, Status::Unreachable) => (503, "unreachable"),
            (_, Status::Interrupted(_)) => (503, "ending"),
            (_, Status::Done | Status::Failed | Status::Child(_)) => (500, "failed"),
        };
        let hint = match kind {
            "config" => error.hint().or_else(|| Some("run `authctl config check`".to_owned())),
            _ => error.hint(),
        };
        let refusal = Self { hint, ..Self::new(status, kind, with_causes(&error)) };
        if status == 503 { refusal.later() } else { refusal }
    }
}

/// Returns a response that must not be cached.
pub fn reply(status: u16, media_type: &str, body: SecretText) -> Reply {
    let headers = [
        ("content-type", media_type),
        ("cache-control", "no-store"),
        // A browser that gets this response must not show it as a page.
        ("x-content-type-options", "nosniff"),
    ];
    let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    Reply { status, headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::HttpError;
    use crate::provider::ProviderError;
    use crate::session::acquire::AcquireError;
    use crate::session::acquire::decision::Reason;
    use crate::store::StoreError;

    #[test]
    fn every_kind_of_failure_has_its_status() {
        let name = || "github".parse().unwrap();
        let unreachable = HttpError::NotSent { host: "x".to_owned(), reason: "no".to_owned() };
        for (error, want, said) in [
            (
                AcquireError::LoginRequired { provider: name(), account: None, source: Reason::NotLoggedIn }
                    .into(),
                (403, "login_required", false),
                "run `authctl login github`",
            ),
            (
                AcquireError::Provider { name: name(), source: ProviderError::Http(unreachable) }.into(),
                (503, "unreachable", true),
                "cannot reach x: no",
            ),
            (Error::usage("which?"), (400, "bad_request", false), "which?"),
            (
                ChoiceError::Unknown { name: name(), hint: "did you mean?".to_owned() }.into(),
                (404, "unknown_provider", false),
                "did you mean?",
            ),
            (StoreError::Locked.into(), (500, "store", false), "authctl store unlock"),
            (crate::config::ConfigError(Vec::new()).into(), (500, "config", false), "authctl config check"),
            (Error::failed("it broke", "fix it"), (500, "failed", false), "fix it"),
        ] {
            let refusal = Refusal::from(error);
            let reply = refusal.reply();
            let later = reply.headers.iter().any(|(name, _)| *name == "retry-after");
            assert_eq!((reply.status, refusal.error, later), want, "{said}");
            assert!(reply.body.expose().contains(said), "{}", reply.body.expose());
            assert!(reply.headers.contains(&("cache-control", "no-store".to_owned())), "{said}");
        }
    }
}

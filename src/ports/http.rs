//! Sends HTTP requests.

use crate::ports::http_message::{HttpRequest, HttpResponse};

/// Sends one request; follows no redirect.
pub trait HttpClient: Send + Sync {
    /// Sends the request and reads the whole answer, within the limits of time and size.
    ///
    /// # Errors
    /// [`HttpError`]; its text has no query, header or body.
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nothing was sent: the name, the connection, the proxy or TLS failed.
    #[error("cannot reach {host}: {reason}")]
    NotSent { host: String, reason: String },
    /// Nothing was sent: the server's certificate was not accepted.
    #[error("cannot reach {host}: {reason}")]
    Untrusted {
        host: String,
        /// What is wrong with the certificate.
        flaw: CertificateFlaw,
        reason: String,
    },
    /// It may have been sent, and no whole answer came.
    #[error("no answer from {host}: {reason}")]
    AnswerLost {
        host: String,
        reason: String,
        /// What had come by then.
        partial: Option<Box<PartialAnswer>>,
    },
    /// The answer was longer than any honest one.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        host: String,
        limit: usize,
        /// What had come by then.
        partial: Option<Box<PartialAnswer>>,
    },
    /// A server named an address that only a configuration may name.
    #[error("{host} is not a public address, and only the configuration may name others")]
    NotPublic { host: String },
    /// The request cannot be made: a wrong certificate file or proxy.
    #[error("{0}")]
    Setup(String),
}

impl HttpError {
    /// What had come of an answer that did not come to its end.
    pub fn partial_answer(&self) -> Option<&HttpResponse> {
        match self {
            Self::AnswerLost { partial, .. } | Self::TooLarge { partial, .. } => {
                partial.as_ref().map(|partial| &partial.0)
            }
            _ => None,
        }
    }

    /// Whether the server may have received the request.
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::AnswerLost { .. } | Self::TooLarge { .. } => true,
            Self::NotSent { .. } | Self::Untrusted { .. } | Self::NotPublic { .. } | Self::Setup(_) => false,
        }
    }

    /// Whether the same request may succeed a little later: the server could not be reached, or did not answer.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NotSent { .. } | Self::Untrusted { .. } | Self::AnswerLost { .. })
    }
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFlaw {
    NotYetValid,
    /// It is for other names.
    OtherName,
    /// No known authority vouches for it, or anything else.
    Other,
}

/// The beginning of an answer that did not come to its end. It may hold tokens, so it never shows its body.
pub struct PartialAnswer(pub HttpResponse);

impl std::fmt::Debug for PartialAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PartialAnswer({}, {} bytes)", self.0.status, self.0.body.len())
    }
}

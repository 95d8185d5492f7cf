//! Sends HTTP requests.

use crate::advice::{Advise, Status};
use crate::ports::http_message::{HttpRequest, HttpResponse};

/// Sends single requests and never follows redirects.
pub trait HttpClient: Send + Sync {
    /// Sends a request and reads the whole response, within limits of time and size. The error contains no query,
    /// header or body.
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// Why a request got no response.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The request was not sent: the name, the connection, the proxy or TLS failed.
    #[error("cannot reach {host}: {reason}")]
    NotSent { host: String, reason: String },
    /// The request was not sent: the server's certificate was rejected.
    #[error("cannot reach {host}: {reason}")]
    Untrusted { host: String, flaw: CertificateFlaw, reason: String },
    /// The request may have been sent, but no complete response arrived.
    #[error("no response from {host}: {reason}")]
    AnswerLost {
        host: String,
        reason: String,
        /// What had arrived by then.
        partial: Option<Box<PartialAnswer>>,
    },
    /// The response is longer than any honest one.
    #[error("the response from {host} is larger than {limit} bytes")]
    TooLarge {
        host: String,
        limit: usize,
        /// What had arrived by then.
        partial: Option<Box<PartialAnswer>>,
    },
    /// A server supplied an address that authctl accepts only from the configuration.
    #[error(
        "{host} is not a public address, and authctl accepts other addresses only from the configuration"
    )]
    NotPublic { host: String },
    /// The request cannot be made: for example, a certificate file or the proxy is not valid.
    #[error("{0}")]
    Setup(String),
}

impl HttpError {
    /// The part of an incomplete response that arrived.
    pub fn partial_answer(&self) -> Option<&HttpResponse> {
        match self {
            Self::AnswerLost { partial, .. } | Self::TooLarge { partial, .. } => {
                partial.as_ref().map(|partial| &partial.0)
            }
            _ => None,
        }
    }

    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::AnswerLost { .. } | Self::TooLarge { .. } => true,
            Self::NotSent { .. } | Self::Untrusted { .. } | Self::NotPublic { .. } | Self::Setup(_) => false,
        }
    }

    /// Whether the same request may succeed later: the server was unreachable or did not answer.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NotSent { .. } | Self::Untrusted { .. } | Self::AnswerLost { .. })
    }
}

impl Advise for HttpError {
    fn status(&self) -> Status {
        match self {
            Self::Setup(_) => Status::Config,
            error if error.is_transient() => Status::Unreachable,
            _ => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFlaw {
    NotYetValid,
    OtherName,
    /// No trusted authority issued it, or anything else.
    Other,
}

/// The beginning of an incomplete response. It may hold tokens, so `Debug` never shows its body.
pub struct PartialAnswer(pub HttpResponse);

impl std::fmt::Debug for PartialAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PartialAnswer({}, {} bytes)", self.0.status, self.0.body.len())
    }
}

//! Why a request failed.

use std::error::Error as StdError;

use rustls::CertificateError;

use crate::adapters::http::resolver::NotPublic;
use crate::ports::{CertificateFlaw, HttpError};
use crate::text::untrusted::escaped;

pub(super) fn setup(what: &str, error: &dyn std::fmt::Display) -> HttpError {
    HttpError::Setup(format!("{what}: {}", escaped(&error.to_string())))
}

/// Distinguishes requests that were not sent from those that may have been.
pub(crate) fn failure(host: &str, error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let mut source: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return HttpError::NotPublic { host: host.to_owned() };
        }
        source = cause.source();
    }
    let host = host.to_owned();
    if error.is_builder() {
        HttpError::Setup(reason(&error))
    } else if let Some(flaw) = certificate_flaw(&error) {
        HttpError::Untrusted { host, flaw, reason: reason(&error) }
    } else if error.is_connect() {
        HttpError::NotSent { host, reason: reason(&error) }
    } else if error.is_timeout() {
        HttpError::AnswerLost { host, reason: "it took too long".to_owned(), partial: None }
    } else {
        HttpError::AnswerLost { host, reason: reason(&error), partial: None }
    }
}

/// What is wrong with the server's certificate, if that is why the request failed. `io::Error::source` skips the error
/// that it wraps.
fn certificate_flaw(error: &(dyn StdError + 'static)) -> Option<CertificateFlaw> {
    if let Some(of_tls) = error.downcast_ref::<rustls::Error>() {
        let rustls::Error::InvalidCertificate(error) = of_tls else { return None };
        return Some(match error {
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                CertificateFlaw::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                CertificateFlaw::OtherName
            }
            _ => CertificateFlaw::Other,
        });
    }
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped
        .and_then(|wrapped| certificate_flaw(wrapped))
        .or_else(|| error.source().and_then(certificate_flaw))
}

/// The innermost cause, which is the most specific: reqwest's own text only says that something failed.
pub(super) fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    escaped(&cause.to_string())
}

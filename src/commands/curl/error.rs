//! Errors that prevent curl from running.

use std::io;

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::ports::ProcessError;
use crate::text::untrusted::Untrusted;

/// Why authctl refuses curl's arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    #[error("authctl does not run curl with {option}: {reason}")]
    Option { option: String, reason: &'static str },
    #[error("authctl does not run curl with the header {0}: {1}")]
    Header(String, &'static str),
    #[error("authctl does not know curl's option {option}, so it cannot tell which argument is the URL")]
    Unknown {
        option: String,
        /// A similar option.
        meant: Option<&'static str>,
    },
    #[error("curl's option {0} needs a value")]
    NoValue(String),
    #[error("an option or URL for curl is not valid Unicode")]
    NotUnicode,
    #[error("curl needs a URL")]
    NoUrl,
    #[error("found {0} URLs for curl, but {ONE}")]
    SeveralUrls(usize),
    #[error("the URL contains curl's pattern characters ([ or {{), which expand to several URLs, but {ONE}")]
    Pattern,
    #[error("the URL {0} has no scheme")]
    NoScheme(String),
    #[error("authctl does not run curl with a file of URLs: {ONE}")]
    FileOfUrls,
}

const ONE: &str = "authctl curl sends the token to one URL only";

impl Advise for ArgumentError {
    fn status(&self) -> Status {
        Status::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { meant: Some(meant), .. } => Some(format!("did you mean `--{meant}`?")),
            Self::Unknown { .. } => {
                Some("write option names in full, and separate the value with a space".to_owned())
            }
            Self::NoUrl => {
                Some("add a URL, for example: authctl curl github -sS https://api.github.com/user".to_owned())
            }
            Self::SeveralUrls(_) | Self::FileOfUrls => Some("run it once for each URL".to_owned()),
            Self::Pattern => Some("add -g to use these characters literally".to_owned()),
            Self::NoScheme(url) => Some(format!("use https://{url}")),
            _ => None,
        }
    }
}

impl CommandError for ArgumentError {}

/// Why authctl does not run curl, or does not show its output, although its arguments are valid.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// curl drops `Authorization` when it follows a redirect to another host, but keeps every other header.
    #[error(
        "authctl does not run curl with -L: after a redirect it would send the header {0} to another host"
    )]
    HeaderFollows(String),
    /// An old curl may keep even `Authorization`.
    #[error(
        "authctl does not run curl with -L: before version 7.83 it could send the token to another server"
    )]
    OldCurl,
    #[error(transparent)]
    NoVersion(#[from] ProcessError),
    #[error("cannot read the headers in {file}: {reason}")]
    HeaderFile { file: Untrusted, reason: io::Error },
    #[error("cannot pass the headers to curl: {0}")]
    NotHandedOver(io::Error),
    #[error("the response is binary and standard output is a terminal")]
    Binary,
}

impl Advise for RunError {
    fn status(&self) -> Status {
        Status::Failed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::HeaderFollows(_) => {
                "send a second request to the URL in the first response's Location header"
            }
            Self::OldCurl => {
                "install a newer curl, or send a second request to the URL in the Location header"
            }
            Self::NoVersion(_) => "check that curl is installed and on PATH",
            Self::HeaderFile { .. } => "no request was made",
            Self::NotHandedOver(_) => "close some programs and try again",
            Self::Binary => "save it with `--output FILE`, or print it anyway with `--output -`",
        };
        Some(hint.to_owned())
    }
}

impl CommandError for RunError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        use Status::{Failed, Usage};
        let text = || "x".to_owned();
        let unknown = |meant| ArgumentError::Unknown { option: text(), meant };
        let file = RunError::HeaderFile { file: Untrusted::new("x"), reason: io::ErrorKind::NotFound.into() };
        check(&[
            (&ArgumentError::Option { option: text(), reason: "x" }, Usage, ""),
            (&ArgumentError::Header(text(), "x"), Usage, ""),
            (&unknown(Some("url")), Usage, "did you mean `--url`?"),
            (&unknown(None), Usage, "option names in full"),
            (&ArgumentError::NoValue(text()), Usage, ""),
            (&ArgumentError::NotUnicode, Usage, ""),
            (&ArgumentError::NoUrl, Usage, "authctl curl github"),
            (&ArgumentError::SeveralUrls(2), Usage, "once for each URL"),
            (&ArgumentError::Pattern, Usage, "add -g"),
            (&ArgumentError::NoScheme("example.com".to_owned()), Usage, "use https://example.com"),
            (&ArgumentError::FileOfUrls, Usage, "once for each URL"),
            (&RunError::HeaderFollows(text()), Failed, "Location"),
            (&RunError::OldCurl, Failed, "newer curl"),
            (&file, Failed, "no request was made"),
            (&RunError::NotHandedOver(io::ErrorKind::OutOfMemory.into()), Failed, "close some programs"),
            (&RunError::Binary, Failed, "--output FILE"),
        ]);
    }
}

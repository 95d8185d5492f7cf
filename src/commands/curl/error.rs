//! Why curl is not run, and what to do.

use std::io;

use crate::advice::{Advise, Status};
use crate::error::CommandError;
use crate::ports::ProcessError;
use crate::text::untrusted::Untrusted;

/// Why arguments are not given to curl.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// An option, for a reason.
    #[error("curl is not run with {option}: {reason}")]
    Option {
        /// The option, as it was written.
        option: String,
        reason: &'static str,
    },
    #[error("curl is not run with the header {0}: {1}")]
    Header(String, &'static str),
    /// An option that is not known.
    #[error("{option} is no option of curl that authctl knows, so it cannot tell where the URL is")]
    Unknown {
        /// The option, as it was written.
        option: String,
        /// What may be meant.
        meant: Option<&'static str>,
    },
    /// An option without its value.
    #[error("curl's option {0} lacks its value")]
    NoValue(String),
    /// An argument that is not Unicode where it must be.
    #[error("an option or URL for curl is not Unicode")]
    NotUnicode,
    #[error("there is no URL for curl")]
    NoUrl,
    /// More than one.
    #[error("there are {0} URLs for curl, and {ONE}")]
    SeveralUrls(usize),
    /// A URL with a pattern in it.
    #[error("the URL has curl's pattern characters in it ([ or {{), which stand for many URLs, and {ONE}")]
    Pattern,
    #[error("{0} does not say how it is reached")]
    NoScheme(String),
    #[error("curl is not run with a file of URLs: {ONE}")]
    FileOfUrls,
}

const ONE: &str = "the token is for one request";

impl Advise for ArgumentError {
    fn status(&self) -> Status {
        Status::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { meant: Some(meant), .. } => Some(format!("write it in full: --{meant}")),
            Self::Unknown { .. } => Some("write each option in full, and its value after a blank".to_owned()),
            Self::NoUrl => {
                Some("for example: authctl curl github -sS https://api.github.com/user".to_owned())
            }
            Self::SeveralUrls(_) | Self::FileOfUrls => Some("run it once for each".to_owned()),
            Self::Pattern => Some("add -g if they are meant as they stand".to_owned()),
            Self::NoScheme(url) => Some(format!("write https://{url}")),
            _ => None,
        }
    }
}

impl CommandError for ArgumentError {}

/// Why curl is not run, or its output is not shown, though its arguments are good.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// curl drops `Authorization` on the way to another host, and keeps every other header.
    #[error("curl is not run with -L: it would take the header {0} along to another host")]
    HeaderFollows(String),
    /// This curl may keep even `Authorization`.
    #[error("curl is not run with -L: before version 7.83 it could take the token along to another server")]
    OldCurl,
    /// curl does not say its version.
    #[error(transparent)]
    NoVersion(#[from] ProcessError),
    /// A file of header lines.
    #[error("the headers in {file} cannot be read: {reason}")]
    HeaderFile {
        /// Its path.
        file: Untrusted,
        /// Why.
        reason: io::Error,
    },
    /// No pipe or temporary file.
    #[error("cannot hand the headers to curl: {0}")]
    NotHandedOver(io::Error),
    /// A terminal does not show it.
    #[error("the answer is binary, and standard output is a terminal")]
    Binary,
}

impl Advise for RunError {
    fn status(&self) -> Status {
        Status::Failed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::HeaderFollows(_) => {
                "send the second request yourself, to where the first one's Location says"
            }
            Self::OldCurl => "install a newer curl, or send the second request yourself",
            Self::NoVersion(_) => "is it installed, and in a folder of PATH?",
            Self::HeaderFile { .. } => "no request was made",
            Self::NotHandedOver(_) => "close some programs",
            Self::Binary => "save it with `--output FILE`, or show it all the same with `--output -`",
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
            (&unknown(Some("url")), Usage, "write it in full: --url"),
            (&unknown(None), Usage, "write each option in full"),
            (&ArgumentError::NoValue(text()), Usage, ""),
            (&ArgumentError::NotUnicode, Usage, ""),
            (&ArgumentError::NoUrl, Usage, "authctl curl github"),
            (&ArgumentError::SeveralUrls(2), Usage, "once for each"),
            (&ArgumentError::Pattern, Usage, "add -g"),
            (&ArgumentError::NoScheme("example.com".to_owned()), Usage, "write https://example.com"),
            (&ArgumentError::FileOfUrls, Usage, "once for each"),
            (&RunError::HeaderFollows(text()), Failed, "Location"),
            (&RunError::OldCurl, Failed, "newer curl"),
            (&file, Failed, "no request was made"),
            (&RunError::NotHandedOver(io::ErrorKind::OutOfMemory.into()), Failed, "close some programs"),
            (&RunError::Binary, Failed, "--output FILE"),
        ]);
    }
}

//! Why arguments are not given to curl, and what to do.

/// Why arguments are not given to curl.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An option, for a reason.
    #[error("curl is not run with {option}: {reason}")]
    Option {
        /// The option, as it was written.
        option: String,
        /// The reason.
        reason: &'static str,
    },
    /// A header.
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
    /// No URL.
    #[error("there is no URL for curl")]
    NoUrl,
    /// More than one.
    #[error("there are {0} URLs for curl, and {ONE}")]
    SeveralUrls(usize),
    /// A URL with a pattern in it.
    #[error("the URL has curl's pattern characters in it ([ or {{), which stand for many URLs, and {ONE}")]
    Pattern,
    /// No scheme.
    #[error("{0} does not say how it is reached")]
    NoScheme(String),
    /// URLs in a file.
    #[error("curl is not run with a file of URLs: {ONE}")]
    FileOfUrls,
}

const ONE: &str = "the token is for one request";

impl Refused {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
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

//! Settings for other programs: the keys of `[credentials.NAME.helper]`.

use std::time::Duration;

use crate::oauth::endpoint::EndpointUrl;
use crate::schema::{Key, Problem, Section, Shape};

pub const KEYS: &[&Key] = &[
    &Key::new(
        "git_username",
        Shape::Text,
        "The user name to send with the token as the password, for git servers that do not accept bearer tokens",
    ),
    &Key::new(
        "docker_username",
        Shape::Text,
        "The user name to send with the token to a container registry; `<token>` marks an identity token",
    )
    .or(DOCKER_USERNAME),
    &Key::new(
        "cargo_index",
        Shape::Strings,
        "The index URLs of the cargo registries to serve; defaults to every registry on the provider's hosts",
    ),
    &Key::new("aws_role", Shape::Text, "The ARN of the AWS role to assume with AssumeRoleWithWebIdentity"),
    &Key::new("aws_region", Shape::Text, "The AWS region of the security token service"),
    &Key::new("aws_endpoint", Shape::Text, "The security token service's URL, instead of the region's"),
    &Key::new("aws_session", Shape::Text, "The role session's name, which appears in AWS logs")
        .or(AWS_SESSION),
    &Key::new(
        "aws_duration",
        Shape::Duration,
        "How long the role's credentials are valid; the role sets the maximum",
    )
    .or("1h"),
];

/// What registries of Google, and others after them, take as the user name of an access token.
const DOCKER_USERNAME: &str = "oauth2accesstoken";
/// What GitLab wants; most others take any name.
const GIT_USERNAME: &str = "oauth2";
const AWS_SESSION: &str = "authctl";
/// AWS accepts 15 minutes to 12 hours.
const AWS_DURATIONS: std::ops::RangeInclusive<u64> = 900..=43_200;

#[derive(Debug, Clone)]
pub struct HelperSettings {
    /// The user name for git, where one is configured.
    pub git_username: Option<String>,
    /// The user name for registries of container images.
    pub docker_username: String,
    /// The index URLs of cargo's registries; empty for all of the provider's hosts.
    pub cargo_index: Vec<String>,
    pub aws: Aws,
}

/// The request to AWS's security token service.
#[derive(Debug, Clone)]
pub struct Aws {
    pub role: Option<String>,
    pub region: Option<String>,
    /// The service's address, where it is written.
    pub endpoint: Option<EndpointUrl>,
    pub session: String,
    pub duration: Duration,
}

impl HelperSettings {
    /// Reads the table, which was checked for the names and types of its keys.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn read(section: &Section) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let text = |key: &str| section.text(key).map(str::to_owned);
        for key in ["git_username", "docker_username"] {
            if section.text(key).is_some_and(|name| name.chars().any(char::is_control)) {
                problems.push(section.problem(key, "contains a control character"));
            }
        }
        let endpoint = section.text("aws_endpoint").and_then(|url| match EndpointUrl::configured(url) {
            Ok(url) => Some(url),
            Err(error) => {
                problems.push(section.url_problem(
                    "aws_endpoint",
                    &format!("is not a valid endpoint: {error}"),
                    error.is_secret(),
                ));
                None
            }
        });
        if section.text("aws_region").is_some_and(|region| !is_region(region)) {
            problems.push(section.problem("aws_region", "is not a valid region, such as eu-central-1"));
        }
        let duration = section.duration("aws_duration").unwrap_or(Duration::from_secs(3600));
        if !AWS_DURATIONS.contains(&duration.as_secs()) {
            problems.push(section.problem("aws_duration", "must be between 15m and 12h"));
        }
        let session = text("aws_session").unwrap_or_else(|| AWS_SESSION.to_owned());
        if !is_session_name(&session) {
            let message = "must be 2 to 64 letters, digits and characters of _+=,.@-";
            problems.push(section.problem("aws_session", message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            git_username: text("git_username"),
            docker_username: text("docker_username").unwrap_or_else(|| DOCKER_USERNAME.to_owned()),
            cargo_index: section.strings("cargo_index"),
            aws: Aws { role: text("aws_role"), region: text("aws_region"), endpoint, session, duration },
        })
    }
}

impl HelperSettings {
    /// The user name that goes with a token where a password is wanted.
    #[must_use]
    pub fn git_username(&self) -> &str {
        self.git_username.as_deref().unwrap_or(GIT_USERNAME)
    }
}

/// Whether a text is a region's name, which is safe in a host name.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= 32 && text.bytes().all(fits) && !text.starts_with('-')
}

fn is_session_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (2..=64).contains(&text.len()) && text.bytes().all(fits)
}

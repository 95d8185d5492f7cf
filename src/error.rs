//! The error that every command returns. Each error enum implements [`Advise`] beside its variants; [`Error`] delegates to
//! them.

use std::error::Error as _;
use std::io;

use crate::advice::Advise;
pub use crate::advice::Status;
use crate::config::edit::EditError;
use crate::config::{ChoiceError, ConfigError, report};
use crate::discovery::resource::UrlDiscoveryError;
use crate::name::ProviderName;
use crate::ports::LaunchError;
use crate::ports::console::Console;
use crate::ports::local_server::ServeError;
use crate::provider::ProviderError;
use crate::session::acquire::AcquireError;
use crate::session::aws::AwsError;
use crate::session::login::LoginError;
use crate::session::registration::RegistrationError;
use crate::store::StoreError;
use crate::store::accounts::AccountError;
use crate::text::style::{ERROR, styled};
use crate::text::untrusted::Untrusted;

/// An error enum in `app`, `commands` or `helper`. These modules are above this one, so [`Error`] cannot name their enums.
pub trait CommandError: std::error::Error + Advise {}

/// Any [`CommandError`].
#[derive(Debug)]
pub struct BoxedCommandError(Box<dyn CommandError>);

impl std::fmt::Display for BoxedCommandError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for BoxedCommandError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl<E: CommandError + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Command(BoxedCommandError(Box::new(error)))
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error("cannot log in to {url}")]
    UrlDiscovery { url: Untrusted, source: Box<UrlDiscoveryError> },
    #[error("the login to `{name}` failed")]
    Registration {
        /// The provider's name, or the URL from the command line.
        name: String,
        source: Box<RegistrationError>,
    },
    #[error("cannot get AWS credentials")]
    Aws(#[from] AwsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    #[error("{message}")]
    Failed { message: String, hint: Option<String> },
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error(transparent)]
    Command(BoxedCommandError),
    /// The command has already reported its errors; only the exit status remains.
    #[error("failed")]
    Reported(Status),
    /// A closed pipe counts as success.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Advise for Error {
    fn status(&self) -> Status {
        match self {
            Self::Usage { .. } => Status::Usage,
            Self::Reported(status) => *status,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
            other => other.inner().map_or(Status::Failed, Advise::status),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } | Self::Failed { hint, .. } => hint.clone(),
            Self::Registration { source, name } => source.hint_for(name),
            other => other.inner().and_then(Advise::hint),
        }
    }
}

impl Error {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: Some(hint.into()) }
    }

    fn inner(&self) -> Option<&dyn Advise> {
        Some(match self {
            Self::Config(error) => error,
            Self::Choice(error) => error,
            Self::Acquire(error) => error,
            Self::Login(error) => error,
            Self::Edit(error) => error,
            Self::UrlDiscovery { source, .. } => &**source,
            Self::Registration { source, .. } => &**source,
            Self::Aws(error) => error,
            Self::Store(error) => error,
            Self::Account(error) => error,
            Self::Provider(error) => error,
            Self::Serve(error) => error,
            Self::Launch(error) => error,
            Self::Command(BoxedCommandError(error)) => &**error,
            Self::Usage { .. } | Self::Failed { .. } | Self::Reported(_) | Self::Output(_) => return None,
        })
    }

    /// Returns the provider that needs a login, if that is the error.
    pub fn login_required(&self) -> Option<&ProviderName> {
        fn of(error: &AcquireError) -> Option<&ProviderName> {
            match error {
                AcquireError::LoginRequired { provider, .. }
                | AcquireError::OtherBinding { provider, .. } => Some(provider),
                AcquireError::Needed { source, .. } => of(source),
                _ => None,
            }
        }
        match self {
            Self::Acquire(error) | Self::Aws(AwsError::Acquire(error)) => of(error),
            _ => None,
        }
    }

    /// Prints the error, its causes and its hint to standard error.
    pub fn tell(&self, console: &Console) {
        match self {
            Self::Reported(_) => return,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
            Self::Config(ConfigError(problems))
            | Self::Edit(EditError::Wrong(ConfigError(problems)))
            | Self::Choice(ChoiceError::Config(ConfigError(problems))) => {
                let rendered: Vec<String> = problems.iter().map(report::render).collect();
                return console.error(rendered.join("\n\n"));
            }
            _ => {}
        }
        let mut text = format!("{} {self}", styled(ERROR, "error:"));
        let mut source = self.source();
        let mut last = self.to_string();
        while let Some(error) = source {
            let cause = error.to_string();
            // A transparent error has the same text as its source.
            if cause != last {
                text.push_str(&format!("\n  caused by: {cause}"));
            }
            last = cause;
            source = error.source();
        }
        console.error(text);
        if let Some(hint) = self.hint() {
            console.error(format_args!("{} {hint}", styled(crate::text::style::HINT, "hint:")));
        }
    }
}

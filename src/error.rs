//! The error at the edge. Each error enum says beside its variants what its exit status is and what the user can do; this one
//! passes that on.

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

/// An error enum of a command, of a helper or of what they share: those stand above this module, so [`Error`] cannot name
/// them.
pub trait CommandError: std::error::Error + Advise {}

/// Some [`CommandError`].
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
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No provider was chosen.
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    /// There is no token.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    /// There was no login.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The configuration file is not changed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A URL cannot be logged in to.
    #[error("{url} cannot be logged in to")]
    UrlDiscovery {
        url: Untrusted,
        /// Why.
        source: Box<UrlDiscoveryError>,
    },
    /// The client is not known to the server.
    #[error("the login to `{name}` failed")]
    Registration {
        /// The provider, or the URL, as it was named.
        name: String,
        /// Why.
        source: Box<RegistrationError>,
    },
    /// There are no keys of AWS.
    #[error("cannot get AWS credentials")]
    Aws(#[from] AwsError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An account is not changed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The provider gave nothing.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Nobody is served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The command was used wrongly.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Something else failed; the command has said what.
    #[error("{message}")]
    Failed {
        /// What failed.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A program that was to run in our place did not.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// An error of a command or a helper.
    #[error(transparent)]
    Command(BoxedCommandError),
    /// Everything was said already; this is the status.
    #[error("failed")]
    Reported(Status),
    /// Output could not be written. A closed pipe is success.
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
    /// A wrong use of a command.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// A failure with a hint.
    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: Some(hint.into()) }
    }

    /// The error of a lower level, which advises itself.
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

    /// The provider that must be logged in to, where that is what it says.
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

    /// Says it on standard error: what happened, why, and what to do.
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
        let mut said = self.to_string();
        while let Some(error) = source {
            let cause = error.to_string();
            // Transparent errors repeat what was said.
            if cause != said {
                text.push_str(&format!("\n  caused by: {cause}"));
            }
            said = cause;
            source = error.source();
        }
        console.error(text);
        if let Some(hint) = self.hint() {
            console.error(format_args!("{} {hint}", styled(crate::text::style::HINT, "hint:")));
        }
    }
}

//! Which exit status each failure means.

use super::Error;
use crate::config::ChoiceError;
use crate::config::edit::EditError;
use crate::discovery::DiscoveryError;
use crate::discovery::resource::SiteError;
use crate::loopback::LoopbackError;
use crate::oauth::answer::EndpointError;
use crate::ports::{Ended, HttpError, LaunchError};
use crate::provider::ProviderError;
use crate::secret_source::SecretError;
use crate::session::acquire::{AcquireError, is_transient};
use crate::session::aws::AwsError;
use crate::session::login::LoginError;
use crate::session::registration::RegistrationError;
use crate::store::StoreError;
use std::io;

/// How the program ended: its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 0: done.
    Done,
    /// 1: failed.
    Failed,
    /// 2: used wrongly.
    Usage,
    /// 3: log in first.
    LoginRequired,
    /// 4: the configuration is wrong.
    Config,
    /// 5: the provider cannot be reached or said "try later".
    Unreachable,
    /// 6: the token store cannot be used.
    Store,
    /// 128 and the signal: interrupted.
    Interrupted(i32),
    /// The status of a program that was run in our place.
    Child(u8),
}

impl Status {
    /// The exit status.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::LoginRequired => 3,
            Self::Config => 4,
            Self::Unreachable => 5,
            Self::Store => 6,
            Self::Interrupted(signal) => 128 + u8::try_from(signal).unwrap_or(2) % 128,
            Self::Child(status) => status,
        }
    }
}

impl From<Ended> for Status {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Status(0) | Ended::Discarded => Self::Done,
            Ended::Status(status) => Self::Child(status),
            Ended::Signal(signal) => Self::Interrupted(signal),
        }
    }
}

impl Error {
    /// The exit status that it means.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Config(_) => Status::Config,
            Self::Choice(ChoiceError::Ambiguous(_)) | Self::Usage { .. } => Status::Usage,
            Self::Choice(ChoiceError::UnknownUrl(_)) => Status::LoginRequired,
            Self::Choice(_) => Status::Config,
            Self::Acquire(error) => acquire_status(error),
            Self::Login(LoginError::Provider { source, .. }) | Self::Provider(source) => {
                provider_status(source)
            }
            Self::Login(LoginError::Store(error)) | Self::Store(error) => store_status(error),
            Self::Aws(error) => aws_status(error),
            Self::Edit(error) => edit_status(error),
            Self::Site { source, .. } => site_status(source),
            Self::Registration { source, .. } => registration_status(source),
            Self::Login(LoginError::Acquire(error)) => acquire_status(error),
            Self::Login(_) | Self::Serve(_) | Self::Failed { .. } => Status::Failed,
            Self::Launch(LaunchError::NotFound { .. }) => Status::Child(127),
            Self::Launch(LaunchError::NotExecutable { .. }) => Status::Child(126),
            Self::Reported(status) => *status,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
            Self::Output(_) => Status::Failed,
        }
    }
}

fn acquire_status(error: &AcquireError) -> Status {
    match error {
        AcquireError::LoginRequired { .. } | AcquireError::OtherBinding { .. } | AcquireError::Gone(_) => {
            Status::LoginRequired
        }
        AcquireError::Provider { source, .. } => provider_status(source),
        AcquireError::Store(error) => store_status(error),
        AcquireError::RenewedElsewhere { .. } => Status::Unreachable,
        AcquireError::Interrupted(signal) => Status::Interrupted(*signal),
        AcquireError::NoScopes { .. } => Status::Usage,
        AcquireError::Needed { source, .. } => acquire_status(source),
        AcquireError::Config(_) => Status::Config,
        AcquireError::Wider(_) | AcquireError::TooShort { .. } => Status::Failed,
    }
}

fn store_status(error: &StoreError) -> Status {
    match error {
        // The store works; the configuration would send the secret to a new destination.
        StoreError::NewPlace { .. } | StoreError::NewServer { .. } => Status::Config,
        _ => Status::Store,
    }
}

fn provider_status(error: &ProviderError) -> Status {
    match error {
        ProviderError::Ended(_) | ProviderError::LoginRequired(_) => Status::LoginRequired,
        ProviderError::NothingPiped => Status::Usage,
        ProviderError::Interrupted(signal) => Status::Interrupted(*signal),
        ProviderError::PrivateKey(_) | ProviderError::Certificate(_) => Status::Config,
        ProviderError::Unconfigured { .. } => Status::Config,
        ProviderError::Secret(SecretError::Store(error)) => store_status(error),
        ProviderError::Loopback(LoopbackError::Interrupted(signal)) => Status::Interrupted(*signal),
        ProviderError::WrongOrigin(_) => Status::LoginRequired,
        ProviderError::Http(HttpError::Setup(_)) => Status::Config,
        error if is_transient(error) => Status::Unreachable,
        _ => Status::Failed,
    }
}

fn edit_status(error: &EditError) -> Status {
    match error {
        EditError::Key { .. } | EditError::Value { .. } | EditError::Secret(_) => Status::Usage,
        EditError::Wrong(_) | EditError::Syntax(_) | EditError::ShortForm | EditError::Absent(_) => {
            Status::Config
        }
        EditError::NoFolder | EditError::File { .. } | EditError::Present(_) => Status::Failed,
    }
}

pub(super) fn site_status(error: &SiteError) -> Status {
    match error {
        SiteError::Http(error) | SiteError::Discovery(DiscoveryError::Http(error))
            if error.is_transient() =>
        {
            Status::Unreachable
        }
        _ => Status::Failed,
    }
}

fn registration_status(error: &RegistrationError) -> Status {
    match error {
        RegistrationError::Configured { .. } => Status::Usage,
        RegistrationError::NotOffered { .. } | RegistrationError::OtherIssuer { .. } => Status::Config,
        RegistrationError::Provider(error) => provider_status(error),
        RegistrationError::Http(error) if error.is_transient() => Status::Unreachable,
        RegistrationError::Refused(EndpointError::TryLater { .. }) => Status::Unreachable,
        RegistrationError::Store(error) => store_status(error),
        _ => Status::Failed,
    }
}

fn aws_status(error: &AwsError) -> Status {
    match error {
        AwsError::NotConfigured(_)
        | AwsError::NoRole(_)
        | AwsError::Region(_)
        | AwsError::Http(HttpError::Setup(_)) => Status::Config,
        AwsError::Acquire(error) => acquire_status(error),
        AwsError::Http(error) if error.is_transient() => Status::Unreachable,
        AwsError::Refused { later: true, .. } => Status::Unreachable,
        AwsError::Store(error) => store_status(error),
        AwsError::NotJwt(_) | AwsError::Http(_) | AwsError::Refused { .. } | AwsError::Unusable { .. } => {
            Status::Failed
        }
    }
}

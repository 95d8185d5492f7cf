//! Which exit status each failure means.

use super::Error;
use crate::advice::{Advise, Status};
use crate::config::ChoiceError;
use crate::config::edit::EditError;
use crate::oauth::answer::EndpointError;
use crate::ports::{HttpError, LaunchError};
use crate::session::acquire::AcquireError;
use crate::session::aws::AwsError;
use crate::session::login::LoginError;
use crate::session::registration::RegistrationError;
use std::io;

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
            Self::Login(LoginError::Provider { source, .. }) | Self::Provider(source) => source.status(),
            Self::Login(LoginError::Store(error)) | Self::Store(error) => error.status(),
            Self::Aws(error) => aws_status(error),
            Self::Edit(error) => edit_status(error),
            Self::Site { source, .. } => source.status(),
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
        AcquireError::Provider { source, .. } => source.status(),
        AcquireError::Store(error) => error.status(),
        AcquireError::RenewedElsewhere { .. } => Status::Unreachable,
        AcquireError::Interrupted(signal) => Status::Interrupted(*signal),
        AcquireError::NoScopes { .. } => Status::Usage,
        AcquireError::Needed { source, .. } => acquire_status(source),
        AcquireError::Config(_) => Status::Config,
        AcquireError::Wider(_) | AcquireError::TooShort { .. } => Status::Failed,
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

fn registration_status(error: &RegistrationError) -> Status {
    match error {
        RegistrationError::Configured { .. } => Status::Usage,
        RegistrationError::NotOffered { .. } | RegistrationError::OtherIssuer { .. } => Status::Config,
        RegistrationError::Provider(error) => error.status(),
        RegistrationError::Http(error) if error.is_transient() => Status::Unreachable,
        RegistrationError::Refused(EndpointError::TryLater { .. }) => Status::Unreachable,
        RegistrationError::Store(error) => error.status(),
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
        AwsError::Store(error) => error.status(),
        AwsError::NotJwt(_) | AwsError::Http(_) | AwsError::Refused { .. } | AwsError::Unusable { .. } => {
            Status::Failed
        }
    }
}

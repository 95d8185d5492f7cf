//! The error at the edge: which exit status it means, and what the user can do. It is one file so that no failure is
//! without its answer: the matches here are the list.

use std::error::Error as _;
use std::io;

use crate::config::edit::EditError;
use crate::config::{ChoiceError, ConfigError, report};
use crate::console::{Console, ERROR, styled};
use crate::discovery::DiscoveryError;
use crate::foreign::Foreign;
use crate::local_server::ServeError;
use crate::loopback::LoopbackError;
use crate::name::ProviderName;
use crate::oauth::answer::EndpointError;
use crate::oauth::authorization::AuthorizationError;
use crate::oauth::resource_metadata::ResourceMetadataError;
use crate::ports::{Ended, HttpError, LaunchError};
use crate::provider::ProviderError;
use crate::secret_source::SecretError;
use crate::session::acquire::{AcquireError, is_transient};
use crate::session::aws::AwsError;
use crate::session::login::LoginError;
use crate::session::registration::RegistrationError;
use crate::session::site::SiteError;
use crate::session::step::Reason;
use crate::store::StoreError;
use crate::store::keyring::KeyringFault;

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
    Site {
        /// The URL.
        url: Foreign,
        /// Why.
        source: Box<SiteError>,
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
    #[error("no keys of AWS")]
    Aws(#[from] AwsError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// Everything was said already; this is the status.
    #[error("failed")]
    Reported(Status),
    /// Output could not be written. A closed pipe is success.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// A wrong use of a command.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// A failure with a hint.
    #[must_use]
    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: Some(hint.into()) }
    }

    /// The provider that must be logged in to, where that is what it says.
    #[must_use]
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
            Self::Login(LoginError::Store(_)) | Self::Store(_) => Status::Store,
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

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Choice(ChoiceError::Ambiguous(_)) => {
                Some("name one, or set `default` in the configuration".to_owned())
            }
            Self::Choice(ChoiceError::Unknown { hint, .. }) => Some(hint.clone()),
            Self::Choice(ChoiceError::UnknownUrl(url)) => {
                Some(format!("run `authctl login {}`", crate::foreign::escaped(url.as_str())))
            }
            Self::Acquire(error) => acquire_hint(error),
            Self::Login(LoginError::OtherPerson { .. }) => {
                Some("log in with `--account` and another name, or log out of this account first".to_owned())
            }
            Self::Login(LoginError::Provider { source, name }) => provider_hint(source, name.as_str()),
            Self::Login(LoginError::Store(error)) | Self::Store(error) => store_hint(error),
            Self::Login(LoginError::Acquire(error)) => acquire_hint(error),
            Self::Aws(error) => aws_hint(error),
            Self::Edit(error) => edit_hint(error),
            Self::Site { source, .. } => site_hint(source),
            Self::Registration { source, name } => registration_hint(source, name),
            Self::Provider(error) => provider_hint(error, ""),
            Self::Serve(ServeError::Taken(_) | ServeError::NotASocket { .. }) => {
                Some("choose another place with --socket or --listen".to_owned())
            }
            Self::Launch(LaunchError::NotFound { .. }) => {
                Some("is it installed, and in a folder of PATH?".to_owned())
            }
            Self::Usage { hint, .. } | Self::Failed { hint, .. } => hint.clone(),
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
            console.error(format_args!("{} {hint}", styled(crate::console::HINT, "hint:")));
        }
    }
}

fn acquire_status(error: &AcquireError) -> Status {
    match error {
        AcquireError::LoginRequired { .. } | AcquireError::OtherBinding { .. } | AcquireError::Gone(_) => {
            Status::LoginRequired
        }
        AcquireError::Provider { source, .. } => provider_status(source),
        AcquireError::Store(_) => Status::Store,
        AcquireError::RenewedElsewhere { .. } => Status::Unreachable,
        AcquireError::Interrupted(signal) => Status::Interrupted(*signal),
        AcquireError::NoScopes { .. } => Status::Usage,
        AcquireError::Needed { source, .. } => acquire_status(source),
        AcquireError::Config(_) => Status::Config,
        AcquireError::Wider(_) | AcquireError::TooShort { .. } => Status::Failed,
    }
}

fn provider_status(error: &ProviderError) -> Status {
    match error {
        ProviderError::Ended(_) | ProviderError::LoginRequired(_) => Status::LoginRequired,
        ProviderError::NothingPiped => Status::Usage,
        ProviderError::Interrupted(signal) => Status::Interrupted(*signal),
        ProviderError::PrivateKey(_) | ProviderError::Certificate(_) => Status::Config,
        ProviderError::Unconfigured { .. } => Status::Config,
        ProviderError::Secret(SecretError::Store(_)) => Status::Store,
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

fn edit_hint(error: &EditError) -> Option<String> {
    let hint = match error {
        EditError::NoFolder => "set HOME",
        EditError::Present(_) => {
            "choose another name, change it with `authctl provider set`, or add --replace"
        }
        EditError::Absent(_) => {
            "`authctl provider list` lists them; `authctl config path` says which files there are"
        }
        EditError::ShortForm => "give it a name: write [credentials.NAME] in the place of [credentials]",
        EditError::Syntax(_) => "`authctl config check` says where",
        EditError::Secret(key) => {
            let key = key.rsplit('.').next().unwrap_or(key);
            return Some(format!(
                "keep it in the token store with --secret {key}, or name where it is: {key}='{{ env = \"NAME\" }}'"
            ));
        }
        EditError::File { .. } | EditError::Key { .. } | EditError::Value { .. } | EditError::Wrong(_) => {
            return None;
        }
    };
    Some(hint.to_owned())
}

fn site_status(error: &SiteError) -> Status {
    match error {
        SiteError::Http(error) | SiteError::Discovery(DiscoveryError::Http(error))
            if error.is_transient() =>
        {
            Status::Unreachable
        }
        _ => Status::Failed,
    }
}

fn site_hint(error: &SiteError) -> Option<String> {
    let hint = match error {
        SiteError::Discovery(DiscoveryError::NotPublished { .. }) => {
            "is this the URL that its documentation names? Else configure it: `authctl provider add`"
        }
        SiteError::Resource { source: ResourceMetadataError::OtherResource { .. }, .. } => {
            "if that is the resource that you mean, log in to its own URL"
        }
        SiteError::NoPkce(_) => {
            "whoever runs it can say so in its metadata: code_challenge_methods_supported"
        }
        error if site_status(error) == Status::Unreachable => "try again later",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn registration_status(error: &RegistrationError) -> Status {
    match error {
        RegistrationError::NotOffered { .. } | RegistrationError::OtherIssuer { .. } => Status::Config,
        RegistrationError::Provider(error) => provider_status(error),
        RegistrationError::Http(error) if error.is_transient() => Status::Unreachable,
        RegistrationError::Refused(EndpointError::TryLater { .. }) => Status::Unreachable,
        RegistrationError::Store(_) => Status::Store,
        _ => Status::Failed,
    }
}

fn registration_hint(error: &RegistrationError, name: &str) -> Option<String> {
    match error {
        RegistrationError::NotOffered { .. } => Some(format!(
            "register an app there, with the redirect URI http://127.0.0.1/callback, and run `authctl login {name} --client-id ID`"
        )),
        RegistrationError::OtherIssuer { .. } => {
            Some(format!("if that is right, run `authctl login {name} --client-id ID` with one of the new server"))
        }
        RegistrationError::Refused(error) if error.is("invalid_redirect_uri") => Some(
            "this server takes no loopback address: register an app there by hand, and name it with --client-id".to_owned(),
        ),
        RegistrationError::Provider(error) => provider_hint(error, name),
        RegistrationError::Store(error) => store_hint(error),
        _ => None,
    }
}

fn aws_status(error: &AwsError) -> Status {
    match error {
        AwsError::NoRole(_) | AwsError::Region(_) | AwsError::Http(HttpError::Setup(_)) => Status::Config,
        AwsError::Acquire(error) => acquire_status(error),
        AwsError::Http(error) if error.is_transient() => Status::Unreachable,
        AwsError::Refused { later: true, .. } => Status::Unreachable,
        AwsError::Store(_) => Status::Store,
        AwsError::Http(_) | AwsError::Refused { .. } | AwsError::Unusable { .. } => Status::Failed,
    }
}

fn aws_hint(error: &AwsError) -> Option<String> {
    match error {
        AwsError::NoRole(provider) => {
            Some(format!("set helper.aws_role of `{provider}` to the role's ARN, or name it with --role"))
        }
        AwsError::Region(_) => {
            Some("set helper.aws_region, or AWS_REGION, to one like eu-central-1".to_owned())
        }
        AwsError::Acquire(error) => acquire_hint(error),
        AwsError::Store(error) => store_hint(error),
        AwsError::Refused { later: false, .. } => {
            Some("does the role's trust policy name this issuer, its audience and this subject?".to_owned())
        }
        _ => None,
    }
}

fn acquire_hint(error: &AcquireError) -> Option<String> {
    match error {
        AcquireError::LoginRequired { provider, source: Reason::NotGranted(scopes) } => {
            Some(format!("run `authctl login {provider} --scope '{scopes}'`, or add it to `scopes`"))
        }
        AcquireError::LoginRequired { provider, .. } | AcquireError::Gone(provider) => {
            Some(format!("run `authctl login {provider}`"))
        }
        AcquireError::OtherBinding { provider, difference } => {
            let (label, configured, stored) = &**difference;
            let shown = crate::foreign::escaped;
            Some(format!(
                "the configuration says {label} {}, the login was for {}; if that is right, run `authctl login {provider}`",
                shown(configured),
                shown(stored)
            ))
        }
        AcquireError::Provider { source, name } => provider_hint(source, name.as_str()),
        AcquireError::Store(error) => store_hint(error),
        AcquireError::RenewedElsewhere { provider, .. } => Some(format!(
            "run `authctl token {provider}` there, so that it saves what it got; or wait ten minutes, and this machine tries"
        )),
        AcquireError::TooShort { .. } => Some("ask for less with --min-ttl".to_owned()),
        AcquireError::NoScopes { .. } => {
            Some("name at least one scope, or none at all for all that was granted".to_owned())
        }
        AcquireError::Needed { source, .. } => acquire_hint(source),
        AcquireError::Wider(_) | AcquireError::Interrupted(_) | AcquireError::Config(_) => None,
    }
}

fn provider_hint(error: &ProviderError, provider: &str) -> Option<String> {
    let hint = match error {
        ProviderError::Ended(_) => "put a new one into the configuration",
        ProviderError::Unconfigured { hint, .. } => return hint.clone(),
        ProviderError::NotOffered("a login") => {
            return Some(format!("nothing is to be done first: run `authctl token {provider}`"));
        }
        ProviderError::Secret(SecretError::NotStored { provider, key }) => {
            return Some(format!("store it with `authctl secret set {provider} {key}`"));
        }
        ProviderError::Secret(SecretError::NoVariable(_)) => {
            "set it, or let the configuration name another source"
        }
        ProviderError::Secret(SecretError::Store(error)) => return store_hint(error),
        ProviderError::Token(error) if error.is("invalid_client") => {
            "the server does not know this client, or its secret is wrong: check client_id and client_secret"
        }
        ProviderError::Token(error) if error.is("invalid_grant") => {
            return Some(format!("run `authctl login {provider}` again"));
        }
        ProviderError::GrantRefused(_) => {
            "is the key, or the token that it was asked for with, still good, and known to the server?"
        }
        ProviderError::NothingPiped => "pipe the token in",
        ProviderError::SubjectRefused(_) => {
            "a server that rotates refresh tokens takes none for another token: turn refresh token rotation off for this application there, and log in again"
        }
        ProviderError::Token(error) if error.is("invalid_target") => {
            "the server knows no such resource or audience for this client: check resource and audience"
        }
        ProviderError::TimedOut(_) => return Some(format!("run `authctl login {provider}` again")),
        ProviderError::LoginRequired(_) => return Some(format!("run `authctl login {provider}`")),
        ProviderError::WrongOrigin(_) => {
            return Some(format!("if the new address is right, run `authctl login {provider}`"));
        }
        ProviderError::Authorization(AuthorizationError::Server { denied: true, .. }) => {
            return Some(format!("run `authctl login {provider}` again to grant access"));
        }
        ProviderError::Loopback(LoopbackError::TimedOut { .. }) => {
            return Some(format!(
                "run `authctl login {provider}` again; --timeout gives you longer, --no-browser only prints the URL"
            ));
        }
        ProviderError::Loopback(LoopbackError::Bind { .. }) => {
            "close the program that holds the port, or set another port in redirect_uri"
        }
        ProviderError::Discovery(DiscoveryError::NotPublished { .. }) => {
            "set issuer to the authorization server's, or name its endpoints: authorization_endpoint, token_endpoint"
        }
        ProviderError::Discovery(DiscoveryError::Metadata { .. }) => {
            "set issuer to just what the server calls itself"
        }
        error if is_transient(error) => "what is stored is kept; try again later",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What the user can do about the store.
pub(crate) fn store_hint(error: &StoreError) -> Option<String> {
    let hint = match error {
        StoreError::Keyring(KeyringFault::Locked) => "unlock the keyring: run `authctl store unlock`",
        StoreError::Keyring(KeyringFault::TimedOut) => {
            "is the keyring waiting for its password on another screen?"
        }
        StoreError::Keyring(_) | StoreError::NoKeyring(_) => {
            "start the session's keyring; or set store = \"file\" in the configuration and log in again"
        }
        StoreError::OtherStore { configured, .. } => {
            return Some(format!("set store back, or run `authctl store move {}`", configured.name()));
        }
        StoreError::KeyMissing { .. } => {
            "bring it back from a backup, or run `authctl logout --all --local` and log in again"
        }
        StoreError::Corrupt { .. } => {
            "bring it back from a backup, or run `authctl logout --local` and log in again"
        }
        StoreError::Ambiguous { .. } => "remove all but one with the keyring's own program, such as Seahorse",
        StoreError::LockTimeout { .. } => "end the authctl that hangs, and try again",
        StoreError::NoFolder(_) => "set HOME",
        StoreError::Locked => "run `authctl store unlock`",
        StoreError::WrongPassphrase => "run `authctl store unlock` again",
        StoreError::WrongKey | StoreError::NoKeyPrinted | StoreError::KeyProgram(_) => {
            "check `key` of [store] in the configuration"
        }
        StoreError::OtherKeySource { .. } => "run `authctl store rekey` to keep it as the configuration says",
        StoreError::OldProgramNeeded => "name it: `authctl store rekey -- PROGRAM ARGUMENTS`",
        StoreError::Engine { .. } => "check [store] in the configuration, and the engine itself",
        StoreError::EngineCredential { .. } => "check [store] in the configuration",
        StoreError::NoEngine(_) => "configure it in [store]: kind, and where it is",
        StoreError::NoKernelKeyring(_) => "set key = \"file\" or key = { command = […] } in [store]",
        StoreError::Rescued { source, .. } => return store_hint(source),
        StoreError::Conflict { .. } => "run it again",
        StoreError::Occupied { .. } => {
            "run `authctl logout --local` for the one of the two that is not wanted"
        }
        StoreError::NotHome { .. } => "mend the store that it belongs to, run `authctl token`, then move",
        StoreError::File(_) | StoreError::TooLong { .. } | StoreError::NotKept { .. } => return None,
    };
    Some(hint.to_owned())
}

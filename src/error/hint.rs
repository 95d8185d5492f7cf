//! What the user can do about each failure.

use super::Error;
use crate::advice::Advise;
use crate::binding::Binding;
use crate::config::ChoiceError;
use crate::config::edit::EditError;
use crate::ports::LaunchError;
use crate::ports::local_server::ServeError;
use crate::session::acquire::AcquireError;
use crate::session::acquire::decision::Reason;
use crate::session::aws::AwsError;
use crate::session::login::LoginError;
use crate::session::registration::RegistrationError;

impl Error {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Choice(ChoiceError::Ambiguous(_)) => {
                Some("name one, or set `default` in the configuration".to_owned())
            }
            Self::Choice(ChoiceError::Unknown { hint, .. }) => Some(hint.clone()),
            Self::Choice(ChoiceError::UnknownUrl(url)) => {
                Some(format!("run `authctl login {}`", crate::text::shell::word(url.as_str())))
            }
            Self::Acquire(error) => acquire_hint(error),
            Self::Login(LoginError::OtherPerson { .. }) => {
                Some("log in with `--account` and another name, or log out of this account first".to_owned())
            }
            Self::Login(LoginError::Provider { source, name }) => source.hint_for(name.as_str()),
            Self::Login(LoginError::NoAccessToken { name, .. }) => {
                Some(format!("run `authctl token {name}` to get another"))
            }
            Self::Login(LoginError::Store(error)) | Self::Store(error) => error.hint(),
            Self::Login(LoginError::Acquire(error)) => acquire_hint(error),
            Self::Aws(error) => aws_hint(error),
            Self::Edit(error) => edit_hint(error),
            Self::Site { source, .. } => source.hint(),
            Self::Registration { source, name } => registration_hint(source, name),
            Self::Provider(error) => error.hint(),
            Self::Serve(ServeError::Taken(_) | ServeError::NotASocket { .. }) => {
                Some("choose another place with --socket or --listen".to_owned())
            }
            Self::Serve(ServeError::Locked { .. }) => {
                Some("end the other `authctl serve`, or choose another place with --socket".to_owned())
            }
            Self::Launch(LaunchError::NotFound { .. }) => {
                Some("is it installed, and in a folder of PATH?".to_owned())
            }
            Self::Usage { hint, .. } | Self::Failed { hint, .. } => hint.clone(),
            _ => None,
        }
    }
}

fn acquire_hint(error: &AcquireError) -> Option<String> {
    match error {
        AcquireError::LoginRequired { provider, source: Reason::NotGranted(scopes) } => Some(format!(
            "run `authctl login {provider} --scope {}`, or add it to `scopes`",
            crate::text::shell::quoted(&scopes.to_string())
        )),
        AcquireError::LoginRequired { provider, .. } | AcquireError::Gone(provider) => {
            Some(format!("run `authctl login {provider}`"))
        }
        AcquireError::OtherBinding { provider, difference } if difference.0 == Binding::DEFINED_BY => {
            Some(format!(
                "run `authctl login {provider}` to log in to the provider in force; a provider from a config file and one from variables never share a login"
            ))
        }
        AcquireError::OtherBinding { provider, difference } => {
            let (label, configured, stored) = &**difference;
            let shown = crate::text::untrusted::escaped;
            Some(format!(
                "the configuration says {label} {}, the login was for {}; if that is right, run `authctl login {provider}`",
                shown(configured),
                shown(stored)
            ))
        }
        AcquireError::Provider { source, name } => source.hint_for(name.as_str()),
        AcquireError::Store(error) => error.hint(),
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

fn registration_hint(error: &RegistrationError, name: &str) -> Option<String> {
    match error {
        RegistrationError::NotOffered { .. } => Some(format!(
            "register an app there, with the redirect URI http://127.0.0.1/callback, and run `authctl login {name} --client-id ID`"
        )),
        RegistrationError::Configured { .. } => {
            Some(format!("`authctl provider set {name} client_id=ID` changes it; or leave --client-id out"))
        }
        RegistrationError::OtherIssuer { .. } => {
            Some(format!("if that is right, run `authctl login {name} --client-id ID` with one of the new server"))
        }
        RegistrationError::Refused(error) if error.is("invalid_redirect_uri") => Some(
            "this server takes no loopback address: register an app there by hand, and name it with --client-id".to_owned(),
        ),
        RegistrationError::Provider(error) => error.hint_for(name),
        RegistrationError::Store(error) => error.hint(),
        _ => None,
    }
}

fn aws_hint(error: &AwsError) -> Option<String> {
    match error {
        AwsError::NotConfigured(provider) => Some(format!(
            "set `aws_role` in [credentials.{provider}.helper] to the role's ARN, if AWS may receive its token"
        )),
        AwsError::NoRole(provider) => Some(format!(
            "set `aws_role` in [credentials.{provider}.helper] to the role's ARN, or name the role with --role"
        )),
        AwsError::NotJwt(provider) => Some(format!(
            "add `openid` to `scopes` in [credentials.{provider}.oauth] and run `authctl login {provider}`, or use a provider whose access token is a JWT"
        )),
        AwsError::Region(_) => {
            Some("set helper.aws_region, or AWS_REGION, to one like eu-central-1".to_owned())
        }
        AwsError::Acquire(error) => acquire_hint(error),
        AwsError::Store(error) => error.hint(),
        AwsError::Refused { later: false, .. } => {
            Some("does the role's trust policy name this issuer, its audience and this subject?".to_owned())
        }
        _ => None,
    }
}

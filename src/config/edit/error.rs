//! Why the user's configuration file is not changed.

use std::io;

use crate::advice::{Advise, Status};
use crate::config::merged::ConfigError;
use crate::name::ProviderName;
use crate::text::untrusted::Untrusted;

#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("cannot find a folder for the config file")]
    NoFolder,
    #[error("cannot {what} {path}")]
    File { path: String, what: &'static str, source: io::Error },
    #[error("{0} is not valid TOML, so authctl does not change it")]
    Syntax(String),
    /// It holds one provider without a name, so that no other can be put beside it.
    #[error("the config file has an unnamed provider directly under [credentials]")]
    ShortForm,
    #[error("the provider `{0}` already exists")]
    Present(ProviderName),
    #[error("the provider `{0}` is not in your config file")]
    Absent(ProviderName),
    #[error("unknown key {name}")]
    Key { name: Untrusted, hint: Option<String> },
    #[error("`{key}` must be {expected}")]
    Value { key: String, expected: String },
    #[error("{0} has no value")]
    NoValue(Untrusted),
    /// A secret was given as an argument, where others can see it.
    #[error("`{0}` is a secret, and other users can see command-line arguments")]
    Secret(String),
    #[error(transparent)]
    Wrong(#[from] ConfigError),
}

impl Advise for EditError {
    fn status(&self) -> Status {
        match self {
            Self::Key { .. } | Self::Value { .. } | Self::NoValue(_) | Self::Secret(_) => Status::Usage,
            Self::Wrong(error) => error.status(),
            Self::Syntax(_) | Self::ShortForm | Self::Absent(_) => Status::Config,
            Self::NoFolder | Self::File { .. } | Self::Present(_) => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoFolder => "set HOME",
            Self::Present(_) => {
                "choose another name, change it with `authctl provider set`, or add --replace"
            }
            Self::Absent(_) => {
                "run `authctl provider list` for the providers, or `authctl config path` for the config files"
            }
            Self::ShortForm => "name it: write [credentials.NAME] instead of [credentials]",
            Self::Syntax(_) => "run `authctl config check` to find the error",
            Self::Secret(key) => {
                let key = key.rsplit('.').next().unwrap_or(key);
                return Some(format!(
                    "store it with --secret {key}, or name its source: --set {key}='{{ env = \"NAME\" }}'"
                ));
            }
            Self::NoValue(_) => {
                "write KEY=VALUE, or remove a key with `authctl provider set NAME --unset KEY`"
            }
            Self::Key { hint, .. } => return hint.as_ref().map(|near| format!("did you mean `{near}`?")),
            Self::File { .. } | Self::Value { .. } | Self::Wrong(_) => return None,
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let text = || "x".to_owned();
        let name = || "github".parse().unwrap();
        let file =
            EditError::File { path: text(), what: "read", source: io::ErrorKind::PermissionDenied.into() };
        check(&[
            (&EditError::NoFolder, Status::Failed, "set HOME"),
            (&file, Status::Failed, ""),
            (&EditError::Syntax(text()), Status::Config, "authctl config check"),
            (&EditError::ShortForm, Status::Config, "[credentials.NAME]"),
            (&EditError::Present(name()), Status::Failed, "--replace"),
            (&EditError::Absent(name()), Status::Config, "authctl provider list"),
            (&EditError::Key { name: Untrusted::new("x"), hint: None }, Status::Usage, ""),
            (&EditError::Value { key: text(), expected: text() }, Status::Usage, ""),
            (&EditError::NoValue(Untrusted::new("scopes")), Status::Usage, "--unset KEY"),
            (&EditError::Secret("oauth.client_secret".to_owned()), Status::Usage, "--secret client_secret,"),
            (&EditError::Wrong(ConfigError(Vec::new())), Status::Config, ""),
        ]);
    }
}

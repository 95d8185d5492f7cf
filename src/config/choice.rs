//! Selects a provider by its name, by a URL, or by default.

use std::rc::Rc;

use url::Url;

use super::merged::{Config, ConfigError};
use super::provider::Provider;
use super::{discovered, templates};
use crate::advice::{Advise, Status};
use crate::name::ProviderName;
use crate::schema::{Layer, Origin, Problem, Setting, near};
use crate::text::untrusted::escaped;

/// Why no provider was chosen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChoiceError {
    #[error("several providers are configured, and none is selected: {}", names(.0))]
    Ambiguous(Vec<ProviderName>),
    #[error("the provider `{name}` is not configured")]
    Unknown { name: ProviderName, hint: String },
    #[error("not logged in at {}", escaped(.0.as_str()))]
    UnknownUrl(Url),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Advise for ChoiceError {
    fn status(&self) -> Status {
        match self {
            Self::Ambiguous(_) => Status::Usage,
            Self::UnknownUrl(_) => Status::LoginRequired,
            Self::Unknown { .. } => Status::Config,
            Self::Config(error) => error.status(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Ambiguous(_) => {
                Some("pass a provider's name, or set `default` in the config file".to_owned())
            }
            Self::Unknown { hint, .. } => Some(hint.clone()),
            Self::UnknownUrl(url) => {
                Some(format!("run `authctl login {}`", crate::text::shell::word(url.as_str())))
            }
            Self::Config(error) => error.hint(),
        }
    }
}

fn names(names: &[ProviderName]) -> String {
    names.iter().map(ProviderName::to_string).collect::<Vec<_>>().join(", ")
}

impl Config {
    /// Selects the named provider, or the default one, or the only one.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn choose(&self, named: Option<&ProviderName>) -> Result<ProviderName, ChoiceError> {
        if let Some(name) = named {
            return match self.credentials.contains_key(name) {
                true => Ok(name.clone()),
                false => Err(self.unknown(name)),
            };
        }
        if let Some(problem) = self.check_default() {
            return Err(ConfigError(vec![problem]).into());
        }
        if let Some(name) = self.default.as_ref().and_then(|default| default.text()?.parse().ok()) {
            return Ok(name);
        }
        // A discovered provider is selected by its URL, unless there is nothing else.
        let only_discovered = self.credentials.keys().all(|name| self.is_discovered(name));
        let mut names = self.credentials.keys().filter(|name| only_discovered || !self.is_discovered(name));
        match (names.next(), names.next()) {
            (Some(only), None) => Ok(only.clone()),
            (None, _) => Err(ConfigError(vec![self.nothing_configured()]).into()),
            (Some(one), Some(other)) => {
                Err(ChoiceError::Ambiguous([one, other].into_iter().chain(names).cloned().collect()))
            }
        }
    }

    /// Selects and builds a provider, and fails if the project's file must not be read.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn selected(&self, named: Option<&ProviderName>) -> Result<Rc<Provider>, ChoiceError> {
        self.check_files(true)?;
        let name = self.choose(named)?;
        Ok(self.provider(&name)?)
    }

    /// The provider that a URL means: the one that was logged in to by it, else the one of the nearest URL above it, else
    /// the one whose host it is.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn choose_by_url(&self, url: &Url) -> Result<ProviderName, ChoiceError> {
        let depths = self.credentials.keys().filter_map(|name| Some((self.depth_above(name, url)?, name)));
        let nearest = depths.max_by_key(|(depth, _)| *depth);
        if let Some((_, name)) = nearest {
            return Ok(name.clone());
        }
        let serving: Vec<ProviderName> =
            self.serving(url).iter().map(|provider| provider.name.clone()).collect();
        let default = self.default.as_ref().and_then(Setting::text);
        match serving.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(ChoiceError::UnknownUrl(url.clone())),
            several => match several.iter().find(|name| Some(name.as_str()) == default) {
                Some(default) => Ok(default.clone()),
                None => Err(ChoiceError::Ambiguous(serving)),
            },
        }
    }

    /// The providers that are configured right and serve a URL. One that nobody configured serves what is at and below the
    /// URL that was logged in to, and only where no other does.
    #[must_use]
    pub fn serving(&self, url: &Url) -> Vec<Rc<Provider>> {
        let serves = |provider: &Rc<Provider>| provider.serves(url);
        let serving = self.credentials.keys().filter_map(|name| self.provider(name).ok()).filter(serves);
        let (discovered, configured): (Vec<_>, Vec<_>) =
            serving.partition(|provider| self.is_discovered(&provider.name));
        if !configured.is_empty() {
            return configured;
        }
        discovered.into_iter().filter(|provider| self.depth_above(&provider.name, url).is_some()).collect()
    }

    /// Whether nobody configured a provider: it was logged in to by its URL.
    #[must_use]
    pub fn is_discovered(&self, name: &ProviderName) -> bool {
        self.credentials.get(name).is_some_and(|credential| credential.origin.layer() == Layer::Discovered)
    }

    /// What people call a provider: by its name, or by the URL that was logged in to where nobody named it.
    #[must_use]
    pub fn called(&self, name: &ProviderName) -> String {
        let url = self.credentials.get(name).and_then(|credential| credential.keys.get("url")?.text());
        match url.filter(|_| self.is_discovered(name)) {
            Some(url) => escaped(url),
            None => name.to_string(),
        }
    }

    /// How long the path of a provider's own URL is, where that is the given one or above it.
    fn depth_above(&self, name: &ProviderName, url: &Url) -> Option<usize> {
        let known = self.credentials.get(name)?.keys.get("url").and_then(Setting::text)?;
        let known = Url::parse(known).ok().filter(|known| discovered::is_at_or_above(known, url))?;
        Some(known.path().len())
    }

    fn unknown(&self, name: &ProviderName) -> ChoiceError {
        let known = self.credentials.keys().map(ProviderName::as_str);
        let hint = match near(name.as_str(), known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if templates::find(name.as_str()).is_some() => {
                format!("run `authctl provider add {name}` to add it from its template")
            }
            None if self.credentials.is_empty() => self.nothing_configured().hint.unwrap_or_default(),
            None => {
                format!("the providers are {}", names(&self.credentials.keys().cloned().collect::<Vec<_>>()))
            }
        };
        ChoiceError::Unknown { name: name.clone(), hint }
    }

    pub(super) fn nothing_configured(&self) -> Problem {
        Problem::new("no provider is configured", &Origin::Default).hint(
            "run `authctl provider add`, or `authctl login https://…` with a server's URL; `authctl config path` prints the config file's path",
        )
    }

    pub(super) fn check_default(&self) -> Option<Problem> {
        let default = self.default.as_ref()?;
        let problem = match default.text() {
            None => Problem::new(
                format!("`default` must be a string, not {}", default.value.type_name()),
                &default.origin,
            ),
            Some(name) if self.credentials.keys().any(|known| known.as_str() == name) => return None,
            Some(name) => Problem::new(
                format!("the default provider `{}` is not configured", crate::text::untrusted::escaped(name)),
                &default.origin,
            ),
        };
        Some(problem.showing_value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let unknown = ChoiceError::Unknown { name: "x".parse().unwrap(), hint: "did you mean?".to_owned() };
        let url = ChoiceError::UnknownUrl("https://example.com/a".parse().unwrap());
        check(&[
            (&ChoiceError::Ambiguous(Vec::new()), Status::Usage, "pass a provider's name"),
            (&unknown, Status::Config, "did you mean?"),
            (&url, Status::LoginRequired, "authctl login https://example.com/a"),
            (&ChoiceError::Config(ConfigError(Vec::new())), Status::Config, ""),
        ]);
    }
}

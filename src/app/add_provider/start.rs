//! What a provider is made from: a template, a URL, or its keys alone.

use crate::app::App;
use crate::config::edit::Assignment;
use crate::config::templates::{self, Template, TemplateQuestion};
use crate::discovery::resource::{DiscoveredUrl, discover};
use crate::error::Error;
use crate::name::ProviderName;
use crate::oauth::endpoint::{EndpointUrl, authority};
use crate::oauth::resource_metadata::canonical;
use crate::schema::near;
use crate::text::untrusted::{Untrusted, escaped};

/// The kind of what has no template.
const DEFAULT_KIND: &str = "oauth";

/// What a provider is made from.
pub enum Start {
    Template(Template),
    /// What was discovered about a URL.
    Url(Box<DiscoveredUrl>),
    /// Neither: its keys alone.
    Plain(String),
}

impl Start {
    /// What a person means: a template's name, or a URL, which is looked at first.
    ///
    /// # Errors
    /// [`Error::UrlDiscovery`]; [`Error::Usage`] for what is neither, with what is near.
    pub fn of(app: &App<'_>, text: &str) -> Result<Self, Error> {
        if text.contains("://") {
            let url = EndpointUrl::configured(text).map_err(|error| Error::usage(error.to_string()))?;
            let waiting = app.system.console.wait("Asking the server how to log in");
            let found = discover(app.system, &url, None, None);
            drop(waiting);
            let found = found.map_err(|source| Error::UrlDiscovery {
                url: Untrusted::new(text),
                source: Box::new(source),
            })?;
            return Ok(Self::Url(Box::new(found)));
        }
        templates::find(text).map(Self::Template).ok_or_else(|| {
            let near = near(text, templates::names()).map(|near| format!("did you mean `{near}`? "));
            let more = if text.contains('.') {
                format!("for a URL, write https://{}; ", escaped(text))
            } else {
                String::new()
            };
            Error::Usage {
                message: format!("there is no template {}", Untrusted::new(text)),
                hint: Some(format!(
                    "{}{more}`authctl provider templates` lists them",
                    near.unwrap_or_default()
                )),
            }
        })
    }

    /// The kind whose keys it has.
    pub fn kind(&self) -> String {
        match self {
            Self::Template(template) => template.kind().unwrap_or_else(|| DEFAULT_KIND.to_owned()),
            Self::Url(_) => DEFAULT_KIND.to_owned(),
            Self::Plain(kind) => kind.clone(),
        }
    }

    /// A name that the provider could have.
    pub fn proposed_name(&self) -> Option<ProviderName> {
        match self {
            Self::Template(template) => template.name.parse().ok(),
            Self::Url(found) => {
                let host = found.url.host_str()?.to_ascii_lowercase();
                let labels: Vec<&str> = host
                    .split('.')
                    .filter(|label| !matches!(*label, "www" | "mcp" | "api" | "auth" | "login"))
                    .collect();
                // The name before the ending: `example` of mcp.example.com.
                let label = labels.len().checked_sub(2).and_then(|at| labels.get(at)).or(labels.first())?;
                label.parse().ok().filter(|_| !label.bytes().all(|byte| byte.is_ascii_digit()))
            }
            Self::Plain(_) => None,
        }
    }

    /// The keys that it brings along.
    pub(super) fn keys(&self) -> Result<Vec<Assignment>, Error> {
        let mut keys = Vec::new();
        let mut add = |name: &str, text: &str| -> Result<(), Error> {
            keys.push(Assignment::of(name, text, DEFAULT_KIND)?);
            Ok(())
        };
        match self {
            Self::Template(template) => add("template", template.name)?,
            Self::Url(found) => {
                add("domain", &authority(&found.url))?;
                add("url", &canonical(&found.url))?;
                if found.url.scheme() != "https" {
                    add("scheme", found.url.scheme())?;
                }
                add("oauth.issuer", &found.issuer)?;
                if !found.scopes.is_empty() {
                    add("oauth.scopes", &found.scopes.to_string())?;
                }
                if let Some(prompt) = found.prompt() {
                    add("oauth.extra_params", &format!("{{ prompt = \"{prompt}\" }}"))?;
                }
                if let Some(resource) = &found.resource {
                    add("oauth.resource", resource)?;
                }
            }
            Self::Plain(_) => {}
        }
        Ok(keys)
    }

    /// What only the user knows.
    pub(super) fn questions(&self) -> Vec<TemplateQuestion> {
        match self {
            Self::Template(template) => template.questions.clone(),
            // A client is registered, or known by its document; where neither goes, the login says so.
            Self::Url(_) | Self::Plain(_) => Vec::new(),
        }
    }
}

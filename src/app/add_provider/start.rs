//! What a new provider starts from: a template, a URL, or keys alone.

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

/// The kind of a provider without a template.
const DEFAULT_KIND: &str = "oauth";

pub enum Start {
    Template(Template),
    Url(Box<DiscoveredUrl>),
    /// Keys alone, for a provider of this kind.
    Plain(String),
}

impl Start {
    /// Finds the template with this name, or discovers what the URL is.
    ///
    /// # Errors
    /// [`Error::UrlDiscovery`]; [`Error::Usage`] if the text is neither, with a similar template's name.
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
                message: format!("unknown template {}", Untrusted::new(text)),
                hint: Some(format!(
                    "{}{more}run `authctl provider templates` to list them",
                    near.unwrap_or_default()
                )),
            }
        })
    }

    pub fn kind(&self) -> String {
        match self {
            Self::Template(template) => template.kind().unwrap_or_else(|| DEFAULT_KIND.to_owned()),
            Self::Url(_) => DEFAULT_KIND.to_owned(),
            Self::Plain(kind) => kind.clone(),
        }
    }

    /// Suggests a name for the provider.
    pub fn proposed_name(&self) -> Option<ProviderName> {
        match self {
            Self::Template(template) => template.name.parse().ok(),
            Self::Url(found) => {
                let host = found.url.host_str()?.to_ascii_lowercase();
                let labels: Vec<&str> = host
                    .split('.')
                    .filter(|label| !matches!(*label, "www" | "mcp" | "api" | "auth" | "login"))
                    .collect();
                // The label before the top-level domain: `example` in mcp.example.com.
                let label = labels.len().checked_sub(2).and_then(|at| labels.get(at)).or(labels.first())?;
                label.parse().ok().filter(|_| !label.bytes().all(|byte| byte.is_ascii_digit()))
            }
            Self::Plain(_) => None,
        }
    }

    /// Returns the keys that need no question.
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

    /// Returns the questions that only the user can answer.
    pub(super) fn questions(&self) -> Vec<TemplateQuestion> {
        match self {
            Self::Template(template) => template.questions.clone(),
            // The login registers a client or uses a client ID metadata document, and reports if neither is possible.
            Self::Url(_) | Self::Plain(_) => Vec::new(),
        }
    }
}

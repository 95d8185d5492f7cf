//! Adds a provider to the user's configuration: asks what only the user knows, shows what will be written, and writes it.

mod questions;
mod write;

use std::collections::BTreeSet;

use crate::app::App;
pub use crate::app::add_provider::questions::{ask_draft, ask_start};
pub use crate::app::add_provider::write::write;
use crate::config::discovered::{Learned, canonical};
use crate::config::edit::{Assignment, find_key};
use crate::config::templates::{self, Question, Template};
use crate::discovery::resource::explore;
use crate::error::Error;
use crate::name::ProviderName;
use crate::oauth::endpoint::{EndpointUrl, authority};
use crate::schema::near;
use crate::secret::SecretText;
use crate::text::untrusted::{Untrusted, escaped};

/// The kind of what has no template.
const DEFAULT_KIND: &str = "oauth";

/// What a provider is made from.
pub enum Start {
    /// A template.
    Template(Template),
    /// What was learned of a URL.
    Url(Box<Learned>),
    /// Neither: its keys alone.
    Plain(String),
}

/// A provider that is to be written.
pub struct Draft {
    /// Its name.
    pub name: ProviderName,
    /// Its keys.
    pub keys: Vec<Assignment>,
    /// The secrets that go into the token store, by their keys.
    pub secrets: Vec<(String, SecretText)>,
}

impl Start {
    /// What a person means: a template's name, or a URL, which is looked at first.
    ///
    /// # Errors
    /// [`Error::Site`]; [`Error::Usage`] for what is neither, with what is near.
    pub fn of(app: &App<'_>, text: &str) -> Result<Self, Error> {
        if text.contains("://") {
            let url = EndpointUrl::configured(text).map_err(|error| Error::usage(error.to_string()))?;
            let waiting = app.system.console.wait("Asking the server how to log in");
            let site = explore(app.system, &url, None, None);
            drop(waiting);
            let site =
                site.map_err(|source| Error::Site { url: Untrusted::new(text), source: Box::new(source) })?;
            return Ok(Self::Url(Box::new(site.learned)));
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
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Template(template) => template.kind().unwrap_or_else(|| DEFAULT_KIND.to_owned()),
            Self::Url(_) => DEFAULT_KIND.to_owned(),
            Self::Plain(kind) => kind.clone(),
        }
    }

    /// A name that the provider could have.
    #[must_use]
    pub fn proposed_name(&self) -> Option<ProviderName> {
        match self {
            Self::Template(template) => template.name.parse().ok(),
            Self::Url(learned) => {
                let host = learned.url.as_ref()?.host_str()?.to_ascii_lowercase();
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
    fn keys(&self) -> Result<Vec<Assignment>, Error> {
        let mut keys = Vec::new();
        let mut add = |name: &str, text: &str| -> Result<(), Error> {
            keys.push(Assignment::of(name, text, DEFAULT_KIND)?);
            Ok(())
        };
        match self {
            Self::Template(template) => add("template", template.name)?,
            Self::Url(learned) => {
                if let Some(url) = &learned.url {
                    add("domain", &authority(url))?;
                    add("url", &canonical(url))?;
                    if url.scheme() != "https" {
                        add("scheme", url.scheme())?;
                    }
                }
                if let Some(issuer) = &learned.issuer {
                    add("oauth.issuer", issuer)?;
                }
                if let Some(scopes) = learned.scopes.as_ref().filter(|scopes| !scopes.is_empty()) {
                    add("oauth.scopes", &scopes.join(" "))?;
                }
                if let Some(prompt) = learned.prompt() {
                    add("oauth.extra_params", &format!("{{ prompt = \"{prompt}\" }}"))?;
                }
                if let Some(resource) = &learned.resource {
                    add("oauth.resource", resource)?;
                }
            }
            Self::Plain(_) => {}
        }
        Ok(keys)
    }

    /// What only the user knows.
    fn questions(&self) -> Vec<Question> {
        match self {
            Self::Template(template) => template.questions.clone(),
            // A client is registered, or known by its document; where neither goes, the login says so.
            Self::Url(_) => Vec::new(),
            Self::Plain(_) => Vec::new(),
        }
    }
}

/// Makes a draft of what was given, without asking anything: what is missing is told.
///
/// # Errors
/// [`Error::Usage`], with every question that is open.
pub fn draft(
    start: &Start,
    name: ProviderName,
    given: Vec<Assignment>,
    secrets: Vec<(String, SecretText)>,
) -> Result<Draft, Error> {
    let mut draft = Draft { name, keys: start.keys()?, secrets };
    let open: Vec<Question> = open_questions(start, &given)
        .into_iter()
        .filter(|question| !question.optional && question.default.is_none())
        .collect();
    if !open.is_empty() {
        let kind = start.kind();
        let flag = |question: &Question| {
            let secret = find_key(&question.key, &kind).is_ok_and(|(_, key)| key.is_secret());
            if secret { format!("--secret {}", question.key) } else { format!("--set {}=…", question.key) }
        };
        let lines: Vec<String> =
            open.iter().map(|question| format!("    {:<32} {}", flag(question), question.help)).collect();
        return Err(Error::Usage {
            message: format!("more must be known of `{}`", draft.name),
            hint: Some(format!("say it, or run this in a terminal to be asked:\n{}", lines.join("\n"))),
        });
    }
    lay_over(&mut draft.keys, given);
    Ok(draft)
}

/// The questions that what is given leaves open.
fn open_questions(start: &Start, given: &[Assignment]) -> Vec<Question> {
    let answered: BTreeSet<String> = given.iter().map(|assignment| assignment.path.join(".")).collect();
    start.questions().into_iter().filter(|question| !answered.contains(&question.key)).collect()
}

fn lay_over(keys: &mut Vec<Assignment>, given: Vec<Assignment>) {
    for assignment in given {
        keys.retain(|known| known.path != assignment.path);
        keys.push(assignment);
    }
}

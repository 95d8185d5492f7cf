//! Adds a provider to the user's configuration: asks what only the user knows, shows what will be written, and writes it.

use std::collections::BTreeSet;

use crate::commands::Invocation;
use crate::config::edit::{Assignment, Edit, find_key};
use crate::config::learned::{Learned, canonical};
use crate::config::templates::{self, Question, Template};
use crate::console::{FAINT, GOOD, HINT, STRONG, styled};
use crate::error::Error;
use crate::foreign::{Foreign, escaped};
use crate::name::ProviderName;
use crate::oauth::endpoint::{EndpointUrl, authority};
use crate::secret::SecretText;
use crate::session::Session;
use crate::session::site::explore;
use crate::setting::near;
use crate::store::record::RecordName;

/// The kind of what has no template.
const DEFAULT_KIND: &str = "oauth";
/// What is written for a URL that gets a client by itself: nothing.
const MOST_TRIES: usize = 5;

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
    pub fn of(invocation: &Invocation<'_>, text: &str) -> Result<Self, Error> {
        if text.contains("://") {
            let url = EndpointUrl::configured(text).map_err(|error| Error::usage(error.to_string()))?;
            let waiting = invocation.system.console.wait("Asking the server how to log in");
            let site = explore(invocation.system, &url, None, None);
            drop(waiting);
            let site =
                site.map_err(|source| Error::Site { url: Foreign::new(text), source: Box::new(source) })?;
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
                message: format!("there is no template {}", Foreign::new(text)),
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

/// Asks a person for what a provider is made from.
///
/// # Errors
/// [`Error::Failed`], when the terminal cannot be read or nothing fitting is answered.
pub fn ask_start(invocation: &Invocation<'_>) -> Result<Start, Error> {
    let console = &invocation.system.console;
    console.say(
        "Which provider? Type the name of a template, such as github, google or microsoft, or paste a URL.",
    );
    console.say(styled(FAINT, "? lists the templates."));
    for _ in 0..MOST_TRIES {
        let answer = ask(invocation, "Provider", None)?;
        match answer.trim() {
            "" => {}
            "?" => console.say(templates::names().collect::<Vec<_>>().join("  ")),
            text => match Start::of(invocation, text) {
                Ok(start) => return Ok(start),
                Err(error) => error.tell(console),
            },
        }
    }
    Err(Error::failed("no provider was chosen", "`authctl provider templates` lists the templates"))
}

/// Asks a person for what is not given: the name, and the questions that are open.
///
/// # Errors
/// [`Error::Failed`], when the terminal cannot be read.
pub fn ask_draft(
    invocation: &Invocation<'_>,
    start: &Start,
    name: Option<ProviderName>,
    given: Vec<Assignment>,
    secrets: Vec<(String, SecretText)>,
) -> Result<Draft, Error> {
    let console = &invocation.system.console;
    if let Start::Template(template) = start {
        console.say(format_args!("{}: {}", styled(STRONG, &template.title), template.about));
    }
    let name = match name {
        Some(name) => name,
        None => ask_name(invocation, start)?,
    };
    let mut draft = Draft { name, keys: start.keys()?, secrets };
    let open = open_questions(start, &given);
    let domain = given
        .iter()
        .find(|assignment| assignment.path == ["domain"])
        .and_then(|domain| domain.value.as_str());
    let mut domain = domain.map(str::to_owned);
    lay_over(&mut draft.keys, given);
    if let (Start::Template(template), false) = (start, open.is_empty()) {
        tell_where(invocation, template, domain.as_deref());
    }
    for question in open {
        let fill = |text: &str| match start {
            Start::Template(template) => template.fill(text, domain.as_deref()),
            _ => text.to_owned(),
        };
        let (path, key) = find_key(&question.key, &start.kind())?;
        console.say(format_args!("\n{}", fill(&question.help)));
        let label = path.last().cloned().unwrap_or_default();
        if key.is_secret() {
            let Some(secret) = ask_secret(invocation, &label, question.optional)? else { continue };
            lay_over(&mut draft.keys, vec![Assignment::stored(&question.key, &start.kind())?]);
            draft.secrets.push((label, secret));
            continue;
        }
        let default = question.default.as_deref().map(fill);
        let Some(answer) = ask_value(invocation, &question, &label, default.as_deref(), &start.kind())?
        else {
            continue;
        };
        if question.key == "domain" {
            domain = answer.value.as_str().map(str::to_owned);
        }
        lay_over(&mut draft.keys, vec![answer]);
    }
    Ok(draft)
}

/// Where the app is registered, and what is to be entered there.
fn tell_where(invocation: &Invocation<'_>, template: &Template, domain: Option<&str>) {
    let console = &invocation.system.console;
    if let Some(register) = &template.register {
        console.say(format_args!("\nMake it at {}", styled(HINT, template.fill(register, domain))));
    }
    if let Some(redirect) = &template.redirect {
        console.say(format_args!(
            "Redirect URI to enter there: {}",
            styled(HINT, template.fill(redirect, domain))
        ));
    }
}

fn ask_name(invocation: &Invocation<'_>, start: &Start) -> Result<ProviderName, Error> {
    let taken = |name: &ProviderName| invocation.config.credentials.contains_key(name);
    let proposed = start.proposed_name();
    let free = proposed.clone().filter(|name| !taken(name)).or_else(|| {
        let numbered = |number: usize| format!("{}-{number}", proposed.as_ref()?).parse().ok();
        (2..100).filter_map(numbered).find(|name| !taken(name))
    });
    for _ in 0..MOST_TRIES {
        let answer = ask(invocation, "Name of the provider", free.as_ref().map(ProviderName::as_str))?;
        match answer.trim().parse::<ProviderName>() {
            Ok(name) if taken(&name) => {
                invocation.system.console.note(format_args!("there is a provider `{name}` already"))
            }
            Ok(name) => return Ok(name),
            Err(error) => invocation.system.console.note(error),
        }
    }
    Err(Error::failed("no name was given", "name it: `authctl provider add NAME`"))
}

fn ask_value(
    invocation: &Invocation<'_>,
    question: &Question,
    label: &str,
    default: Option<&str>,
    kind: &str,
) -> Result<Option<Assignment>, Error> {
    let optional = question.optional || default.is_some();
    let shown =
        if optional && default.is_none() { format!("{label} (may be left empty)") } else { label.to_owned() };
    for _ in 0..MOST_TRIES {
        let answer = ask(invocation, &shown, default)?;
        let answer = answer.trim();
        // What the template has as its default need not be written.
        if optional && (answer.is_empty() || Some(answer) == default) {
            return Ok(None);
        }
        match Assignment::of(&question.key, answer, kind) {
            Ok(assignment) if !answer.is_empty() => return Ok(Some(assignment)),
            Ok(_) => {}
            Err(error) => invocation.system.console.note(error),
        }
    }
    Err(Error::failed(format!("`{label}` was not given"), "nothing was written"))
}

fn ask_secret(invocation: &Invocation<'_>, label: &str, optional: bool) -> Result<Option<SecretText>, Error> {
    let shown =
        if optional { format!("{label} (hidden; may be left empty)") } else { format!("{label} (hidden)") };
    for _ in 0..MOST_TRIES {
        let answer = invocation.system.input.ask_hidden(&shown).map_err(unreadable)?;
        let answer = answer.expose().trim();
        if !answer.is_empty() {
            return Ok(Some(SecretText::new(answer)));
        }
        if optional {
            return Ok(None);
        }
    }
    Err(Error::failed(format!("`{label}` was not given"), "nothing was written"))
}

fn ask(invocation: &Invocation<'_>, question: &str, default: Option<&str>) -> Result<String, Error> {
    invocation.system.input.ask(question, default).map_err(unreadable)
}

fn unreadable(error: std::io::Error) -> Error {
    Error::failed(format!("the terminal cannot be read: {error}"), "nothing was written")
}

/// Writes a draft, its secrets into the token store; shows what changes, and, where `asks`, asks before.
///
/// # Errors
/// Any [`Error`]; then the file is as it was.
pub fn write(
    invocation: &Invocation<'_>,
    draft: &Draft,
    replace: bool,
    default: bool,
    asks: bool,
) -> Result<bool, Error> {
    let console = &invocation.system.console;
    let mut edit = Edit::open(invocation.config)?;
    edit.add(&draft.name, &draft.keys, replace)?;
    if default {
        edit.set_default(&draft.name);
    }
    edit.check(invocation.system, &draft.name)?;
    let path = escaped(&edit.path().display().to_string());
    console.say(format_args!("\n{path}\n{}", edit.changes(invocation.system)?.trim_end()));
    if asks && !invocation.system.input.confirm("Write this?", true).map_err(unreadable)? {
        console.say("Nothing was written.");
        return Ok(false);
    }
    edit.save()?;
    if let Err(error) = keep_secrets(invocation, draft) {
        // A configuration that names a secret which is not there helps nobody.
        let _ =
            crate::user_file::replace(edit.path(), Some(edit.before()).filter(|before| !before.is_empty()));
        return Err(error);
    }
    console.say(format_args!("{} Added {}.", styled(GOOD, "✓"), styled(STRONG, &draft.name)));
    Ok(true)
}

fn keep_secrets(invocation: &Invocation<'_>, draft: &Draft) -> Result<(), Error> {
    if draft.secrets.is_empty() {
        return Ok(());
    }
    let config = invocation.reload();
    let session = Session::new(invocation.system, &config);
    let provider = session.provider(Some(&draft.name))?;
    let session = session.keeping(&provider.name);
    let binding = provider.source.binding();
    for (key, secret) in &draft.secrets {
        let name = RecordName::of_secret(&draft.name, key, &binding);
        session.store.keep_secret(&name, &binding, secret)?;
    }
    Ok(())
}

//! The questions of the wizard that adds a provider.

use super::draft::{Draft, lay_over, open_questions};
use super::start::Start;
use crate::app::App;
use crate::app::input::InputError;
use crate::config::edit::{Assignment, find_key};
use crate::config::templates::{self, Template, TemplateQuestion};
use crate::error::Error;
use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::text::style::{FAINT, HINT, STRONG, styled};

/// After this many invalid answers the input is probably not a person.
const MOST_TRIES: usize = 5;

/// Asks which template or URL to start from.
///
/// # Errors
/// [`InputError`] if the terminal cannot be read or no answer is valid.
pub fn ask_start(app: &App<'_>) -> Result<Start, Error> {
    let console = &app.system.console;
    console.say(
        "Which provider do you want to add? Enter a template, such as github, google or microsoft, or paste a URL.",
    );
    console.say(styled(FAINT, "Enter ? to list the templates."));
    for _ in 0..MOST_TRIES {
        let answer = ask(app, "Provider", None)?;
        match answer.trim() {
            "" => {}
            "?" => console.say(templates::names().collect::<Vec<_>>().join("  ")),
            text => match Start::of(app, text) {
                Ok(start) => return Ok(start),
                Err(error) => error.tell(console),
            },
        }
    }
    Err(InputError::NoProvider.into())
}

/// Asks for the name and for every value that the command line does not give.
///
/// # Errors
/// [`InputError`] if the terminal cannot be read or no answer is valid.
pub fn ask_draft(
    app: &App<'_>,
    start: &Start,
    name: Option<ProviderName>,
    given: Vec<Assignment>,
    secrets: Vec<(String, SecretText)>,
) -> Result<Draft, Error> {
    let console = &app.system.console;
    if let Start::Template(template) = start {
        console.say(format_args!("{}: {}", styled(STRONG, &template.title), template.about));
    }
    let name = match name {
        Some(name) => name,
        None => ask_name(app, start)?,
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
        explain_registration(app, template, domain.as_deref());
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
            let Some(secret) = ask_secret(app, &label, question.optional)? else { continue };
            lay_over(&mut draft.keys, vec![Assignment::stored(&question.key, &start.kind())?]);
            draft.secrets.push((label, secret));
            continue;
        }
        let default = question.default.as_deref().map(fill);
        let Some(answer) = ask_value(app, &question, &label, default.as_deref(), &start.kind())? else {
            continue;
        };
        if question.key == "domain" {
            domain = answer.value.as_str().map(str::to_owned);
        }
        lay_over(&mut draft.keys, vec![answer]);
    }
    Ok(draft)
}

/// Tells the user where to register the client, and which redirect URI to enter.
fn explain_registration(app: &App<'_>, template: &Template, domain: Option<&str>) {
    let console = &app.system.console;
    if let Some(register) = &template.register {
        console
            .say(format_args!("\nRegister the client at {}", styled(HINT, template.fill(register, domain))));
    }
    if let Some(redirect) = &template.redirect {
        console.say(format_args!("Use this redirect URI: {}", styled(HINT, template.fill(redirect, domain))));
    }
}

fn ask_name(app: &App<'_>, start: &Start) -> Result<ProviderName, Error> {
    let taken = |name: &ProviderName| app.config.credentials.contains_key(name);
    let proposed = start.proposed_name();
    let free = proposed.clone().filter(|name| !taken(name)).or_else(|| {
        let numbered = |number: usize| format!("{}-{number}", proposed.as_ref()?).parse().ok();
        (2..100).filter_map(numbered).find(|name| !taken(name))
    });
    for _ in 0..MOST_TRIES {
        let answer = ask(app, "Provider name", free.as_ref().map(ProviderName::as_str))?;
        match answer.trim().parse::<ProviderName>() {
            Ok(name) if taken(&name) => {
                app.system.console.note(format_args!("a provider named `{name}` already exists"))
            }
            Ok(name) => return Ok(name),
            Err(error) => app.system.console.note(error),
        }
    }
    Err(InputError::NoName.into())
}

fn ask_value(
    app: &App<'_>,
    question: &TemplateQuestion,
    label: &str,
    default: Option<&str>,
    kind: &str,
) -> Result<Option<Assignment>, Error> {
    let optional = question.optional || default.is_some();
    let shown = if optional && default.is_none() { format!("{label} (optional)") } else { label.to_owned() };
    for _ in 0..MOST_TRIES {
        let answer = ask(app, &shown, default)?;
        let answer = answer.trim();
        // The template already contains the default.
        if optional && (answer.is_empty() || Some(answer) == default) {
            return Ok(None);
        }
        match Assignment::of(&question.key, answer, kind) {
            Ok(assignment) if !answer.is_empty() => return Ok(Some(assignment)),
            Ok(_) => {}
            Err(error) => app.system.console.note(error),
        }
    }
    Err(InputError::NotGiven(label.to_owned()).into())
}

fn ask_secret(app: &App<'_>, label: &str, optional: bool) -> Result<Option<SecretText>, Error> {
    let shown = if optional { format!("{label} (hidden, optional)") } else { format!("{label} (hidden)") };
    for _ in 0..MOST_TRIES {
        let answer = app.system.input.ask_hidden(&shown).map_err(unreadable)?;
        let answer = answer.expose().trim();
        if !answer.is_empty() {
            return Ok(Some(SecretText::new(answer)));
        }
        if optional {
            return Ok(None);
        }
    }
    Err(InputError::NotGiven(label.to_owned()).into())
}

fn ask(app: &App<'_>, question: &str, default: Option<&str>) -> Result<String, Error> {
    app.system.input.ask(question, default).map_err(unreadable)
}

pub(super) fn unreadable(error: std::io::Error) -> Error {
    InputError::unreadable("the terminal", "nothing was written")(error).into()
}

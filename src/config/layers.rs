//! The documents of all layers, and what is wrong with their files.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::document::{holds_literal_secrets, parse_file};
use super::excerpt::excerpt;
use super::guarded_file::{Unread, Unsafe};
use super::source_files::{ConfigFile, LayerText, LoadOptions, Texts};
use super::toml_document::{Document, parse};
use crate::ports::System;
use crate::schema::{Layer, Origin, Problem, SourceFile};
use crate::text::shell;
use crate::text::untrusted::escaped;

/// The files of all layers.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The discovered providers.
    pub discovered: Option<Document>,
    /// The machine's file.
    pub site: Option<Document>,
    /// The user's file.
    pub user: Option<Document>,
    /// The project's file.
    pub project: Option<Document>,
    /// Every file that was looked for.
    pub files: Vec<ConfigFile>,
    /// What is wrong with the first two.
    pub problems: Vec<Problem>,
    /// What is wrong with the project's.
    pub project_problems: Vec<Problem>,
    /// What should be known.
    pub warnings: Vec<Warning>,
}

/// A warning about a config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What.
    pub what: String,
    /// The command that fixes it.
    pub command: Option<String>,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)?;
        self.command.iter().try_for_each(|command| write!(formatter, "; run `{command}`"))
    }
}

/// Reads what the texts of all layers say.
#[must_use]
pub fn load(texts: Texts, options: &LoadOptions) -> Loaded {
    let mut loaded = Loaded::default();
    for text in texts.0 {
        let layer = text.layer;
        if layer != Layer::Discovered || text.read.is_ok() {
            let found = !matches!(&text.read, Err(Unread::Absent));
            loaded.files.push(ConfigFile { layer, path: text.path.clone(), found });
        }
        let warnings = &mut loaded.warnings;
        match layer {
            Layer::Discovered => loaded.discovered = load_discovered(text, options, warnings),
            Layer::Site => loaded.site = load_written(text, options, warnings, &mut loaded.problems),
            Layer::Project => {
                loaded.project = load_written(text, options, warnings, &mut loaded.project_problems);
            }
            _ => loaded.user = load_written(text, options, warnings, &mut loaded.problems),
        }
    }
    loaded
}

/// Why there is no document.
enum Unusable {
    Unread(Unread),
    NotToml(Vec<Problem>),
}

/// Loads the file of the discovered providers. Nobody wrote it, and only logins by URL need it, so its problems are warnings: they
/// must not keep other providers from working.
fn load_discovered(text: LayerText, options: &LoadOptions, warnings: &mut Vec<Warning>) -> Option<Document> {
    let name = escaped(&text.path.display().to_string());
    let (why, command) = match document(text, options, warnings) {
        Ok(document) => return Some(document),
        Err(Unusable::Unread(Unread::Absent)) => return None,
        // The state folder may be something else: whoever needs it reports that.
        Err(Unusable::Unread(Unread::Io(error))) if error.kind() == io::ErrorKind::NotADirectory => {
            return None;
        }
        Err(Unusable::Unread(Unread::Io(error))) => (format!("cannot be read ({error})"), None),
        // authctl sends secrets to its endpoints.
        Err(Unusable::Unread(Unread::Unsafe(Unsafe { reason, fix }))) => {
            (reason, fix.command().map(str::to_owned))
        }
        Err(Unusable::NotToml(_)) => ("is damaged: remove it, and log in again".to_owned(), None),
    };
    warnings.push(Warning { what: format!("{name} {why}, and is not used"), command });
    None
}

/// Loads a file that somebody wrote.
fn load_written(
    text: LayerText,
    options: &LoadOptions,
    warnings: &mut Vec<Warning>,
    problems: &mut Vec<Problem>,
) -> Option<Document> {
    let (path, required) = (text.path.clone(), text.required);
    let unreadable = |why: &str| {
        let message = format!("{} cannot be read: {why}", escaped(&path.display().to_string()));
        Problem::new(message, &Origin::Default).hint("check the path and its permissions")
    };
    match document(text, options, warnings) {
        Ok(document) => return Some(document),
        Err(Unusable::Unread(Unread::Absent)) if !required => {}
        Err(Unusable::Unread(Unread::Absent)) => problems.push(unreadable("there is no such file")),
        Err(Unusable::Unread(Unread::Io(error))) => problems.push(unreadable(&error.to_string())),
        Err(Unusable::Unread(Unread::Unsafe(refusal))) => problems.push(refusal.problem(&path)),
        Err(Unusable::NotToml(found)) => problems.extend(found),
    }
    None
}

fn document(
    LayerText { layer, path, read, .. }: LayerText,
    options: &LoadOptions,
    warnings: &mut Vec<Warning>,
) -> Result<Document, Unusable> {
    let file = read.map_err(Unusable::Unread)?;
    let of_interest = options.only.as_ref().filter(|_| layer != Layer::Project && !file.readable_by_others);
    let excerpt = of_interest.and_then(|only| excerpt(&file.text, only));
    let text = excerpt.unwrap_or(file.text);
    let name = path.display().to_string();
    let document = parse(&Arc::new(SourceFile { layer, name, path: Some(path.clone()), text }))
        .map_err(Unusable::NotToml)?;
    if layer != Layer::Project && file.readable_by_others && holds_literal_secrets(&parse_file(&document)) {
        warnings.push(secrets_are_readable(&path));
    }
    Ok(document)
}

fn secrets_are_readable(path: &Path) -> Warning {
    let name = path.display().to_string();
    Warning {
        what: format!("{} holds secrets and can be read by others", escaped(&name)),
        command: Some(format!("chmod 600 {}", shell::word(&name))),
    }
}

/// The profile that is asked for: by the command line, the environment, the project, the user's or the machine's file.
#[must_use]
pub fn select_profile(
    system: &System,
    options: &LoadOptions,
    loaded: &Loaded,
    problems: &mut Vec<Problem>,
) -> Option<(String, Origin)> {
    let written = |document: &Option<Document>| {
        let setting = document.as_ref()?.root.get("profile")?;
        Some((setting.text()?.to_owned(), setting.origin.clone()))
    };
    let project = loaded.project.as_ref().and_then(|project| project.root.get("profile"));
    if let Some(setting) = project.filter(|setting| setting.text().is_none()) {
        problems.push(Problem::new("a project's `profile` must be the name of one", &setting.origin));
    }
    let variable = || {
        let name = system.environment.variable("AUTHCTL_PROFILE").filter(|name| !name.is_empty())?;
        Some((name, Origin::Variable("AUTHCTL_PROFILE".to_owned())))
    };
    let option = options.profile.clone().map(|name| (name, Origin::Default));
    option
        .or_else(variable)
        .or_else(|| written(&loaded.project))
        .or_else(|| written(&loaded.user))
        .or_else(|| written(&loaded.site))
}

//! The documents of all layers, and what is wrong with their files.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::document::{Parsed, holds_literal_secrets, parse_file};
use super::excerpt::excerpt;
use super::guarded_file::{Unread, Unsafe};
use super::source_files::{ConfigFile, LayerText, LoadOptions, Texts};
use super::toml_document::{self, Document};
use crate::ports::System;
use crate::schema::{Layer, Origin, Problem, Setting, SourceFile};
use crate::text::shell;
use crate::text::untrusted::escaped;

#[derive(Debug, Default)]
pub struct Loaded {
    pub discovered: Option<Parsed>,
    pub site: Option<Parsed>,
    pub user: Option<Parsed>,
    pub project: Option<Document>,
    pub files: Vec<ConfigFile>,
    /// What is wrong with the first two.
    pub problems: Vec<Problem>,
    /// What is wrong with the project's.
    pub project_problems: Vec<Problem>,
    pub warnings: Vec<Warning>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
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
        let Loaded { problems, project_problems, warnings, .. } = &mut loaded;
        match layer {
            Layer::Discovered => loaded.discovered = load_discovered(text, options, warnings),
            Layer::Site => loaded.site = load_written(text, options, warnings, problems),
            Layer::Project => loaded.project = load_project(text, project_problems),
            _ => loaded.user = load_written(text, options, warnings, problems),
        }
    }
    loaded
}

enum Unusable {
    Unread(Unread),
    NotToml(Vec<Problem>),
}

/// Loads the file of the discovered providers. Nobody wrote it, and only logins by URL need it, so its problems are
/// warnings: they must not keep other providers from working.
fn load_discovered(text: LayerText, options: &LoadOptions, warnings: &mut Vec<Warning>) -> Option<Parsed> {
    let name = escaped(&text.path.display().to_string());
    let (why, command) = match read(text, options, warnings) {
        Ok(parsed) => return Some(parsed),
        Err(Unusable::Unread(Unread::Absent)) => return None,
        // The state folder may not be a folder. Code that needs it reports that.
        Err(Unusable::Unread(Unread::Io(error))) if error.kind() == io::ErrorKind::NotADirectory => {
            return None;
        }
        Err(Unusable::Unread(Unread::Io(error))) => (format!("could not be read ({error})"), None),
        // authctl sends secrets to its endpoints.
        Err(Unusable::Unread(Unread::Unsafe(Unsafe { reason, fix }))) => {
            (reason, fix.command().map(str::to_owned))
        }
        Err(Unusable::NotToml(_)) => ("is damaged: remove it, and log in again".to_owned(), None),
    };
    warnings.push(Warning { what: format!("ignoring {name}: it {why}"), command });
    None
}

/// Loads a file of the site or the user.
fn load_written(
    text: LayerText,
    options: &LoadOptions,
    warnings: &mut Vec<Warning>,
    problems: &mut Vec<Problem>,
) -> Option<Parsed> {
    let (path, required) = (text.path.clone(), text.required);
    let read = read(text, options, warnings);
    read.map_err(|unusable| problems.extend(unusable.problems(&path, required))).ok()
}

fn load_project(text: LayerText, problems: &mut Vec<Problem>) -> Option<Document> {
    let LayerText { layer, path, required, read } = text;
    let document = read.map_err(Unusable::Unread).and_then(|file| parse(layer, &path, file.text));
    document.map_err(|unusable| problems.extend(unusable.problems(&path, required))).ok()
}

impl Unusable {
    fn problems(self, path: &Path, required: bool) -> Vec<Problem> {
        let unreadable = |why: &str| {
            let message = format!("cannot read {}: {why}", escaped(&path.display().to_string()));
            vec![Problem::new(message, &Origin::Default).hint("check the path and its permissions")]
        };
        match self {
            Self::Unread(Unread::Absent) if !required => Vec::new(),
            Self::Unread(Unread::Absent) => unreadable("the file does not exist"),
            Self::Unread(Unread::Io(error)) => unreadable(&error.to_string()),
            Self::Unread(Unread::Unsafe(refusal)) => vec![refusal.problem(path)],
            Self::NotToml(problems) => problems,
        }
    }
}

fn read(
    LayerText { layer, path, read, .. }: LayerText,
    options: &LoadOptions,
    warnings: &mut Vec<Warning>,
) -> Result<Parsed, Unusable> {
    let file = read.map_err(Unusable::Unread)?;
    let of_interest = options.only.as_ref().filter(|_| !file.readable_by_others);
    let excerpt = of_interest.and_then(|only| excerpt(&file.text, only));
    let parsed = parse_file(&parse(layer, &path, excerpt.unwrap_or(file.text))?);
    if file.readable_by_others && holds_literal_secrets(&parsed) {
        let name = path.display().to_string();
        warnings.push(Warning {
            what: format!("{} holds secrets and can be read by others", escaped(&name)),
            command: Some(format!("chmod 600 {}", shell::word(&name))),
        });
    }
    Ok(parsed)
}

fn parse(layer: Layer, path: &Path, text: String) -> Result<Document, Unusable> {
    let name = path.display().to_string();
    let source = SourceFile { layer, name, path: Some(path.to_owned()), text };
    toml_document::parse(&Arc::new(source)).map_err(Unusable::NotToml)
}

#[must_use]
pub fn select_profile(
    system: &System,
    options: &LoadOptions,
    loaded: &Loaded,
    problems: &mut Vec<Problem>,
) -> Option<(String, Origin)> {
    let written = |setting: Option<&Setting>| Some((setting?.text()?.to_owned(), setting?.origin.clone()));
    let selected = |parsed: &Option<Parsed>| written(parsed.as_ref()?.selected_profile.as_ref());
    let project = loaded.project.as_ref().and_then(|project| project.root.get("profile"));
    if let Some(setting) = project.filter(|setting| setting.text().is_none()) {
        problems.push(Problem::new("`profile` in a project file must be a profile's name", &setting.origin));
    }
    let variable = || {
        let name = system.environment.variable("AUTHCTL_PROFILE").filter(|name| !name.is_empty())?;
        Some((name, Origin::Variable("AUTHCTL_PROFILE".to_owned())))
    };
    let option = options.profile.clone().map(|name| (name, Origin::Default));
    option
        .or_else(variable)
        .or_else(|| written(project))
        .or_else(|| selected(&loaded.user))
        .or_else(|| selected(&loaded.site))
}

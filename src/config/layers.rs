//! Where the configuration's files are, and how their texts become settings.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::excerpt::excerpt;
use super::guarded_file::{self, GuardedFile, Unread, Unsafe};
use crate::config::document;
use crate::name::ProviderName;
use crate::ports::{Folder, System};
use crate::schema::{Layer, Origin, Problem, Setting, Source, Table, Value};
use crate::text::shell;
use crate::text::untrusted::escaped;

/// What the command line says of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file in the place of the user's.
    pub config: Option<PathBuf>,
    /// The profile.
    pub profile: Option<String>,
    /// Of all providers just this one is of interest: what is plain of the others need not be read.
    pub only: Option<ProviderName>,
}

/// A file that was looked for.
#[derive(Debug, Clone)]
pub struct File {
    /// Its layer.
    pub layer: Layer,
    /// Where it is looked for.
    pub path: PathBuf,
    /// Whether it is there.
    pub found: bool,
}

/// A configuration text that could be parsed.
#[derive(Debug)]
pub struct Document {
    /// What is at its top.
    pub root: Table,
}

/// The files of all layers.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What was learned of servers.
    pub learned: Option<Document>,
    /// The machine's file.
    pub site: Option<Document>,
    /// The user's file.
    pub user: Option<Document>,
    /// The project's file.
    pub project: Option<Document>,
    /// Every file that was looked for.
    pub files: Vec<File>,
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

/// The texts of all layers, read once.
pub struct Texts(Vec<Text>);

struct Text {
    layer: Layer,
    path: PathBuf,
    required: bool,
    read: Result<GuardedFile, Unread>,
}

impl Texts {
    /// Reads them.
    #[must_use]
    pub fn read(system: &System, options: &Options) -> Self {
        let texts = paths(system, options).into_iter().map(|(layer, path, required)| {
            let read = guarded_file::read(&path);
            Text { layer, path, required, read }
        });
        let project = super::project::read(system);
        let project = project.map(|(path, read)| Text { layer: Layer::Project, path, required: false, read });
        Self(texts.chain(project).collect())
    }
}

/// Reads what the texts of all layers say.
#[must_use]
pub fn load(texts: Texts, options: &Options) -> Loaded {
    let mut loaded = Loaded::default();
    for text in texts.0 {
        let layer = text.layer;
        let document = load_file(&mut loaded, text, options);
        match layer {
            Layer::Learned => loaded.learned = document,
            Layer::Site => loaded.site = document,
            Layer::Project => loaded.project = document,
            _ => loaded.user = document,
        }
    }
    loaded
}

/// A digest of all that decides which token a provider's name stands for; `None` where no file speaks of a cache in the
/// kernel, so that it need not be made.
#[must_use]
pub fn fingerprint(system: &System, texts: &Texts, named: Option<&ProviderName>) -> Option<String> {
    let speaks = |text: &str| text.contains("cache") && text.contains("kernel");
    if !texts.0.iter().any(|text| text.read.as_ref().is_ok_and(|file| speaks(&file.text))) {
        return None;
    }
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    let mut add = |part: &[u8]| {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(named.map_or("", ProviderName::as_str).as_bytes());
    let state = system.paths.folder(Folder::State).ok()?;
    add(state.as_os_str().as_encoded_bytes());
    // A container may have the same paths and the same keyring, but not the same folder.
    add(&folder_identity(&state));
    for Text { path, read, .. } in &texts.0 {
        add(path.as_os_str().as_encoded_bytes());
        match read {
            Ok(file) => {
                add(&[u8::from(file.readable_by_others)]);
                add(file.text.as_bytes());
            }
            Err(Unread::Io(error)) => add(format!("{:?}", error.kind()).as_bytes()),
            Err(unread) => add(format!("{unread:?}").as_bytes()),
        }
    }
    let mut variables = system.environment.variables();
    // Vault's own variables choose the store where the configuration does not.
    variables.retain(|(name, _)| name.starts_with("AUTHCTL_") || name.starts_with("VAULT_"));
    variables.sort();
    for (name, value) in variables {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    Some(base16ct::lower::encode_string(digest.finish().as_ref()))
}

#[cfg(unix)]
fn folder_identity(folder: &Path) -> Vec<u8> {
    use std::os::unix::fs::MetadataExt as _;
    let identity = std::fs::metadata(folder).map(|metadata| [metadata.dev(), metadata.ino()]);
    identity.unwrap_or_default().iter().flat_map(|number| number.to_be_bytes()).collect()
}

#[cfg(not(unix))]
fn folder_identity(_: &Path) -> Vec<u8> {
    Vec::new()
}

/// The files of the layers above the project's: where each is looked for, and whether it must be there.
fn paths(system: &System, options: &Options) -> Vec<(Layer, PathBuf, bool)> {
    let mut paths = Vec::new();
    paths.extend(crate::config::discovered::path(system).map(|path| (Layer::Learned, path, false)));
    if let Ok(folder) = system.paths.folder(Folder::Site) {
        paths.push((Layer::Site, folder.join("config.toml"), false));
    }
    match options.config.clone().or_else(|| named_by_environment(system, options)) {
        Some(path) => paths.push((Layer::User, path, true)),
        None => {
            let folder = system.paths.folder(Folder::Config).ok();
            paths.extend(folder.map(|folder| (Layer::User, folder.join("config.toml"), false)));
        }
    }
    paths
}

/// The file that `AUTHCTL_CONFIG` names instead of the user's own, if it is in force.
#[must_use]
pub fn named_by_environment(system: &System, options: &Options) -> Option<PathBuf> {
    let path =
        system.environment.file_variable("AUTHCTL_CONFIG").filter(|path| !path.as_os_str().is_empty())?;
    options.config.is_none().then_some(path)
}

/// Prints a note if a variable chose the config file: a variable must not replace the file unnoticed.
pub fn tell_if_named_by_environment(system: &System, options: &Options) {
    if let Some(path) = named_by_environment(system, options) {
        let path = escaped(&path.display().to_string());
        system.prompter.note(&format_args!("using the config file {path}, because AUTHCTL_CONFIG names it"));
    }
}

/// The profile that is asked for: by the command line, the environment, the project, the user's or the machine's file.
#[must_use]
pub fn profile(
    system: &System,
    options: &Options,
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

fn load_file(
    loaded: &mut Loaded,
    Text { layer, path, required, read }: Text,
    options: &Options,
) -> Option<Document> {
    let found = !matches!(&read, Err(Unread::Absent));
    if layer != Layer::Learned || read.is_ok() {
        loaded.files.push(File { layer, path: path.clone(), found });
    }
    let problems = if layer == Layer::Project { &mut loaded.project_problems } else { &mut loaded.problems };
    let name = path.display().to_string();
    // Nobody wrote it, and nobody needs it but what was logged in to by a URL: what is wrong with it keeps nobody else
    // from working.
    let unused = |loaded: &mut Loaded, why: &str, command: Option<String>| {
        let what = format!("{} {why}, and is not used", escaped(&name));
        loaded.warnings.push(Warning { what, command });
    };
    let file = match read {
        Ok(file) => file,
        Err(Unread::Absent) if !required => return None,
        Err(Unread::Io(error)) if layer == Layer::Learned => {
            // The state folder may be something else: that is told by whoever needs it.
            if error.kind() != io::ErrorKind::NotADirectory {
                unused(loaded, &format!("cannot be read ({error})"), None);
            }
            return None;
        }
        Err(Unread::Unsafe(Unsafe { reason, fix })) if layer == Layer::Learned => {
            // authctl sends secrets to its endpoints.
            unused(loaded, &reason, fix.command().map(str::to_owned));
            return None;
        }
        Err(unread) => {
            let unreadable = |why: String| {
                Problem::new(format!("{} cannot be read: {why}", escaped(&name)), &Origin::Default)
                    .hint("check the path and its permissions")
            };
            problems.push(match unread {
                Unread::Unsafe(refusal) => refusal.problem(&path),
                Unread::Io(error) => unreadable(error.to_string()),
                Unread::Absent => unreadable("there is no such file".to_owned()),
            });
            return None;
        }
    };
    let of_interest = options.only.as_ref().filter(|_| layer != Layer::Project && !file.readable_by_others);
    let excerpt = of_interest.and_then(|only| excerpt(&file.text, only));
    let text = excerpt.unwrap_or(file.text);
    let source = Arc::new(Source { layer, name: name.clone(), path: Some(path), text });
    let document = match parse(&source) {
        Ok(document) => document,
        Err(_) if layer == Layer::Learned => {
            unused(loaded, "is damaged: remove it, and log in again", None);
            return None;
        }
        Err(found) => {
            problems.extend(found);
            return None;
        }
    };
    let holds_secrets = || document::holds_literal_secrets(&document::parse_file(&document));
    if layer != Layer::Project && file.readable_by_others && holds_secrets() {
        let what = format!("{} holds secrets and can be read by others", escaped(&name));
        let command = source
            .path
            .as_deref()
            .map(|path| format!("chmod 600 {}", shell::word(&path.display().to_string())));
        loaded.warnings.push(Warning { what, command });
    }
    Some(document)
}

/// Parses a text.
///
/// # Errors
/// Every syntax error, by its position alone: a syntax error can have a secret beside it.
pub fn parse(source: &Arc<Source>) -> Result<Document, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    if errors.is_empty() {
        return Ok(Document { root: table(source, root.get_ref()) });
    }
    let problems = errors.iter().map(|error| {
        let at = error.span().unwrap_or(0..0);
        let origin = Origin::File { source: Arc::clone(source), key: at.clone(), value: at };
        Problem::new(format!("this is not TOML: {}", error.message()), &origin).without_excerpt()
    });
    Err(problems.collect())
}

fn table(source: &Arc<Source>, members: &DeTable<'_>) -> Table {
    members
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), setting(source, key.span(), value)))
        .collect()
}

fn setting(source: &Arc<Source>, key: std::ops::Range<usize>, value: &Spanned<DeValue<'_>>) -> Setting {
    let origin = Origin::File { source: Arc::clone(source), key: key.clone(), value: value.span() };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number of that size"), Value::Integer),
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| setting(source, key.clone(), item)).collect())
        }
        DeValue::Table(members) => Value::Table(table(source, members)),
    };
    Setting::new(value, origin)
}

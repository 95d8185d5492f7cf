//! Where the configuration's files are, and how their texts become settings.

use std::fs::File as FsFile;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::credentials::Kinds;
use super::file;
use crate::foreign::escaped;
use crate::ports::{Folder, System};
use crate::setting::{Layer, Origin, Problem, Setting, Source, Table, Value};

/// A configuration larger than this is none.
const LARGEST: u64 = 4 << 20;
/// The name of a project's file.
const PROJECT_FILE: &str = ".authctl.toml";

/// What the command line says of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file in the place of the user's.
    pub config: Option<PathBuf>,
    /// The profile.
    pub profile: Option<String>,
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
    pub warnings: Vec<String>,
}

/// Reads the files of all layers.
#[must_use]
pub fn load(system: &System, options: &Options) -> Loaded {
    let mut loaded = Loaded::default();
    if let Ok(folder) = system.paths.folder(Folder::Site) {
        loaded.site = load_file(&mut loaded, Layer::Site, folder.join("config.toml"), false);
    }
    let named = options.config.clone().or_else(|| {
        let variable = system.environment.variable("AUTHCTL_CONFIG").filter(|path| !path.is_empty())?;
        Some(PathBuf::from(variable))
    });
    let is_named = named.is_some();
    let user =
        named.or_else(|| system.paths.folder(Folder::Config).ok().map(|folder| folder.join("config.toml")));
    if let Some(path) = user {
        loaded.user = load_file(&mut loaded, Layer::User, path, is_named);
    }
    if let Some(path) = project_file(system) {
        loaded.project = load_file(&mut loaded, Layer::Project, path, false);
    }
    loaded
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

/// The project's file: upward from the working folder to the root of its repository, and only one that is the user's.
fn project_file(system: &System) -> Option<PathBuf> {
    let start = system.environment.current_folder()?;
    for folder in start.ancestors() {
        let path = folder.join(PROJECT_FILE);
        if is_users_own(&path) {
            return Some(path);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

#[cfg(unix)]
fn is_users_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid().as_raw();
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.uid() == user)
}

#[cfg(not(unix))]
fn is_users_own(path: &Path) -> bool {
    path.is_file()
}

fn load_file(loaded: &mut Loaded, layer: Layer, path: PathBuf, required: bool) -> Option<Document> {
    let read = read(&path);
    let found = !matches!(&read, Err(error) if error.kind() == io::ErrorKind::NotFound);
    loaded.files.push(File { layer, path: path.clone(), found });
    let problems = if layer == Layer::Project { &mut loaded.project_problems } else { &mut loaded.problems };
    let name = path.display().to_string();
    let (file, text) = match read {
        Ok(read) => read,
        Err(_) if !found && !required => return None,
        Err(error) => {
            let problem =
                Problem::new(format!("{} cannot be read: {error}", escaped(&name)), &Origin::Default);
            problems.push(problem.hint("check the path and its permissions"));
            return None;
        }
    };
    let source = Arc::new(Source { layer, name: name.clone(), path: Some(path), text });
    let document = match parse(&source) {
        Ok(document) => document,
        Err(found) => {
            problems.extend(found);
            return None;
        }
    };
    if layer != Layer::Project && file::is_sensitive(&file::parse_file(&document, &Kinds::new())) {
        match check_owner(&file) {
            Ok(None) => {}
            Ok(Some(warning)) => loaded.warnings.push(format!("{name} {warning}")),
            Err(problem) => {
                let problem = Problem::new(format!("{} {problem}", escaped(&name)), &Origin::Default);
                loaded.problems.push(problem.hint(
                    "it holds secrets or runs programs: make it yours alone, for example with chmod 600",
                ));
                return None;
            }
        }
    }
    Some(document)
}

fn read(path: &Path) -> io::Result<(FsFile, String)> {
    let file = FsFile::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut text = String::new();
    let length = (&file).take(LARGEST + 1).read_to_string(&mut text)?;
    if length as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large"));
    }
    Ok((file, text))
}

/// Whether a file with programs or secrets may be trusted, judged on the file that was read; a warning where others may
/// read it.
#[cfg(unix)]
fn check_owner(file: &FsFile) -> Result<Option<&'static str>, String> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Err(format!("belongs to user {}, neither to you nor to root", metadata.uid()));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err("can be written by others".to_owned());
    }
    Ok((metadata.mode() & 0o044 != 0)
        .then_some("holds secrets or runs programs and can be read by others; chmod 600 it"))
}

#[cfg(not(unix))]
fn check_owner(_: &FsFile) -> Result<Option<&'static str>, String> {
    Ok(None)
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

//! Where the configuration's files are, and their texts.

use std::io;
use std::path::PathBuf;

use super::discovered;
use super::guarded_file::{self, GuardedFile, Unread};
use crate::name::ProviderName;
use crate::ports::{Folder, System};
use crate::schema::Layer;
use crate::text::untrusted::escaped;

const PROJECT_FILE: &str = ".authctl.toml";

/// What the command line says of the configuration.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The file to read instead of the user's.
    pub config: Option<PathBuf>,
    pub profile: Option<String>,
    /// The only provider that the command needs, so that simple definitions of the others can be skipped.
    pub only: Option<ProviderName>,
}

/// A file that was looked for.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    pub layer: Layer,
    pub path: PathBuf,
    pub found: bool,
}

/// The texts of all layers, read once.
pub struct Texts(pub Vec<LayerText>);

pub struct LayerText {
    pub layer: Layer,
    pub path: PathBuf,
    pub required: bool,
    pub read: Result<GuardedFile, Unread>,
}

impl Texts {
    #[must_use]
    pub fn read(system: &System, options: &LoadOptions) -> Self {
        let texts = paths(system, options).into_iter().map(|(layer, path, required)| {
            let read = guarded_file::read(&path);
            LayerText { layer, path, required, read }
        });
        let project = read_project_file(system);
        let project =
            project.map(|(path, read)| LayerText { layer: Layer::Project, path, required: false, read });
        Self(texts.chain(project).collect())
    }
}

/// The files of the layers above the project's: where each is looked for, and whether it must be there.
fn paths(system: &System, options: &LoadOptions) -> Vec<(Layer, PathBuf, bool)> {
    let mut paths = Vec::new();
    paths.extend(discovered::path(system).map(|path| (Layer::Discovered, path, false)));
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
pub fn named_by_environment(system: &System, options: &LoadOptions) -> Option<PathBuf> {
    let path =
        system.environment.file_variable("AUTHCTL_CONFIG").filter(|path| !path.as_os_str().is_empty())?;
    options.config.is_none().then_some(path)
}

/// Prints a note if a variable chose the config file: a variable must not replace the file unnoticed.
pub fn tell_if_named_by_environment(system: &System, options: &LoadOptions) {
    if let Some(path) = named_by_environment(system, options) {
        let path = escaped(&path.display().to_string());
        system.prompter.note(&format_args!("using the config file {path}, because AUTHCTL_CONFIG names it"));
    }
}

/// The project's file: upward from the working folder to the root of its repository, and only one that is the user's.
fn read_project_file(system: &System) -> Option<(PathBuf, Result<GuardedFile, Unread>)> {
    let start = system.environment.current_folder()?;
    for folder in start.ancestors() {
        let path = folder.join(PROJECT_FILE);
        match guarded_file::read_own(&path) {
            // Another user's file, or not a file at all, says nothing about this project.
            Err(Unread::Absent) => {}
            Err(Unread::Io(error)) if error.kind() != io::ErrorKind::InvalidData => {}
            read => return Some((path, read)),
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

//! Set-ups in other programs' files.

use std::path::{Path, PathBuf};

use serde_json::Value;
use toml_edit::{DocumentMut, Item};

use super::words::{is_ours, words};
use crate::app::App;
use crate::app::installed::{Installed, Target};
use crate::os::text_file::read_text;

/// Limits how much is read from another program's configuration file.
const LONGEST: u64 = 4 << 20;

fn home(app: &App<'_>, path: &str) -> Option<PathBuf> {
    app.system.paths.home().map(|home| home.join(path))
}

/// Reads a regular file: reading a pipe could block.
fn text(path: &Path) -> Option<String> {
    path.is_file().then(|| read_text(path, LONGEST).ok()).flatten()
}

/// Reads the file that a variable names, or the default file in the home folder.
fn file(app: &App<'_>, variable: &str, path: &str) -> Option<(PathBuf, String)> {
    let named = app.system.environment.variable(variable).filter(|path| !path.is_empty());
    let path = named.map(PathBuf::from).or_else(|| home(app, path))?;
    let text = text(&path)?;
    Some((path, text))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

pub fn docker(app: &App<'_>) -> Vec<Installed> {
    let folder = app.system.environment.variable("DOCKER_CONFIG").map(PathBuf::from);
    let path = folder.or_else(|| home(app, ".docker")).map(|folder| folder.join("config.json"));
    let read = path.as_ref().and_then(|path| serde_json::from_str::<Value>(&text(path)?).ok());
    let (Some(path), Some(root)) = (path, read) else { return Vec::new() };
    let is_ours = |value: &Value| value.as_str() == Some("authctl");
    let place = shown(&path);
    let made = |target| Installed::by_name("docker", place.clone(), "docker-credential-authctl", target);
    let mut found = Vec::new();
    if root.get("credsStore").is_some_and(is_ours) {
        found.push(made(Target::Any));
    }
    for (host, helper) in root.get("credHelpers").and_then(Value::as_object).into_iter().flatten() {
        if is_ours(helper) {
            found.push(made(Target::Host(host.clone())));
        }
    }
    found
}

pub fn cargo(app: &App<'_>) -> Vec<Installed> {
    let folder = app.system.environment.variable("CARGO_HOME").map(PathBuf::from);
    let path = folder.or_else(|| home(app, ".cargo")).map(|folder| folder.join("config.toml"));
    let read = path.as_ref().and_then(|path| text(path)?.parse::<DocumentMut>().ok());
    let (Some(path), Some(document)) = (path, read) else { return Vec::new() };
    let command = |item: &Item| -> Option<String> {
        let text = match (item.as_str(), item.as_array()) {
            (Some(text), _) => words(text).into_iter().next(),
            (None, Some(array)) => array.get(0).and_then(|word| Some(word.as_str()?.to_owned())),
            (None, None) => None,
        };
        text.filter(|word| is_ours(word))
    };
    let mut programs = Vec::new();
    for (_, registry) in
        document.get("registries").and_then(Item::as_table_like).into_iter().flat_map(|table| table.iter())
    {
        programs.extend(registry.get("credential-provider").and_then(command));
    }
    let registry = document.get("registry");
    programs.extend(registry.and_then(|registry| registry.get("credential-provider")).and_then(command));
    let global =
        registry.and_then(|registry| registry.get("global-credential-providers")).and_then(Item::as_array);
    let first = |text: &str| words(text).into_iter().next();
    programs.extend(
        global.into_iter().flatten().filter_map(|text| first(text.as_str()?)).filter(|word| is_ours(word)),
    );
    programs.sort();
    programs.dedup();
    programs
        .into_iter()
        .map(|program| Installed::new("cargo", shown(&path), Some(program), Target::Any))
        .collect()
}

pub fn bazel(app: &App<'_>) -> Vec<Installed> {
    let Some((path, text)) = file(app, "", ".bazelrc") else { return Vec::new() };
    let flags = text.lines().filter_map(|line| line.trim().split_once("--credential_helper="));
    let found = flags.filter_map(|(_, flag)| {
        let (host, program) = flag.split_once('=').unwrap_or(("", flag));
        let program = words(program).into_iter().next()?;
        let name = Path::new(&program).file_name()?.to_str()?;
        name.contains("authctl").then(|| {
            let host = host.trim_start_matches("*.").to_owned();
            let target = if host.is_empty() { Target::Any } else { Target::Host(host) };
            Installed::new("bazel", shown(&path), Some(program), target)
        })
    });
    found.collect()
}

pub fn aws(app: &App<'_>) -> Vec<Installed> {
    let Some((path, text)) = file(app, "AWS_CONFIG_FILE", ".aws/config") else { return Vec::new() };
    let commands = text.lines().filter_map(|line| {
        let (key, command) = line.split_once('=')?;
        (key.trim() == "credential_process").then(|| words(command))
    });
    let ours = commands.filter(|words| words.first().is_some_and(|word| is_ours(word)));
    ours.map(|words| {
        let named =
            words.iter().skip_while(|word| *word != "aws").nth(1).filter(|name| !name.starts_with('-'));
        let target = named.map_or(Target::Any, |name| Target::Provider(name.clone()));
        Installed::new("aws", shown(&path), words.into_iter().next(), target)
    })
    .collect()
}

pub fn terraform(app: &App<'_>) -> Vec<Installed> {
    let Some((path, text)) = file(app, "TF_CLI_CONFIG_FILE", ".terraformrc") else {
        return Vec::new();
    };
    let is_named = text.lines().any(|line| {
        let words = words(line.trim_end_matches([' ', '{', '}']));
        words.len() == 2 && words[0] == "credentials_helper" && words[1] == "authctl"
    });
    let plugin = home(app, ".terraform.d/plugins/terraform-credentials-authctl");
    let made = |plugin: PathBuf| Installed::new("terraform", shown(&path), Some(shown(&plugin)), Target::Any);
    plugin.filter(|_| is_named).map(made).into_iter().collect()
}

/// Finds authctl's link named `keyring`, even if another `keyring` comes first on PATH.
pub fn keyring(app: &App<'_>) -> Vec<Installed> {
    let path = app.system.environment.variable("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let folders = folders.chain(home(app, ".local/bin"));
    let links = folders
        .map(|folder| folder.join("keyring"))
        .filter(|link| std::fs::read_link(link).is_ok_and(|target| is_ours(&target.display().to_string())));
    links.take(1).map(|link| Installed::by_name("keyring", shown(&link), "keyring", Target::Any)).collect()
}

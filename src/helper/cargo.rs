//! cargo's credential provider protocol, version 1 (the Cargo book, "Credential Provider Protocol").

use super::error::HelperError;
use crate::app::input::InputError;
use serde_json::{Map, Value, json};

use super::host::{HostMatch, match_host, providers, url_or_host};
use super::installed::files;
use super::protocol::Protocol;
use super::setup::{Plan, SetupError};
use super::token::{authorization, with_login};
use crate::app::App;
use crate::app::installed::Installed;
use crate::config::Provider;
use crate::error::Error;
use crate::session::acquire::{AcquireError, AcquireRequest};
use crate::text::untrusted::{Untrusted, escaped};

/// The name under which cargo runs authctl.
const PROGRAM: &str = "cargo-credential-authctl";
const VERSION: u64 = 1;

/// Serve cargo: a credential provider for alternative registries
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Set by cargo
    #[arg(long, hide = true)]
    cargo_plugin: bool,
    /// Arguments from the registry's configuration; ignored
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Protocol for Args {
    const NAME: &'static str = "cargo";
    const PROGRAM: Option<&'static str> = Some(PROGRAM);

    /// Answers one JSON object per line until cargo closes standard input.
    fn run(&self, app: &App<'_>) -> Result<(), Error> {
        let console = &app.system.console;
        console.out(&format!("{}\n", json!({ "v": [VERSION] })))?;
        let lines = app.system.input.lines().map_err(InputError::unreadable(
            "standard input",
            "raise the process limit with `ulimit -u`, then run cargo again",
        ))?;
        for line in lines {
            let answer = match answer(app, line.expose()) {
                Ok(answer) => json!({ "Ok": answer }),
                Err(no_answer) => json!({ "Err": no_answer.value(app) }),
            };
            console.out(&format!("{answer}\n"))?;
        }
        Ok(())
    }

    fn installed(app: &App<'_>) -> Vec<Installed> {
        files::cargo(app)
    }

    /// Covers the registries whose index is on a configured host. cargo runs a provider with only `--cargo-plugin` and sends
    /// the configured arguments in its requests, so the configuration names a link instead of `authctl helper cargo`.
    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let mut plan = Plan::new("Make cargo ask authctl for the tokens of these registries");
        let link = plan.link(app, PROGRAM)?.display().to_string();
        let home = app.system.environment.variable("CARGO_HOME").map(std::path::PathBuf::from);
        let folder = home.map_or_else(|| plan.home(app).map(|home| home.join(".cargo")), Ok)?;
        let served = |index: &str| {
            let url = url_or_host(app, index.strip_prefix("sparse+").unwrap_or(index));
            url.is_some_and(|url| providers(app).any(|provider| serves(&provider, &url, index)))
        };
        plan.edit(folder.join("config.toml"), |text, undo| registries(text, &link, &served, undo))?;
        Ok(plan)
    }
}

/// Why cargo gets no token, in the protocol's terms.
enum NoAnswer {
    UrlNotSupported,
    NotSupported,
    NotFound,
    Failed(Error),
}

impl From<Error> for NoAnswer {
    fn from(error: Error) -> Self {
        match error {
            Error::Acquire(AcquireError::LoginRequired { .. }) => Self::NotFound,
            error => Self::Failed(error),
        }
    }
}

impl NoAnswer {
    fn value(self, app: &App<'_>) -> Value {
        match self {
            Self::UrlNotSupported => json!({ "kind": "url-not-supported" }),
            Self::NotSupported => json!({ "kind": "operation-not-supported" }),
            Self::NotFound => json!({ "kind": "not-found" }),
            Self::Failed(error) => {
                error.tell(&app.system.console);
                json!({ "kind": "other", "message": escaped(&error.to_string()), "caused-by": [] })
            }
        }
    }
}

fn answer(app: &App<'_>, line: &str) -> Result<Value, NoAnswer> {
    let unusable = |problem: &str| {
        NoAnswer::from(Error::from(HelperError::Malformed {
            request: "cargo's request",
            problem: problem.to_owned(),
            hint: "update authctl if cargo is newer",
        }))
    };
    let request: Map<String, Value> =
        serde_json::from_str(line).map_err(|_| unusable("is not a JSON object"))?;
    if request.get("v").and_then(Value::as_u64) != Some(VERSION) {
        return Err(unusable("uses another version of the protocol"));
    }
    let index = request.get("registry").and_then(|registry| registry["index-url"].as_str());
    let index = index.ok_or_else(|| unusable("names no registry"))?;
    let url = url_or_host(app, index.strip_prefix("sparse+").unwrap_or(index));
    let found = url.as_ref().map(|url| match_host(app, url, None)).transpose()?.flatten();
    let matched = found.zip(url).filter(|(matched, url)| serves(&matched.provider, url, index));
    let (HostMatch { provider, account }, _) = matched.ok_or(NoAnswer::UrlNotSupported)?;
    let options = AcquireRequest { account, ..AcquireRequest::default() };
    match request.get("kind").and_then(Value::as_str) {
        Some("get") => get(app, &provider, &options, false),
        // A person runs `cargo login`. A token that they type there does not come from the provider.
        Some("login") if request.get("token").is_none_or(Value::is_null) => {
            get(app, &provider, &options, true)?;
            Ok(json!({ "kind": "login" }))
        }
        Some("login") => Err(Error::from(HelperError::OwnToken(provider.name.clone())).into()),
        Some("logout") => Err(Error::from(HelperError::OwnLogin(provider.name.clone())).into()),
        _ => Err(NoAnswer::NotSupported),
    }
}

/// Whether a provider serves a registry: one that it names, or, if it names none, any on its hosts.
fn serves(provider: &Provider, url: &url::Url, index: &str) -> bool {
    let named = &provider.helper.cargo_index;
    provider.serves(url) && (named.is_empty() || named.iter().any(|named| named == index))
}

/// Returns the whole value of the `Authorization` header, because cargo adds nothing to it.
fn get(
    app: &App<'_>,
    provider: &Provider,
    options: &AcquireRequest,
    person: bool,
) -> Result<Value, NoAnswer> {
    let issued = with_login(app, provider, options, person)?;
    let value = authorization(provider, &issued)?;
    let mut answer = json!({ "kind": "get", "token": value.expose(), "operation_independent": true });
    match issued.expires_at {
        Some(end) => {
            answer["cache"] = "expires".into();
            answer["expiration"] = end.as_second().into();
        }
        None => answer["cache"] = "session".into(),
    }
    Ok(answer)
}

/// Returns cargo's configuration with authctl as the credential provider of the registries it serves, or without it.
fn registries(
    text: Option<&str>,
    program: &str,
    served: &dyn Fn(&str) -> bool,
    undo: bool,
) -> Result<Option<String>, SetupError> {
    let mut document: toml_edit::DocumentMut = text
        .unwrap_or_default()
        .parse()
        .map_err(|_| SetupError::Syntax { file: "cargo's config.toml", syntax: "TOML document" })?;
    let registries = document.get_mut("registries").and_then(|item| item.as_table_like_mut());
    for (_, registry) in registries.into_iter().flat_map(|registries| registries.iter_mut()) {
        let Some(registry) = registry.as_table_like_mut() else { continue };
        let index = registry.get("index").and_then(|index| index.as_str()).unwrap_or_default();
        if !served(index) {
            continue;
        }
        let ours: toml_edit::Array = [program].into_iter().collect();
        let is_ours = |item: &toml_edit::Item| {
            let word = item.as_array().and_then(|words| words.get(0)?.as_str());
            word.is_some_and(|word| {
                std::path::Path::new(word).file_stem().is_some_and(|name| name == PROGRAM)
            })
        };
        match registry.get("credential-provider").map(is_ours) {
            Some(false) if !undo => {
                return Err(SetupError::OtherHelper {
                    program: "cargo",
                    other: Untrusted::new("another credential provider"),
                    subject: Untrusted::new(index),
                    entry: "its `credential-provider` from cargo's config.toml",
                });
            }
            Some(true) if undo => drop(registry.remove("credential-provider")),
            Some(false) | None if undo => {}
            _ => drop(registry.insert("credential-provider", toml_edit::value(ours))),
        }
    }
    Ok(Some(document.to_string()).filter(|after| text.is_some() || !after.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_configuration_keeps_its_comments() {
        let text = "# mine\n[registries.corp] # ours\nindex = \"sparse+https://crates.corp.example/\"\n\n[registries.other]\nindex = \"https://other.example/\"\n";
        let served = |index: &str| index.contains("corp.example");
        let with = registries(Some(text), "/bin/cargo-credential-authctl", &served, false).unwrap().unwrap();
        let line = "credential-provider = [\"/bin/cargo-credential-authctl\"]\n";
        assert_eq!(with, text.replace("corp.example/\"\n", &format!("corp.example/\"\n{line}")));
        assert_eq!(
            registries(Some(&with), "/bin/cargo-credential-authctl", &served, true).unwrap().as_deref(),
            Some(text)
        );
        assert_eq!(registries(None, "/bin/cargo-credential-authctl", &served, false).unwrap(), None);
        assert!(registries(Some("="), "/bin/cargo-credential-authctl", &served, false).is_err());
        let other =
            text.replace("corp.example/\"\n", "corp.example/\"\ncredential-provider = \"cargo:token\"\n");
        assert!(registries(Some(&other), "x", &served, false).is_err(), "another program's entry");
        assert_eq!(registries(Some(&other), "x", &served, true).unwrap(), Some(other));
    }
}

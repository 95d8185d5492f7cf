//! Docker's credential helper protocol (docker-credential-helpers), which podman, buildah and others also use.

use serde_json::{Map, Value, json};

use super::error::HelperError;
use super::host::{HostMatch, match_host, providers, url_or_host};
use super::installed::files;
use super::protocol::Protocol;
use super::setup::{Plan, SetupError};
use super::token::{input, with_login};
use crate::app::App;
use crate::app::installed::Installed;
use crate::error::{Error, Status};
use crate::secret::SecretText;
use crate::session::acquire::AcquireRequest;
use crate::text::untrusted::{Untrusted, escaped};
use crate::token::Credential;

/// Docker compares this message exactly (docker-credential-helpers, credentials/error.go).
const NOT_FOUND: &str = "credentials not found in native keychain";
/// Docker's configuration names only Docker Hub by a URL (docker/cli, registry/config.go).
const HUB: &str = "index.docker.io";
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// Docker's message for a request without a server.
const NO_SERVER: &str = "no credentials server URL";
/// Docker's message for credentials without a user name.
const NO_USERNAME: &str = "no credentials username";

/// Serve docker, podman and similar programs: `get`, `store`, `erase` and `list` of their credential helper protocol
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operation that docker passes
    #[arg(value_name = "ACTION")]
    action: Option<String>,
}

impl Protocol for Args {
    const NAME: &'static str = "docker";
    const PROGRAM: Option<&'static str> = Some("docker-credential-authctl");

    /// Prints errors on standard output with status 1, because docker shows nothing else.
    fn run(&self, app: &App<'_>) -> Result<(), Error> {
        let console = &app.system.console;
        match self.answer(app) {
            Ok(text) => Ok(console.out(text.expose())?),
            Err(NoAnswer::Message(message)) => {
                console.out(&format!("{message}\n"))?;
                Err(Error::Reported(Status::Failed))
            }
            Err(NoAnswer::Failed(error)) => {
                error.tell(console);
                console.out(&format!("authctl: {}\n", escaped(&error.to_string())))?;
                Err(Error::Reported(Status::Failed))
            }
        }
    }

    fn installed(app: &App<'_>) -> Vec<Installed> {
        files::docker(app)
    }

    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let mut plan =
            Plan::new("Make docker, podman and buildah ask authctl for credentials for these registries");
        plan.link(app, "docker-credential-authctl")?;
        let home = plan.home(app)?;
        let folder = app.system.environment.variable("DOCKER_CONFIG").map(std::path::PathBuf::from);
        let path = folder.unwrap_or_else(|| home.join(".docker")).join("config.json");
        let hosts: Vec<String> = providers(app)
            .filter(|provider| provider.source.is_oauth() || provider.kind.name == "basic")
            .flat_map(|provider| provider.hosts.clone())
            .map(|host| if host == HUB { HUB_KEY.to_owned() } else { host })
            .collect();
        let normalise = |text: &str| {
            let root: Option<Map<String, Value>> = serde_json::from_str(text).ok();
            root.and_then(|root| written(&root)).unwrap_or_else(|| text.to_owned())
        };
        plan.edit_normalised(path, normalise, |text, undo| cred_helpers(text, &hosts, undo))?;
        Ok(plan)
    }
}

/// Why docker gets no credentials.
enum NoAnswer {
    /// A message for docker to compare or to show.
    Message(String),
    Failed(Error),
}

impl From<Error> for NoAnswer {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Args {
    fn answer(&self, app: &App<'_>) -> Result<SecretText, NoAnswer> {
        match self.action.as_deref() {
            Some("get") => get(app),
            Some("store") => store(app),
            Some("erase") => erase(app),
            Some("list") => list(app),
            Some("version") => Ok(SecretText::new(concat!(
                "docker-credential-authctl (authctl) ",
                env!("CARGO_PKG_VERSION"),
                "\n"
            ))),
            Some(other) => Err(NoAnswer::Message(format!(
                "docker-credential-authctl: unknown action: {}",
                escaped(other)
            ))),
            None => Err(Error::from(HelperError::NoOperation("get, store, erase, list or version")).into()),
        }
    }
}

fn found(app: &App<'_>, server: &str) -> Result<Option<HostMatch>, Error> {
    match url_or_host(app, server) {
        Some(url) => match_host(app, &url, None),
        None => Ok(None),
    }
}

/// Returns the user name and the secret. Docker's user name `<token>` marks an identity token.
fn pair(app: &App<'_>, matched: &HostMatch) -> Result<(String, SecretText), NoAnswer> {
    let options = AcquireRequest { account: matched.account.clone(), ..AcquireRequest::default() };
    let issued = with_login(app, &matched.provider, &options, false)?;
    match &issued.credential {
        Credential::Bearer(token) => {
            Ok((matched.provider.helper.docker_username.clone(), SecretText::new(token.expose())))
        }
        Credential::Basic { username, password } => {
            Ok((username.clone(), SecretText::new(password.expose())))
        }
        Credential::Headers(_) => {
            Ok((matched.provider.helper.docker_username.clone(), issued.credential.bare()))
        }
        Credential::Dpop(..) | Credential::Untyped(_) => Err(NoAnswer::Message(format!(
            "authctl: docker cannot send the credential of {}",
            matched.provider.name
        ))),
    }
}

fn get(app: &App<'_>) -> Result<SecretText, NoAnswer> {
    let server = input(app)?;
    let server = server.expose().trim();
    if server.is_empty() {
        return Err(NoAnswer::Message(NO_SERVER.to_owned()));
    }
    // After any other message docker gives up instead of continuing without credentials.
    let matched = found(app, server)?.ok_or_else(|| NoAnswer::Message(NOT_FOUND.to_owned()))?;
    let (username, secret) = pair(app, &matched)?;
    let answer = json!({ "ServerURL": server, "Username": username, "Secret": secret.expose() });
    Ok(SecretText::new(format!("{answer}\n")))
}

/// Accepts the credentials that authctl handed out, because `docker login` stores them again, and rejects all others.
fn store(app: &App<'_>) -> Result<SecretText, NoAnswer> {
    let text = input(app)?;
    let given: Map<String, Value> = serde_json::from_str(text.expose())
        .map_err(|_| NoAnswer::Message("authctl: the credentials are not a JSON object".to_owned()))?;
    let member = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    match (member("ServerURL").trim(), member("Username")) {
        ("", _) => return Err(NoAnswer::Message(NO_SERVER.to_owned())),
        (_, "") => return Err(NoAnswer::Message(NO_USERNAME.to_owned())),
        _ => {}
    }
    let matched = found(app, member("ServerURL").trim())?.ok_or_else(|| {
        let server = Untrusted::new(member("ServerURL"));
        NoAnswer::Message(format!(
            "authctl: no provider serves {server}, and authctl does not store other passwords"
        ))
    })?;
    let (username, secret) = pair(app, &matched)?;
    if username == member("Username") && is_same(secret.expose(), member("Secret")) {
        return Ok(SecretText::new(""));
    }
    let name = &matched.provider.name;
    Err(NoAnswer::Message(format!(
        "authctl: authctl manages this registry's login: run `authctl login {name}` instead"
    )))
}

fn is_same(one: &str, other: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Keeps the provider logged in after a `docker logout`, because other programs use it too.
fn erase(app: &App<'_>) -> Result<SecretText, NoAnswer> {
    let server = input(app)?;
    let server = server.expose().trim();
    if server.is_empty() {
        return Err(NoAnswer::Message(NO_SERVER.to_owned()));
    }
    if let Some(matched) = found(app, server)? {
        let name = &matched.provider.name;
        app.system
            .console
            .note(format_args!("authctl: {name} stays logged in: run `authctl logout {name}` to log out"));
    }
    Ok(SecretText::new(""))
}

/// Lists the registries and their user names, which takes no token.
fn list(app: &App<'_>) -> Result<SecretText, NoAnswer> {
    app.config.check_files(true).map_err(Error::from)?;
    let mut servers = Map::new();
    for provider in providers(app) {
        for host in &provider.hosts {
            let username = provider.helper.docker_username.clone();
            servers.insert(format!("{}://{host}", provider.scheme), username.into());
        }
    }
    Ok(SecretText::new(format!("{}\n", Value::Object(servers))))
}

/// Returns docker's configuration with authctl in `credHelpers` for the hosts, or without any entry for authctl.
fn cred_helpers(text: Option<&str>, hosts: &[String], undo: bool) -> Result<Option<String>, SetupError> {
    let wrong = || SetupError::Syntax { file: "docker's config.json", syntax: "JSON object" };
    let mut root: Map<String, Value> = match text {
        Some(text) => serde_json::from_str(text).map_err(|_| wrong())?,
        None => Map::new(),
    };
    let helpers = root.entry("credHelpers").or_insert_with(|| json!({}));
    let helpers = helpers.as_object_mut().ok_or_else(wrong)?;
    if undo {
        helpers.retain(|_, helper| helper != "authctl");
    } else {
        let taken = hosts
            .iter()
            .find_map(|host| Some((host, helpers.get(host).filter(|helper| *helper != "authctl")?)));
        if let Some((host, other)) = taken {
            return Err(SetupError::OtherHelper {
                program: "docker",
                other: Untrusted::new(other.as_str().unwrap_or_default()),
                subject: Untrusted::new(host),
                entry: "it from `credHelpers` in docker's config.json",
            });
        }
        helpers.extend(hosts.iter().map(|host| (host.clone(), Value::from("authctl"))));
    }
    if helpers.is_empty() {
        root.remove("credHelpers");
    }
    if root.is_empty() && (undo || text.is_none()) {
        return Ok(None);
    }
    written(&root).map(Some).ok_or_else(wrong)
}

/// Indents with a tab, as docker does.
fn written(root: &Map<String, Value>) -> Option<String> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    serde::Serialize::serialize(root, &mut serializer).ok()?;
    String::from_utf8(bytes).ok().map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_configuration_keeps_entries_of_other_programs() {
        let hosts = ["ghcr.io".to_owned()];
        let text = "{\n\t\"auths\": {},\n\t\"credHelpers\": {\n\t\t\"gcr.io\": \"gcloud\"\n\t}\n}\n";
        let with = cred_helpers(Some(text), &hosts, false).unwrap().unwrap();
        assert_eq!(
            with,
            "{\n\t\"auths\": {},\n\t\"credHelpers\": {\n\t\t\"gcr.io\": \"gcloud\",\n\t\t\"ghcr.io\": \"authctl\"\n\t}\n}\n"
        );
        assert_eq!(cred_helpers(Some(&with), &hosts, true).unwrap().as_deref(), Some(text));
        let alone = cred_helpers(None, &hosts, false).unwrap().unwrap();
        assert_eq!(cred_helpers(Some(&alone), &hosts, true).unwrap(), None);
        assert!(cred_helpers(Some("[]"), &hosts, false).is_err());
        let other = text.replace("gcr.io", "ghcr.io");
        assert!(cred_helpers(Some(&other), &hosts, false).is_err(), "another program's entry");
        assert_eq!(cred_helpers(Some(&other), &hosts, true).unwrap(), Some(other));
    }
}

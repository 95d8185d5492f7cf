//! git's credential helper protocol (gitcredentials(7), git-credential(1)).

use super::error::HelperError;
use super::host::{HostMatch, match_host, providers, url_of};
use super::installed::programs;
use super::protocol::Protocol;
use super::setup::Plan;
use super::token::{input, is_watched, with_login};
use crate::app::App;
use crate::app::installed::Installed;
use crate::config::Provider;
use crate::error::Error;
use crate::oauth::challenge;
use crate::ports::{ProcessError, Program};
use crate::secret::SecretText;
use crate::session::acquire::AcquireRequest;
use crate::session::acquire::rejected::refuse;
use crate::text::shell;
use crate::token::{Credential, Issued};
use std::time::Duration;

/// git's limit for a line, including its line feed.
const LONGEST_LINE: usize = 65_535;

/// Serve git: `get`, `store` and `erase` of its credential helper protocol
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operation that git passes
    #[arg(value_name = "OPERATION")]
    operation: Option<String>,
}

impl Protocol for Args {
    const NAME: &'static str = "git";
    const PROGRAM: Option<&'static str> = Some("git-credential-authctl");

    fn run(&self, app: &App<'_>) -> Result<(), Error> {
        match self.operation.as_deref() {
            Some("get") => get(app),
            Some("erase") => erase(app),
            Some("capability") => {
                Ok(app.system.console.out("version 0\ncapability authtype\ncapability state\n")?)
            }
            // git stores the token that authctl just gave it. Reading it keeps git from failing with a broken pipe.
            Some("store") => input(app).map(drop),
            // "it should be silently ignored" (gitcredentials(7)).
            Some(_) => Ok(()),
            None => Err(HelperError::NoOperation("get, store or erase").into()),
        }
    }

    fn installed(app: &App<'_>) -> Vec<Installed> {
        programs::git(app)
    }

    /// Resets the list of helpers for these hosts first, so that no other helper stores authctl's tokens.
    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let mut plan =
            Plan::new("Make git ask authctl, and no other helper, for credentials for these hosts");
        let helper = format!("!{} helper git", shell::line(&plan.command(app)?));
        let mut keys: Vec<String> = Vec::new();
        for provider in providers(app).filter(|provider| is_for_git(provider)) {
            keys.extend(
                provider.hosts.iter().map(|host| format!("credential.{}://{host}.helper", provider.scheme)),
            );
        }
        // Several providers may share a host, which needs only one entry.
        for (_, key) in keys.iter().enumerate().filter(|(at, key)| !keys[..*at].contains(*key)) {
            plan.git_entry(app, key, &["", &helper])?;
        }
        Ok(plan)
    }
}

/// Whether git can send this provider's credential. It cannot send one that needs a proof for each request.
fn is_for_git(provider: &Provider) -> bool {
    provider.source.is_oauth()
        || matches!(provider.kind.name, "basic" | "jwt" | "command" | "external" | "api_key")
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    protocol: Option<String>,
    host: Option<String>,
    username: Option<String>,
    /// The password or credential to erase.
    rejected: Option<Rejected>,
    supports_authtype: bool,
    challenges: Vec<String>,
}

/// A secret that is compared but never shown.
#[derive(PartialEq, Eq)]
struct Rejected(String);

impl std::fmt::Debug for Rejected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Rejected(…)")
    }
}

/// Why git's request is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("a line is longer than {LONGEST_LINE} bytes")]
    Long,
    #[error("a value contains a carriage return or a NUL")]
    Character,
    #[error("`{0}` appears twice with different values")]
    Twice(&'static str),
}

/// Parses git's lines. Only a line feed ends a line. A bare carriage return does not (CVE-2024-52006), and no legitimate
/// value contains one.
fn parse(text: &str) -> Result<Request, Malformed> {
    let mut request = Request::default();
    for line in text.split('\n') {
        if line.len() >= LONGEST_LINE {
            return Err(Malformed::Long);
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line.contains(['\r', '\0']) {
            return Err(Malformed::Character);
        }
        // "Unrecognised attributes are silently discarded."
        let Some((key, value)) = line.split_once('=') else { continue };
        let once = |slot: &mut Option<String>, name| match slot.replace(value.to_owned()) {
            Some(before) if before != value => Err(Malformed::Twice(name)),
            _ => Ok(()),
        };
        match key {
            "protocol" => once(&mut request.protocol, "protocol")?,
            "host" => once(&mut request.host, "host")?,
            "username" => once(&mut request.username, "username")?,
            "password" | "credential" => request.rejected = Some(Rejected(value.to_owned())),
            "capability[]" if value.is_empty() => request.supports_authtype = false,
            "capability[]" => request.supports_authtype |= value == "authtype",
            "wwwauth[]" if value.is_empty() => request.challenges.clear(),
            "wwwauth[]" => request.challenges.push(value.to_owned()),
            _ => {}
        }
    }
    Ok(request)
}

/// Reads the request and finds the provider. A request without a protocol or a host has none (CVE-2020-11008).
fn request(app: &App<'_>) -> Result<Option<(Request, HostMatch)>, Error> {
    let text = input(app)?;
    let request = parse(text.expose()).map_err(|error| HelperError::Malformed {
        request: "git's request",
        problem: format!("is not valid: {error}"),
        hint: "check the repository's URL",
    })?;
    let (Some(protocol), Some(host)) = (&request.protocol, &request.host) else { return Ok(None) };
    let Some(url) = url_of(protocol, host) else { return Ok(None) };
    let matched = match_host(app, &url, request.username.as_deref())?;
    Ok(matched.map(|matched| (request, matched)))
}

fn get(app: &App<'_>) -> Result<(), Error> {
    let Some((request, HostMatch { provider, account })) = request(app)? else { return Ok(()) };
    let options = AcquireRequest { account, ..AcquireRequest::default() };
    let issued = with_login(app, &provider, &options, may_ask(app))?;
    match answer(&request, &provider, &issued) {
        Some(text) => Ok(app.system.console.out(text.expose())?),
        None => {
            let message = format!("authctl: git cannot send the credential of {}", provider.name);
            app.system.console.note(message);
            Ok(())
        }
    }
}

/// Marks the token that a server rejected, so that the next request gets another one.
fn erase(app: &App<'_>) -> Result<(), Error> {
    let Some((request, HostMatch { provider, account })) = request(app)? else { return Ok(()) };
    let session = app.session(&provider.name);
    let rejected = request.rejected.as_ref().map(|rejected| rejected.0.as_str());
    refuse(&session, &provider, account.as_ref(), rejected)?;
    Ok(())
}

/// Returns the answer for git, or `None` for a credential that git cannot send.
fn answer(request: &Request, provider: &Provider, issued: &Issued) -> Option<SecretText> {
    let mut lines = Vec::new();
    let schemes: Vec<String> = request
        .challenges
        .iter()
        .flat_map(|header| challenge::parse(header))
        .map(|challenge| challenge.scheme.to_ascii_lowercase())
        .collect();
    // Some servers want a password, as their challenge or the configuration says: GitHub accepts no bearer token from git.
    let wants_password = if schemes.is_empty() {
        provider.helper.git_username.is_some()
    } else {
        schemes.iter().any(|scheme| scheme == "basic") && !schemes.iter().any(|scheme| scheme == "bearer")
    };
    let (authtype, secret) = match &issued.credential {
        Credential::Bearer(token) => ("Bearer", SecretText::new(token.expose())),
        Credential::Basic { username, password } => {
            lines.push(format!("username={username}"));
            lines.push(format!("password={}", password.expose()));
            ("", SecretText::new(""))
        }
        Credential::Headers(headers) => match headers.as_slice() {
            [header] if header.name.eq_ignore_ascii_case("authorization") && !header.prefix.is_empty() => {
                (header.prefix.as_str(), header.key.clone())
            }
            _ => return None,
        },
        Credential::Dpop(..) | Credential::Untyped(_) => return None,
    };
    if lines.is_empty() {
        if request.supports_authtype && !wants_password {
            lines.push("capability[]=authtype".to_owned());
            lines.push(format!("authtype={authtype}"));
            lines.push(format!("credential={}", secret.expose()));
            lines.push("ephemeral=1".to_owned());
        } else {
            let username = request.username.as_deref().filter(|name| !name.is_empty());
            lines.push(format!("username={}", username.unwrap_or(provider.helper.git_username())));
            lines.push(format!("password={}", secret.expose()));
        }
    }
    if let Some(end) = issued.expires_at {
        lines.push(format!("password_expiry_utc={}", end.as_second()));
    }
    // A value that does not fit in a line is not sent at all (F-GIT1).
    let framed = |line: &String| line.len() < LONGEST_LINE && !line.contains(['\n', '\r', '\0']);
    lines.iter().all(framed).then(|| SecretText::new(lines.join("\n") + "\n"))
}

/// Whether git's settings allow a login, and a person can see it.
fn may_ask(app: &App<'_>) -> bool {
    let environment = &app.system.environment;
    let forbidden = environment.variable("GIT_TERMINAL_PROMPT").is_some_and(|value| is_no(&value));
    is_watched(app) && !forbidden && !is_never(interactive(app))
}

/// Reads git's setting `credential.interactive`, which helpers must look up themselves.
fn interactive(app: &App<'_>) -> Option<String> {
    let command = ["git", "config", "--get", "credential.interactive"].map(str::to_owned);
    let program = Program {
        command: &command,
        timeout: Duration::from_secs(5),
        withheld: &app.config.secret_variables(),
        input: None,
    };
    let output: Result<SecretText, ProcessError> = app.system.processes.output(&program);
    output.ok().map(|text| text.expose().trim().to_owned())
}

fn is_never(setting: Option<String>) -> bool {
    setting.is_some_and(|value| value.eq_ignore_ascii_case("never") || is_no(&value))
}

fn is_no(value: &str) -> bool {
    ["0", "false", "no", "off"].iter().any(|no| value.eq_ignore_ascii_case(no))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_feed_ends_a_line_from_git_f_git1_f_git2() {
        let host = |host: &str| {
            Ok(Request {
                protocol: Some("https".to_owned()),
                host: Some(host.to_owned()),
                ..Request::default()
            })
        };
        for (name, text, want) in [
            ("plain", "protocol=https\nhost=github.com\n\n", host("github.com")),
            ("no final line feed", "protocol=https\nhost=github.com", host("github.com")),
            ("CR before LF", "protocol=https\r\nhost=github.com\r\n", host("github.com")),
            ("lines after a blank line are not read", "protocol=https\nhost=a.b\n\nhost=c.d\n", host("a.b")),
            ("unknown keys", "protocol=https\nhost=a.b\nquux=1\nnonsense\n", host("a.b")),
            ("bare CR", "protocol=https\nhost=github.com\rhost=evil\n", Err(Malformed::Character)),
            ("NUL", "protocol=https\nhost=github.com\0\n", Err(Malformed::Character)),
            ("two hosts", "protocol=https\nhost=a.b\nhost=c.d\n", Err(Malformed::Twice("host"))),
            ("the same twice", "protocol=https\nhost=a.b\nhost=a.b\n", host("a.b")),
        ] {
            assert_eq!(parse(text), want, "{name}");
        }
        let long = format!("protocol=https\npath={}\n", "x".repeat(LONGEST_LINE));
        assert_eq!(parse(&long), Err(Malformed::Long));
    }

    #[test]
    fn lists_are_collected_and_reset() {
        let text = "capability[]=authtype\nwwwauth[]=Basic\nwwwauth[]=\nwwwauth[]=Bearer realm=\"r\"\n";
        let request = parse(text).unwrap();
        assert!(request.supports_authtype);
        assert_eq!(request.challenges, ["Bearer realm=\"r\""]);
        assert!(!parse("capability[]=authtype\ncapability[]=\n").unwrap().supports_authtype);
        assert!(!parse("capability[]=state\n").unwrap().supports_authtype);
    }

    #[test]
    fn settings_that_forbid_prompts_are_obeyed() {
        for (value, want) in [
            ("never", true),
            ("false", true),
            ("0", true),
            ("auto", false),
            ("true", false),
            ("always", false),
        ] {
            assert_eq!(is_never(Some(value.to_owned())), want, "{value}");
        }
        assert!(!is_never(None));
    }
}

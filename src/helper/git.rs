//! git's credential helper protocol (gitcredentials(7), git-credential(1)).

use super::error::HelperError;
use super::host::{Answerer, answerer, providers, url_of};
use super::installed::programs;
use super::protocol::Protocol;
use super::setup::Plan;
use super::token::{input, is_watched, note_unusable, with_login};
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

/// A line is at most this long, its line feed counted.
const LONGEST_LINE: usize = 65_535;

/// Serve git: `get`, `store` and `erase` of its credential helper protocol
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What git asks for
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
            // Our own token, which is kept already; and what later versions of git may ask: "it should be silently
            // ignored" (gitcredentials(7)). What git writes is read, or git would be told of a broken pipe.
            Some("store") => input(app).map(drop),
            Some(_) => Ok(()),
            None => {
                Err(HelperError::NoOperation { program: "git", operations: "get, store or erase" }.into())
            }
        }
    }

    /// The list of helpers is emptied for our hosts first, so that no other helper is given our tokens to keep.
    fn installed(app: &App<'_>) -> Vec<Installed> {
        programs::git(app)
    }

    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let mut plan = Plan::new("git asks authctl for these hosts, and no other helper");
        let helper = format!("!{} helper git", shell::line(&plan.command(app)?));
        let mut keys: Vec<String> = Vec::new();
        for provider in providers(app).filter(|provider| is_for_git(provider)) {
            keys.extend(
                provider.hosts.iter().map(|host| format!("credential.{}://{host}.helper", provider.scheme)),
            );
        }
        // Several providers may have one host; git is told of it once.
        for (_, key) in keys.iter().enumerate().filter(|(at, key)| !keys[..*at].contains(*key)) {
            plan.git_entry(app, key, &["", &helper])?;
        }
        Ok(plan)
    }
}

/// Whether git can show such a credential; what needs a proof for each request it cannot.
fn is_for_git(provider: &Provider) -> bool {
    provider.source.is_oauth()
        || matches!(provider.kind.name, "basic" | "jwt" | "command" | "external" | "api_key")
}

/// What git asks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Question {
    protocol: Option<String>,
    host: Option<String>,
    username: Option<String>,
    /// What is to be erased: a password, or a credential by its type.
    rejected: Option<Rejected>,
    takes_authtype: bool,
    challenges: Vec<String>,
}

/// A secret that is compared and never shown.
#[derive(PartialEq, Eq)]
struct Rejected(String);

impl std::fmt::Debug for Rejected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Rejected(…)")
    }
}

/// What git asks cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("a line is longer than {LONGEST_LINE} bytes")]
    Long,
    #[error("a value has a carriage return or a NUL in it")]
    Character,
    #[error("`{0}` comes twice")]
    Twice(&'static str),
}

/// Reads git's lines. They end with a line feed and nothing else: a bare carriage return ends none (CVE-2024-52006), and
/// is in no honest value.
fn parse(text: &str) -> Result<Question, Malformed> {
    let mut question = Question::default();
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
            "protocol" => once(&mut question.protocol, "protocol")?,
            "host" => once(&mut question.host, "host")?,
            "username" => once(&mut question.username, "username")?,
            "password" | "credential" => question.rejected = Some(Rejected(value.to_owned())),
            "capability[]" if value.is_empty() => question.takes_authtype = false,
            "capability[]" => question.takes_authtype |= value == "authtype",
            "wwwauth[]" if value.is_empty() => question.challenges.clear(),
            "wwwauth[]" => question.challenges.push(value.to_owned()),
            _ => {}
        }
    }
    Ok(question)
}

/// Reads the question, and finds who answers. Without both a protocol and a host nobody does (CVE-2020-11008).
fn question(app: &App<'_>) -> Result<Option<(Question, Answerer)>, Error> {
    let text = input(app)?;
    let question = parse(text.expose()).map_err(|error| HelperError::Malformed {
        question: "git's question",
        problem: format!("cannot be answered: {error}"),
        hint: "check the URL of the repository",
    })?;
    let (Some(protocol), Some(host)) = (&question.protocol, &question.host) else { return Ok(None) };
    let Some(url) = url_of(protocol, host) else { return Ok(None) };
    let answerer = answerer(app, &url, question.username.as_deref())?;
    Ok(answerer.map(|answerer| (question, answerer)))
}

fn get(app: &App<'_>) -> Result<(), Error> {
    let Some((question, Answerer { provider, account })) = question(app)? else { return Ok(()) };
    let options = AcquireRequest { account, ..AcquireRequest::default() };
    let issued = with_login(app, &provider, &options, may_ask(app))?;
    match answer(&question, &provider, &issued) {
        Some(text) => Ok(app.system.console.out(text.expose())?),
        None => {
            note_unusable(app, &provider, "is none that git can show");
            Ok(())
        }
    }
}

/// A server that refused a token is shown another one next time.
fn erase(app: &App<'_>) -> Result<(), Error> {
    let Some((question, Answerer { provider, account })) = question(app)? else { return Ok(()) };
    let session = app.session(&provider.name);
    let rejected = question.rejected.as_ref().map(|rejected| rejected.0.as_str());
    refuse(&session, &provider, account.as_ref(), rejected)?;
    Ok(())
}

/// What git is told. `None` for a credential that it cannot show.
fn answer(question: &Question, provider: &Provider, issued: &Issued) -> Option<SecretText> {
    let mut lines = Vec::new();
    let schemes: Vec<String> = question
        .challenges
        .iter()
        .flat_map(|header| challenge::parse(header))
        .map(|challenge| challenge.scheme.to_ascii_lowercase())
        .collect();
    // A server that wants a password says so, here or in what is known of it: GitHub takes no bearer token for git.
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
        if question.takes_authtype && !wants_password {
            lines.push("capability[]=authtype".to_owned());
            lines.push(format!("authtype={authtype}"));
            lines.push(format!("credential={}", secret.expose()));
            lines.push("ephemeral=1".to_owned());
        } else {
            let username = question.username.as_deref().filter(|name| !name.is_empty());
            lines.push(format!("username={}", username.unwrap_or(provider.helper.git_username())));
            lines.push(format!("password={}", secret.expose()));
        }
    }
    if let Some(end) = issued.expires_at {
        lines.push(format!("password_expiry_utc={}", end.as_second()));
    }
    // What a line cannot carry is not sent at all (F-GIT1).
    let framed = |line: &String| line.len() < LONGEST_LINE && !line.contains(['\n', '\r', '\0']);
    lines.iter().all(framed).then(|| SecretText::new(lines.join("\n") + "\n"))
}

/// Whether somebody is there to log in: git is told not to ask where nobody is.
fn may_ask(app: &App<'_>) -> bool {
    let environment = &app.system.environment;
    let forbidden = environment.variable("GIT_TERMINAL_PROMPT").is_some_and(|value| is_no(&value));
    is_watched(app) && !forbidden && !is_never(interactive(app))
}

/// `credential.interactive`, which git itself obeys and leaves to helpers to read.
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
    fn git_lines_end_with_a_line_feed_only_f_git1_f_git2() {
        let host = |host: &str| {
            Ok(Question {
                protocol: Some("https".to_owned()),
                host: Some(host.to_owned()),
                ..Question::default()
            })
        };
        for (name, text, want) in [
            ("plain", "protocol=https\nhost=github.com\n\n", host("github.com")),
            ("no end", "protocol=https\nhost=github.com", host("github.com")),
            ("CR before LF", "protocol=https\r\nhost=github.com\r\n", host("github.com")),
            ("what follows a blank line is not read", "protocol=https\nhost=a.b\n\nhost=c.d\n", host("a.b")),
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
        let question = parse(text).unwrap();
        assert!(question.takes_authtype);
        assert_eq!(question.challenges, ["Bearer realm=\"r\""]);
        assert!(!parse("capability[]=authtype\ncapability[]=\n").unwrap().takes_authtype);
        assert!(!parse("capability[]=state\n").unwrap().takes_authtype);
    }

    #[test]
    fn settings_that_forbid_prompts_are_respected() {
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

//! The credential helper protocol of Bazel and similar tools (EngFlow's credential-helper-spec).

use super::error::HelperError;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::host::{match_host, providers, url_or_host};
use super::installed::files;
use super::protocol::Protocol;
use super::setup::{Plan, bazel_word, block};
use super::token::{input, with_login};
use crate::app::App;
use crate::app::installed::Installed;
use crate::app::render::headers;
use crate::error::Error;
use crate::session::acquire::AcquireRequest;
use crate::text::untrusted::Untrusted;

/// Serve Bazel and other tools that use its credential helper protocol
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operation: get
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Protocol for Args {
    const NAME: &'static str = "bazel";
    const PROGRAM: Option<&'static str> = Some("bazel-credential-authctl");

    fn run(&self, app: &App<'_>) -> Result<(), Error> {
        match self.command.as_deref() {
            Some("get") => get(app),
            Some(other) => {
                Err(HelperError::UnknownOperation { operation: Untrusted::new(other), operations: "`get`" }
                    .into())
            }
            None => Err(HelperError::NoOperation("`get`").into()),
        }
    }

    fn installed(app: &App<'_>) -> Vec<Installed> {
        files::bazel(app)
    }

    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let mut plan = Plan::new("Make Bazel ask authctl for credentials for these hosts");
        let link = plan.link(app, "bazel-credential-authctl")?;
        let hosts: Vec<String> = providers(app).flat_map(|provider| provider.hosts.clone()).collect();
        let names: BTreeSet<&str> = hosts.iter().filter_map(|host| pattern(host)).collect();
        let option = |name: &str| format!("--credential_helper={name}={}", link.display());
        let line = |name: &str| Ok(format!("common {}", bazel_word(&option(name))?));
        let lines = names.into_iter().map(line).collect::<Result<Vec<String>, Error>>()?;
        let path = plan.home(app)?.join(".bazelrc");
        plan.edit(path, |text, undo| block(text, "credential helper", &lines, undo))?;
        Ok(plan)
    }
}

/// Returns a host as a Bazel pattern, without a port and with at least two labels: any other pattern makes Bazel fail.
fn pattern(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (name.contains('.') && name.split('.').all(is_label)).then_some(name)
}

fn get(app: &App<'_>) -> Result<(), Error> {
    let text = input(app)?;
    let wrong = |problem: &str| HelperError::Malformed {
        request: "Bazel's request",
        problem: problem.to_owned(),
        hint: "pass a JSON object with a `uri`",
    };
    let request: Map<String, Value> =
        serde_json::from_str(text.expose()).map_err(|_| wrong("is not a JSON object"))?;
    let uri = request.get("uri").and_then(Value::as_str).ok_or_else(|| wrong("has no `uri`"))?;
    let found = url_or_host(app, uri).map(|url| match_host(app, &url, None)).transpose()?.flatten();
    let matched = found.ok_or_else(|| HelperError::NoProvider(Untrusted::new(uri)))?;
    let options = AcquireRequest { account: matched.account, ..AcquireRequest::default() };
    let issued = with_login(app, &matched.provider, &options, false)?;
    let headers = headers(&matched.provider, &issued, None)?;
    let headers: Map<String, Value> =
        headers.into_iter().map(|header| (header.name.clone(), json!([header.value.expose()]))).collect();
    let mut answer = json!({ "headers": headers });
    if let Some(end) = issued.expires_at {
        let whole = jiff::Timestamp::from_second(end.as_second()).unwrap_or(end);
        answer["expires"] = whole.to_string().into();
    }
    Ok(app.system.console.out(&format!("{answer}\n"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_bazel_accepts_become_patterns() {
        for (host, want) in [
            ("remote.example", Some("remote.example")),
            ("remote.example:8443", Some("remote.example")),
            ("127.0.0.1:8080", Some("127.0.0.1")),
            ("localhost", None),
            ("localhost:8080", None),
            ("[::1]:8080", None),
            ("[::1]", None),
        ] {
            assert_eq!(pattern(host), want, "{host}");
        }
    }
}

//! Set-ups that other programs tell of themselves.

use std::time::Duration;

use serde_json::Value;

use super::words::{is_ours, words};
use crate::app::App;
use crate::app::installed::{Installed, Target};
use crate::ports::Program;

/// They read a file of their own: that takes no time.
const DEADLINE: Duration = Duration::from_secs(5);

fn output(app: &App<'_>, command: &[&str]) -> Option<String> {
    let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
    let withheld = &app.config.secret_variables();
    let program = Program { command: &command, timeout: DEADLINE, withheld, input: None };
    app.system.processes.output(&program).ok().map(|text| text.expose().to_owned())
}

pub fn git(app: &App<'_>) -> Vec<Installed> {
    let command = ["git", "config", "--global", "--null", "--get-regexp", "^credential\\..*helper$"];
    output(app, &command).map(|text| of_git(&text)).unwrap_or_default()
}

/// Reads what git lists: a key, a line feed and its value, each with a NUL behind it. An empty value takes back those
/// before it.
fn of_git(text: &str) -> Vec<Installed> {
    let entries: Vec<(&str, &str)> =
        text.split_terminator('\0').map(|entry| entry.split_once('\n').unwrap_or((entry, ""))).collect();
    let mut found = Vec::new();
    for (index, (key, value)) in entries.iter().enumerate() {
        let words = words(value.trim_start_matches('!'));
        let [program, helper, git] = words.as_slice() else { continue };
        if !value.starts_with('!')
            || !is_ours(program)
            || (helper.as_str(), git.as_str()) != ("helper", "git")
        {
            continue;
        }
        let same_key =
            entries[..index].iter().filter(|(other, _)| other == key || *other == "credential.helper");
        let before = same_key.fold(None, |_, (_, value)| (!value.is_empty()).then_some(*value));
        let url = key.strip_prefix("credential.").and_then(|rest| rest.strip_suffix(".helper"));
        let host =
            url.and_then(|url| url.split_once("://")).map(|(_, host)| host.trim_end_matches('/').to_owned());
        let target = host.map_or(Target::Any, Target::Host);
        let place = "git's global configuration";
        let installed = Installed::new("git", place, Some(program.clone()), target);
        found.push(Installed { after: before.map(first_word), ..installed });
    }
    found
}

/// Of another's command the first word alone: what follows may be secret.
fn first_word(command: &str) -> String {
    command.split_whitespace().next().unwrap_or_default().to_owned()
}

pub fn kubernetes(app: &App<'_>) -> Vec<Installed> {
    // A file that is not there need not be asked for.
    let named = app.system.environment.variable("KUBECONFIG").is_some_and(|path| !path.is_empty());
    let is_there = app.system.paths.home().is_some_and(|home| home.join(".kube/config").exists());
    if !named && !is_there {
        return Vec::new();
    }
    let text = output(app, &["kubectl", "config", "view", "-o", "json"]);
    text.and_then(|text| serde_json::from_str(&text).ok()).map(|root| of_kubectl(&root)).unwrap_or_default()
}

fn of_kubectl(root: &Value) -> Vec<Installed> {
    let users = root.get("users").and_then(Value::as_array).into_iter().flatten();
    let commands = users.filter_map(|user| {
        let plugin = user.pointer("/user/exec")?;
        let command = plugin.get("command")?.as_str().filter(|command| is_ours(command))?;
        let arguments = plugin.get("args").and_then(Value::as_array).into_iter().flatten();
        let named = arguments.filter_map(Value::as_str).nth(2).filter(|name| !name.starts_with('-'));
        let target = named.map_or(Target::Any, |name| Target::Provider(name.to_owned()));
        let place = format!("the user {} of kubectl's configuration", user.get("name")?.as_str()?);
        Some(Installed::new(
            "kubernetes",
            crate::text::untrusted::escaped(&place),
            Some(command.to_owned()),
            target,
        ))
    });
    commands.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_lists() {
        let host = "credential.https://git.example.helper";
        let ours = "!/usr/bin/authctl helper git";
        for (name, text, want) in [
            ("nothing", String::new(), vec![]),
            ("another's", format!("{host}\n!gh auth git-credential\0"), vec![]),
            ("as we write it", format!("credential.helper\nstore\0{host}\n\0{host}\n{ours}\0"), vec![None]),
            (
                "behind another",
                format!("credential.helper\nstore --file x\0{host}\n{ours}\0"),
                vec![Some("store")],
            ),
        ] {
            let found = of_git(&text);
            let after: Vec<Option<&str>> = found.iter().map(|installed| installed.after.as_deref()).collect();
            assert_eq!(after, want, "{name}");
            assert!(
                found.iter().all(|installed| installed.target == Target::Host("git.example".to_owned())),
                "{name}"
            );
        }
    }

    #[test]
    fn what_kubectl_lists() {
        let root = serde_json::json!({ "users": [
            { "name": "a", "user": { "exec": { "command": "/x/authctl", "args": ["helper", "kubernetes", "corp"] } } },
            { "name": "b", "user": { "exec": { "command": "aws-iam-authenticator" } } },
            { "name": "c", "user": { "token": "REDACTED" } },
        ]});
        let found = of_kubectl(&root);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].target, Target::Provider("corp".to_owned()));
        assert_eq!(found[0].program.as_deref(), Some("/x/authctl"));
    }
}

//! Set-ups that other programs report.

use std::time::Duration;

use serde_json::Value;

use super::words::{is_ours, words};
use crate::app::App;
use crate::app::installed::{Installed, Target};
use crate::ports::Program;

/// The programs only read a file, which takes no time.
const DEADLINE: Duration = Duration::from_secs(5);

fn output(app: &App<'_>, command: &[&str]) -> Option<String> {
    let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
    let withheld = &app.config.secret_variables();
    let program = Program { command: &command, timeout: DEADLINE, withheld, input: None };
    app.system.processes.output(&program).ok().map(|text| text.expose().to_owned())
}

pub fn git(app: &App<'_>) -> Vec<Installed> {
    let command = ["git", "config", "--global", "--null", "--get-regexp", "^credential\\..*helper$"];
    output(app, &command).map(|text| parse_git(&text)).unwrap_or_default()
}

/// Parses git's list. Each entry is a key, a line feed, a value and a NUL. An empty value resets the ones before it.
fn parse_git(text: &str) -> Vec<Installed> {
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

/// Returns only the first word of another program's command, because its arguments may be secret.
fn first_word(command: &str) -> String {
    command.split_whitespace().next().unwrap_or_default().to_owned()
}

pub fn kubernetes(app: &App<'_>) -> Vec<Installed> {
    // Without a configuration file, there is no need to run kubectl.
    let named = app.system.environment.variable("KUBECONFIG").is_some_and(|path| !path.is_empty());
    let exists = app.system.paths.home().is_some_and(|home| home.join(".kube/config").exists());
    if !named && !exists {
        return Vec::new();
    }
    let text = output(app, &["kubectl", "config", "view", "-o", "json"]);
    text.and_then(|text| serde_json::from_str(&text).ok())
        .map(|root| parse_kubectl(&root))
        .unwrap_or_default()
}

fn parse_kubectl(root: &Value) -> Vec<Installed> {
    let users = root.get("users").and_then(Value::as_array).into_iter().flatten();
    let commands = users.filter_map(|user| {
        let plugin = user.pointer("/user/exec")?;
        let command = plugin.get("command")?.as_str().filter(|command| is_ours(command))?;
        let arguments = plugin.get("args").and_then(Value::as_array).into_iter().flatten();
        let named = arguments.filter_map(Value::as_str).nth(2).filter(|name| !name.starts_with('-'));
        let target = named.map_or(Target::Any, |name| Target::Provider(name.to_owned()));
        let place = format!("the user {} in kubectl's configuration", user.get("name")?.as_str()?);
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
    fn authctl_is_found_in_the_list_from_git() {
        let host = "credential.https://git.example.helper";
        let ours = "!/usr/bin/authctl helper git";
        for (name, text, want) in [
            ("nothing", String::new(), vec![]),
            ("another helper", format!("{host}\n!gh auth git-credential\0"), vec![]),
            (
                "as the setup writes it",
                format!("credential.helper\nstore\0{host}\n\0{host}\n{ours}\0"),
                vec![None],
            ),
            (
                "after another helper",
                format!("credential.helper\nstore --file x\0{host}\n{ours}\0"),
                vec![Some("store")],
            ),
        ] {
            let found = parse_git(&text);
            let after: Vec<Option<&str>> = found.iter().map(|installed| installed.after.as_deref()).collect();
            assert_eq!(after, want, "{name}");
            assert!(
                found.iter().all(|installed| installed.target == Target::Host("git.example".to_owned())),
                "{name}"
            );
        }
    }

    #[test]
    fn authctl_is_found_in_the_users_of_kubectl() {
        let root = serde_json::json!({ "users": [
            { "name": "a", "user": { "exec": { "command": "/x/authctl", "args": ["helper", "kubernetes", "corp"] } } },
            { "name": "b", "user": { "exec": { "command": "aws-iam-authenticator" } } },
            { "name": "c", "user": { "token": "REDACTED" } },
        ]});
        let found = parse_kubectl(&root);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].target, Target::Provider("corp".to_owned()));
        assert_eq!(found[0].program.as_deref(), Some("/x/authctl"));
    }
}

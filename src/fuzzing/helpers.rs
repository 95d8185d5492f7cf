//! Input for the credential helpers. Another program reads the output line by line or as JSON, so no value may add a
//! line or a member.

use serde_json::Value;

use super::world::{Printed, World};

/// The attributes in the output for git.
const ATTRIBUTES: [&str; 7] =
    ["capability[]", "authtype", "credential", "ephemeral", "username", "password", "password_expiry_utc"];

/// The first line, and the rest.
fn head(data: &[u8]) -> (String, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    (String::from_utf8_lossy(&data[..end]).into_owned(), data.get(end + 1..).unwrap_or_default())
}

/// git: the operation in the first line, then git's input.
pub(super) fn git(data: &[u8]) {
    let (operation, input) = head(data);
    let operation = if matches!(operation.as_str(), "store" | "erase") { operation.as_str() } else { "get" };
    let Printed { status, out, .. } = World::current().run(&["helper", "git", operation], input);
    assert!(status == 0 || out.is_empty(), "{out:?}");
    let lines: Vec<&str> = out.split_terminator('\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let name = line.split_once('=').map(|(name, _)| name).unwrap_or_default();
        assert!(ATTRIBUTES.contains(&name), "{line:?} is not a line for git");
        assert!(!line.contains(['\r', '\0']), "{line:?}");
        assert!(
            !lines[..at].iter().any(|before| before.split('=').next() == Some(name)),
            "{name} comes twice"
        );
    }
}

/// docker: the action in the first line, then docker's input.
pub(super) fn docker(data: &[u8]) {
    let (action, input) = head(data);
    let action = if matches!(action.as_str(), "store" | "erase" | "list") { action.as_str() } else { "get" };
    let Printed { status, out, .. } = World::current().run(&["helper", "docker", action], input);
    if status == 0 && matches!(action, "get" | "list") {
        assert!(serde_json::from_str::<Value>(&out).is_ok_and(|answer| answer.is_object()), "{out:?}");
    }
    assert!(out.split_terminator('\n').count() <= 1, "{out:?} is more than one line");
}

/// cargo: one request per line, and one response to each.
pub(super) fn cargo(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Printed { out, .. } = World::current().run(&["helper", "cargo"], text.as_bytes());
    let answers = out.lines().map(serde_json::from_str::<Value>);
    assert!(answers.clone().all(|answer| answer.is_ok()), "{out:?}");
    assert_eq!(answers.count(), 1 + text.lines().count(), "{out:?}");
}

/// Kubernetes: the value of `KUBERNETES_EXEC_INFO`.
pub(super) fn kubernetes(data: &[u8]) {
    let Ok(info) = std::str::from_utf8(data) else { return };
    let world = World::current();
    world.set("KUBERNETES_EXEC_INFO", info);
    let Printed { status, out, .. } = world.run(&["helper", "kubernetes", "bearer"], b"");
    if status == 0 {
        let answer = serde_json::from_str::<Value>(&out);
        assert!(answer.is_ok_and(|answer| answer["status"]["token"].is_string()), "{out:?}");
    } else {
        assert_eq!(out, "");
    }
}

//! What the server stores and answers.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::super::http::{Reply, Request};

/// The versions of one secret, the first being number 1; `None` where one was deleted.
pub(super) type Versions = Vec<Option<Value>>;

#[derive(Default)]
pub(super) struct State {
    pub(super) secrets: BTreeMap<String, Versions>,
    pub(super) faults: VecDeque<Reply>,
    pub(super) losses: VecDeque<Reply>,
    /// After this many more reads, another client writes these secrets again.
    pub(super) raced: Vec<(String, u32)>,
    /// Grants every lock at once.
    pub(super) no_locks: bool,
    /// The server is unreachable once this returns true.
    pub(super) cut: Option<Box<dyn Fn() -> bool + Send>>,
    pub(super) conflicts: u32,
}

/// The token that it accepts.
pub const TOKEN: &str = "hvs.canary-vault-token";

pub(super) fn errors(status: u16, messages: &[&str]) -> Reply {
    Reply::json(status, &json!({ "errors": messages }))
}

impl State {
    pub(super) fn answer(&mut self, request: &Request) -> Reply {
        if self.cut.as_ref().is_some_and(|cut| cut()) {
            return Reply::Drop;
        }
        if let Some(fault) = self.faults.pop_front() {
            return fault;
        }
        if request.header("x-vault-token") != Some(TOKEN) {
            return errors(403, &["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]);
        }
        assert_eq!(request.header("x-vault-request"), Some("true"), "{request:?}");
        let Some((part, path)) =
            request.path().strip_prefix("/v1/secret/").and_then(|rest| rest.split_once('/'))
        else {
            return errors(404, &["no handler for route"]);
        };
        match (request.method.as_str(), part) {
            ("GET", "data") => self.read(path),
            ("POST", "data") => {
                let reply = self.write(path, &serde_json::from_str(&request.body).unwrap());
                self.losses.pop_front().unwrap_or(reply)
            }
            ("GET", "metadata") if request.target.ends_with("?list=true") => self.list(path),
            ("DELETE", "metadata") => {
                self.secrets.remove(path);
                Reply::full(204, &[], "")
            }
            _ => errors(405, &["unsupported operation"]),
        }
    }

    pub(super) fn read(&mut self, path: &str) -> Reply {
        if self.no_locks && path.contains("/locks/") {
            return errors(404, &[]);
        }
        let Some(versions) = self.secrets.get_mut(path) else { return errors(404, &[]) };
        let number = versions.len();
        let Some(data) = versions.last().cloned().flatten() else {
            let metadata =
                json!({ "version": number, "deletion_time": "2026-01-01T00:00:00Z", "destroyed": false });
            return Reply::json(404, &json!({ "data": { "data": null, "metadata": metadata } }));
        };
        for (_, left) in self.raced.iter_mut().filter(|(raced, _)| raced == path) {
            *left -= 1;
            if *left == 0 {
                versions.push(Some(data.clone()));
            }
        }
        self.raced.retain(|(_, left)| *left > 0);
        let metadata = json!({ "version": number, "deletion_time": "", "destroyed": false });
        Reply::json(200, &json!({ "data": { "data": data, "metadata": metadata } }))
    }

    pub(super) fn write(&mut self, path: &str, body: &Value) -> Reply {
        if self.no_locks && path.contains("/locks/") {
            return Reply::json(200, &json!({ "data": { "version": 1 } }));
        }
        let versions = self.secrets.entry(path.to_owned()).or_default();
        let current = versions.len() as u64;
        if body.pointer("/options/cas").and_then(Value::as_u64).is_some_and(|cas| cas != current) {
            self.conflicts += 1;
            if versions.is_empty() {
                self.secrets.remove(path);
            }
            return errors(400, &["check-and-set parameter did not match the current version"]);
        }
        versions.push(Some(body["data"].clone()));
        Reply::json(
            200,
            &json!({ "data": { "version": current + 1, "deletion_time": "", "destroyed": false } }),
        )
    }

    pub(super) fn list(&self, path: &str) -> Reply {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let names: Vec<&str> = self.secrets.keys().filter_map(|name| name.strip_prefix(&folder)).collect();
        if names.is_empty() {
            return errors(404, &[]);
        }
        Reply::json(200, &json!({ "data": { "keys": names } }))
    }
}

//! A server that answers as Vault's documentation of the secrets engine `kv`, version 2, says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::AuthorizationServer;
use super::http::{Reply, Request, Server};

/// The versions of one secret, the first being number 1; `None` where one was deleted.
type Versions = Vec<Option<Value>>;

#[derive(Default)]
struct State {
    secrets: BTreeMap<String, Versions>,
    faults: VecDeque<Reply>,
    losses: VecDeque<Reply>,
    /// After so many readings more, these secrets are written once more by somebody else.
    raced: Vec<(String, u32)>,
    /// Everybody gets every lock at once.
    no_locks: bool,
    /// Nobody is reached any more as soon as this says so.
    cut: Option<Box<dyn Fn() -> bool + Send>>,
    conflicts: u32,
}

/// The running server.
pub struct VaultServer {
    server: Server,
    state: Arc<Mutex<State>>,
}

/// The token that it takes.
pub const TOKEN: &str = "hvs.canary-vault-token";

impl VaultServer {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let handler = Arc::clone(&state);
        let server = Server::start(move |request| handler.lock().unwrap().answer(request));
        Self { server, state }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// The next request is answered with this, and does nothing.
    pub fn fault(&self, reply: Reply) {
        self.state.lock().unwrap().faults.push_back(reply);
    }

    /// The next write takes effect, and its answer is this.
    pub fn lose_write(&self, reply: Reply) {
        self.state.lock().unwrap().losses.push_back(reply);
    }

    /// Somebody writes the same once more, right after it is read for the `nth` time.
    pub fn race(&self, name: &str, nth: u32) {
        let full = self.names().into_iter().find(|path| path.contains(name)).unwrap();
        self.state.lock().unwrap().raced.push((full, nth));
    }

    /// Everybody gets every lock at once, as if it had run out.
    pub fn give_all_locks(&self) {
        self.state.lock().unwrap().no_locks = true;
    }

    /// It cannot be reached any more once an authorization server has had one more request of a grant.
    pub fn cut_when(&self, server: &AuthorizationServer, grant: &'static str) {
        let count = server.counter(grant);
        let before = count();
        self.state.lock().unwrap().cut = Some(Box::new(move || count() > before));
    }

    /// It is reached again.
    pub fn heal(&self) {
        self.state.lock().unwrap().cut = None;
    }

    /// How many writes were refused because of another.
    pub fn conflicts(&self) -> u32 {
        self.state.lock().unwrap().conflicts
    }

    /// What a person does with `vault kv delete`.
    pub fn soft_delete(&self, name: &str) {
        let mut state = self.state.lock().unwrap();
        for (_, versions) in state.secrets.iter_mut().filter(|(path, _)| path.contains(name)) {
            *versions.last_mut().unwrap() = None;
        }
    }

    /// The bytes of a secret, as text.
    pub fn content(&self, name: &str) -> String {
        let state = self.state.lock().unwrap();
        let (_, versions) = state.secrets.iter().find(|(path, _)| path.contains(name)).unwrap();
        let sealed = versions.last().unwrap().as_ref().unwrap()["sealed"].as_str().unwrap();
        String::from_utf8(STANDARD.decode(sealed).unwrap()).unwrap()
    }

    /// Somebody puts something else there.
    pub fn replace(&self, name: &str, content: &str) {
        let mut state = self.state.lock().unwrap();
        let (_, versions) = state.secrets.iter_mut().find(|(path, _)| path.contains(name)).unwrap();
        versions.push(Some(json!({ "sealed": STANDARD.encode(content) })));
    }

    /// Takes a lock for ever, as a machine does that dies.
    pub fn hold_lock(&self) {
        let mut state = self.state.lock().unwrap();
        for (path, versions) in &mut state.secrets {
            if path.contains("/locks/") {
                versions.push(Some(json!({ "sealed": "AAAA" })));
            }
        }
    }

    /// The secrets that are there now.
    pub fn names(&self) -> Vec<String> {
        self.state.lock().unwrap().secrets.keys().cloned().collect()
    }

    /// Everything that it ever held, as one text.
    pub fn everything(&self) -> String {
        let requests = self.server.requests();
        requests.iter().map(|request| format!("{} {}\n", request.target, request.body)).collect()
    }
}

fn errors(status: u16, messages: &[&str]) -> Reply {
    Reply::json(status, &json!({ "errors": messages }))
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
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

    fn read(&mut self, path: &str) -> Reply {
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

    fn write(&mut self, path: &str, body: &Value) -> Reply {
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

    fn list(&self, path: &str) -> Reply {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let names: Vec<&str> = self.secrets.keys().filter_map(|name| name.strip_prefix(&folder)).collect();
        if names.is_empty() {
            return errors(404, &[]);
        }
        Reply::json(200, &json!({ "data": { "keys": names } }))
    }
}

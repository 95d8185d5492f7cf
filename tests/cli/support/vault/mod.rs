//! A server that follows Vault's documentation of the `kv` secrets engine, version 2.

mod state;

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use self::state::State;
pub use self::state::TOKEN;
use super::AuthorizationServer;
use super::http::{Reply, Request, Server};

/// The running server.
pub struct VaultServer {
    server: Server,
    state: Arc<Mutex<State>>,
}

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

    /// Answers the next request with this; the request has no effect.
    pub fn fault(&self, reply: Reply) {
        self.state.lock().unwrap().faults.push_back(reply);
    }

    /// Answers the next write with this, after it takes effect.
    pub fn lose_write(&self, reply: Reply) {
        self.state.lock().unwrap().losses.push_back(reply);
    }

    /// Another client writes the same value again, right after the `nth` read.
    pub fn race(&self, name: &str, nth: u32) {
        let full = self.names().into_iter().find(|path| path.contains(name)).unwrap();
        self.state.lock().unwrap().raced.push((full, nth));
    }

    /// Grants every lock at once, as if it had expired.
    pub fn give_all_locks(&self) {
        self.state.lock().unwrap().no_locks = true;
    }

    /// Becomes unreachable after an authorization server's next request with a grant.
    pub fn cut_when(&self, server: &AuthorizationServer, grant: &'static str) {
        let count = server.counter(grant);
        let before = count();
        self.state.lock().unwrap().cut = Some(Box::new(move || count() > before));
    }

    /// Becomes reachable again.
    pub fn heal(&self) {
        self.state.lock().unwrap().cut = None;
    }

    /// The number of writes that were rejected because of a conflict.
    pub fn conflicts(&self) -> u32 {
        self.state.lock().unwrap().conflicts
    }

    /// Deletes a secret as `vault kv delete` does.
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

    /// Another client writes something else.
    pub fn replace(&self, name: &str, content: &str) {
        let mut state = self.state.lock().unwrap();
        let (_, versions) = state.secrets.iter_mut().find(|(path, _)| path.contains(name)).unwrap();
        versions.push(Some(json!({ "sealed": STANDARD.encode(content) })));
    }

    /// Takes a lock forever, as a machine that dies does.
    pub fn hold_lock(&self) {
        let mut state = self.state.lock().unwrap();
        for (path, versions) in &mut state.secrets {
            if path.contains("/locks/") {
                versions.push(Some(json!({ "sealed": "AAAA" })));
            }
        }
    }

    /// The existing secrets.
    pub fn names(&self) -> Vec<String> {
        self.state.lock().unwrap().secrets.keys().cloned().collect()
    }

    /// Everything that it ever stored, as one text.
    pub fn everything(&self) -> String {
        let requests = self.server.requests();
        requests.iter().map(|request| format!("{} {}\n", request.target, request.body)).collect()
    }
}

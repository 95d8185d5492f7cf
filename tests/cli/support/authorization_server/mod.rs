//! An authorization server for the stories: strict about what it is sent, with rotation and reuse detection, and with
//! faults on demand.

mod actions;
mod authorization;
mod behaviour;
mod client;
mod device;
mod dpop;
mod grants;
mod introspection;
pub mod jws;
mod keys;
mod logout;
mod metadata;
mod overlay;
mod pushed_request;
mod registration;
mod request;
mod routes;
mod state;
mod token;
mod userinfo;

use std::sync::{Arc, Mutex};

pub use self::behaviour::Behaviour;
use self::keys::new_key;
use self::state::{Inner, State};
use super::http::{Reply, Request, Server};

/// The running server. When it is dropped, it fails the test if a request broke the protocol.
pub struct AuthorizationServer {
    server: Server,
    inner: Arc<Inner>,
}

impl AuthorizationServer {
    pub fn start() -> Self {
        let inner = Arc::new(Inner {
            behaviour: Mutex::new(Behaviour::default()),
            state: Mutex::new(State::default()),
            key: Mutex::new(new_key()),
        });
        let handler = Arc::clone(&inner);
        Self { server: Server::start(move |request| handler.answer(request)), inner }
    }

    /// Changes how it behaves.
    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) -> &Self {
        change(&mut self.inner.behaviour.lock().unwrap());
        self
    }

    /// Answers the next request to a path with this reply; the request has no effect.
    pub fn fault(&self, path: &str, reply: Reply) -> &Self {
        self.set(|behaviour| behaviour.faults.entry(path.to_owned()).or_default().push_back(reply))
    }

    /// Answers the next request to a path with this reply, after the request took effect.
    pub fn lose(&self, path: &str, reply: Reply) -> &Self {
        self.set(|behaviour| behaviour.losses.entry(path.to_owned()).or_default().push_back(reply))
    }

    /// Changes the answer to the next request to a path.
    pub fn rewrite(&self, path: &str, change: impl FnOnce(Reply) -> Reply + Send + 'static) -> &Self {
        self.set(|behaviour| {
            behaviour.rewrites.entry(path.to_owned()).or_default().push_back(Box::new(change));
        })
    }

    /// Signs with a new key from now on.
    pub fn rotate_key(&self) {
        *self.inner.key.lock().unwrap() = new_key();
    }

    /// Answers a request that another server forwards.
    pub fn answer(&self, request: &Request) -> Reply {
        self.inner.answer(request)
    }

    pub fn issuer(&self) -> String {
        self.server.url()
    }

    /// `127.0.0.1:port`
    pub fn domain(&self) -> String {
        self.server.address().to_string()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// The requests to a path so far.
    pub fn requests_to(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path() == path).collect()
    }

    /// How many token requests had this grant so far.
    pub fn token_requests(&self, grant: &str) -> usize {
        let has_grant = |request: &&Request| request.parameter("grant_type").as_deref() == Some(grant);
        self.requests_to("/token").iter().filter(has_grant).count()
    }

    /// Counts a grant's token requests, from any thread.
    pub fn counter(&self, grant: &'static str) -> impl Fn() -> usize + Send + 'static {
        self.server.counter(move |request| request.parameter("grant_type").as_deref() == Some(grant))
    }

    /// Whether an access token is valid.
    pub fn accepts(&self, token: &str) -> bool {
        self.inner.state.lock().unwrap().access_tokens.get(token).is_some_and(|token| token.good)
    }

    /// Whether a family of refresh tokens was revoked, as after reuse of an old one.
    pub fn any_family_revoked(&self) -> bool {
        self.inner.state.lock().unwrap().families.iter().any(|family| family.revoked)
    }

    /// Every secret that it issued.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.inner.state.lock().unwrap();
        let refresh = state.families.iter().map(|family| family.current.clone());
        refresh.chain(state.access_tokens.keys().cloned()).chain(state.codes.keys().cloned()).collect()
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        let violations = std::mem::take(&mut self.inner.state.lock().unwrap().violations);
        if !std::thread::panicking() {
            assert!(
                violations.is_empty(),
                "requests to the authorization server broke the protocol: {violations:?}"
            );
        }
    }
}

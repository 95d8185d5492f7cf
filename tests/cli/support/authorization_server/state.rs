//! What the server remembers.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use ring::signature::EcdsaKeyPair;

use super::behaviour::Behaviour;

pub(super) struct Code {
    pub(super) challenge: String,
    pub(super) redirect_uri: String,
    pub(super) nonce: Option<String>,
    pub(super) scope: String,
    pub(super) user: String,
}

pub(super) struct Family {
    pub(super) current: String,
    pub(super) scope: String,
    pub(super) user: String,
    pub(super) revoked: bool,
    pub(super) key: Option<String>,
}

pub(super) struct Issued {
    pub(super) user: String,
    pub(super) good: bool,
    /// The thumbprint of the key that it is bound to.
    pub(super) key: Option<String>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) counter: u64,
    pub(super) codes: HashMap<String, Code>,
    pub(super) families: Vec<Family>,
    pub(super) access_tokens: HashMap<String, Issued>,
    pub(super) pushed: HashMap<String, Vec<(String, String)>>,
    pub(super) devices: HashMap<String, String>,
    pub(super) used: HashSet<String>,
    pub(super) violations: Vec<String>,
}

impl State {
    pub(super) fn new_family(&mut self, scope: &str, user: &str, key: Option<String>) -> String {
        let current = format!("refresh-canary-{}", self.counter);
        self.families.push(Family {
            current: current.clone(),
            scope: scope.to_owned(),
            user: user.to_owned(),
            revoked: false,
            key,
        });
        current
    }
}

pub(super) struct Inner {
    pub(super) behaviour: Mutex<Behaviour>,
    pub(super) state: Mutex<State>,
    pub(super) key: Mutex<Arc<EcdsaKeyPair>>,
}

impl Inner {
    pub(super) fn violation(&self, what: String) {
        self.state.lock().unwrap().violations.push(what);
    }
}

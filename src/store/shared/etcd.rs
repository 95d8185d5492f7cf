//! etcd version 3 through its JSON gateway: transactions on the mod revision, and a lease for each lock. This is one
//! file, because all calls share the decision which failures may be retried.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use crate::oauth::endpoint::EndpointUrl;
use crate::ports::{HttpError, HttpRequest, Method, System, Transport};
use crate::secret::SecretText;
use crate::store::bytes::Bytes;
use crate::store::error::StoreError;
use crate::store::kind::StoreKind;
use crate::store::lock::{LOCK_LIFE, SharedLock};
use crate::store::revision::{Revision, Versioned};
use crate::text::untrusted::escaped;

/// While a cluster elects a new leader it answers nobody: requests are repeated for this long.
const LONGEST_OUTAGE: Duration = Duration::from_secs(12);
/// The pause between two rounds over all nodes.
const PAUSE: Duration = Duration::from_millis(200);
const UNAVAILABLE: i64 = 14;
const DEADLINE_EXCEEDED: i64 = 4;
const UNAUTHENTICATED: i64 = 16;
/// How etcd rejects a client certificate with a common name. The name would select a user, but the JSON API cannot see
/// whose call it is (etcd's documentation, "Using TLS Common Name").
const NAMED_CLIENT: &[u8] = b"CommonName of client";

pub struct Etcd {
    system: System,
    transport: Transport,
    endpoints: Vec<EndpointUrl>,
    prefix: String,
    user: Option<(String, SecretText)>,
    /// The token that the cluster issued for the password.
    token: RefCell<Option<SecretText>>,
    /// The node that answered last.
    answers: Cell<usize>,
    /// Since when no node has answered, by the monotonic clock: an outage is waited for once, not by each call.
    silent_since: Cell<Option<Duration>>,
}

#[derive(Deserialize)]
struct KeyValue {
    #[serde(default)]
    key: String,
    #[serde(default)]
    mod_revision: String,
    #[serde(default)]
    value: String,
}

/// Why a node's response is unusable.
enum Failure {
    /// Another node may answer.
    Next(String),
    /// No node will answer.
    Final(StoreError),
    /// The token has expired.
    Unauthenticated,
}

impl Etcd {
    /// A cluster with these nodes, and authctl's user there with its password.
    pub fn new(
        system: System,
        transport: Transport,
        endpoints: Vec<EndpointUrl>,
        prefix: String,
        user: Option<(String, SecretText)>,
    ) -> Self {
        let (token, answers, silent_since) = (RefCell::default(), Cell::default(), Cell::default());
        Self { system, transport, endpoints, prefix, user, token, answers, silent_since }
    }

    fn key(&self, key: &str) -> String {
        STANDARD.encode(format!("{}{key}", self.prefix))
    }

    fn failed(reason: impl Into<String>) -> StoreError {
        StoreError::SharedStore { kind: StoreKind::Etcd, reason: reason.into() }
    }

    /// Tries the nodes in turn until one answers.
    fn call(&self, method: &str, body: &Value) -> Result<Value, StoreError> {
        let clock = &self.system.clock;
        let asked = clock.elapsed();
        loop {
            let reason = match self.round(method, body)? {
                Ok(answer) => {
                    self.silent_since.set(None);
                    return Ok(answer);
                }
                Err(reason) => reason,
            };
            let since = self.silent_since.get().unwrap_or(asked);
            self.silent_since.set(Some(since));
            if clock.elapsed() >= since + LONGEST_OUTAGE {
                return Err(Self::failed(reason));
            }
            clock.sleep(PAUSE);
        }
    }

    /// Tries every node once; returns the last one's failure if none answers.
    fn round(&self, method: &str, body: &Value) -> Result<Result<Value, String>, StoreError> {
        let mut last = "it has no nodes".to_owned();
        for turn in 0..self.endpoints.len() {
            let node = (self.answers.get() + turn) % self.endpoints.len();
            let mut answer = self.authenticated(node, method, body);
            if matches!(answer, Err(Failure::Unauthenticated)) {
                self.token.take();
                answer = self.authenticated(node, method, body);
            }
            match answer {
                Ok(answer) => {
                    self.answers.set(node);
                    return Ok(Ok(answer));
                }
                Err(Failure::Next(reason)) => last = reason,
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Unauthenticated) => {
                    return Err(Self::failed("it rejected the user name or password"));
                }
            }
        }
        Ok(Err(last))
    }

    fn authenticated(&self, node: usize, method: &str, body: &Value) -> Result<Value, Failure> {
        if let Some((name, password)) = self.user.as_ref().filter(|_| self.token.borrow().is_none()) {
            let body = Zeroizing::new(json!({ "name": name, "password": password.expose() }).to_string());
            let answer = self.post(node, "auth/authenticate", SecretText::new(body.as_str()))?;
            let token = answer.get("token").and_then(Value::as_str);
            let token = token.ok_or_else(|| Failure::Final(Self::failed("it returned no token")))?;
            *self.token.borrow_mut() = Some(SecretText::new(token));
        }
        self.post(node, method, SecretText::new(body.to_string()))
    }

    fn post(&self, node: usize, method: &str, body: SecretText) -> Result<Value, Failure> {
        let endpoint = &self.endpoints[node];
        let url: Url = endpoint
            .url()
            .join(&format!("/v3/{method}"))
            .map_err(|error| Failure::Final(Self::failed(error.to_string())))?;
        let mut request: HttpRequest = endpoint.request(Method::Post, &self.transport);
        request.url = url;
        request.body = Some(("application/json", body));
        if let Some(token) = &*self.token.borrow() {
            request.headers.push(("authorization", token.clone()));
        }
        let response = self.system.http.send(&request).map_err(|error| match error {
            HttpError::NotSent { .. } | HttpError::Untrusted { .. } | HttpError::AnswerLost { .. } => {
                Failure::Next(error.to_string())
            }
            other => Failure::Final(Self::failed(other.to_string())),
        })?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if response.status == 200 && answer.is_object() {
            return Ok(answer);
        }
        if response.status == 400 && response.body.starts_with(NAMED_CLIENT) {
            let reason = "it rejects client certificates with a common name (CN); use one without";
            return Err(Failure::Final(Self::failed(reason)));
        }
        let said = ["message", "error"].iter().find_map(|name| answer.get(name)?.as_str());
        let said = said.map_or_else(|| format!("it returned status {}", response.status), escaped);
        let code = answer.get("code").and_then(Value::as_i64);
        Err(match (code, response.status) {
            (Some(UNAUTHENTICATED), _) => Failure::Unauthenticated,
            // What older versions say about an expired token.
            _ if self.token.borrow().is_some() && said.contains("invalid auth token") => {
                Failure::Unauthenticated
            }
            (Some(UNAVAILABLE | DEADLINE_EXCEEDED), _) | (None, 500..) => Failure::Next(said),
            _ => Failure::Final(Self::failed(said)),
        })
    }

    fn found(answer: &Value) -> Option<KeyValue> {
        serde_json::from_value(answer.get("kvs")?.get(0)?.clone()).ok()
    }

    /// Writes a value if `compare` holds. A transaction whose response was lost is sent again: the stored value then
    /// tells whether the first one succeeded, because no two sealed values are equal.
    fn put_if(
        &self,
        key: &str,
        value: &str,
        compare: &Value,
        lease: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        let put = match lease {
            Some(lease) => json!({ "key": key, "value": value, "lease": lease }),
            None => json!({ "key": key, "value": value }),
        };
        let transaction = json!({
            "compare": compare,
            "success": [{ "requestPut": put }],
            "failure": [{ "requestRange": { "key": key } }],
        });
        let answer = self.call("kv/txn", &transaction)?;
        let revision = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).map(str::to_owned);
            text.ok_or_else(|| Self::failed("its response has no revision"))
        };
        if answer.get("succeeded").and_then(Value::as_bool) == Some(true) {
            return revision(answer.pointer("/header/revision")).map(Some);
        }
        let present = answer.pointer("/responses/0/response_range").and_then(Self::found);
        Ok(present.filter(|present| present.value == value).map(|present| present.mod_revision))
    }
}

impl Bytes for Etcd {
    fn kind(&self) -> StoreKind {
        StoreKind::Etcd
    }

    fn read(&self, key: &str) -> Result<Option<Versioned<Zeroizing<Vec<u8>>>>, StoreError> {
        let answer = self.call("kv/range", &json!({ "key": self.key(key) }))?;
        let Some(found) = Self::found(&answer) else { return Ok(None) };
        let bytes = STANDARD.decode(&found.value).map_err(|_| Self::failed("its response is not base64"))?;
        Ok(Some(Versioned { value: Zeroizing::new(bytes), revision: Revision::At(found.mod_revision) }))
    }

    fn write(&self, key: &str, bytes: &[u8], over: &Revision) -> Result<Revision, StoreError> {
        let encoded = self.key(key);
        let at = |revision: &str| json!([{ "key": encoded, "target": "MOD", "result": "EQUAL", "mod_revision": revision }]);
        let compare = match over {
            Revision::Any => json!([]),
            Revision::Absent => at("0"),
            Revision::At(revision) => at(revision),
        };
        match self.put_if(&encoded, &STANDARD.encode(bytes), &compare, None)? {
            Some(revision) => Ok(Revision::At(revision)),
            None => Err(StoreError::Conflict { place: self.location(key) }),
        }
    }

    fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let answer = self.call("kv/deleterange", &json!({ "key": self.key(key) }))?;
        Ok(answer.get("deleted").and_then(Value::as_str).is_some_and(|count| count != "0"))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let first = format!("{}{prefix}", self.prefix);
        let mut end = first.clone().into_bytes();
        if let Some(last) = end.last_mut() {
            // A prefix ends with `/`: the next byte ends the range.
            *last += 1;
        }
        let range =
            json!({ "key": STANDARD.encode(&first), "range_end": STANDARD.encode(end), "keys_only": true });
        let answer = self.call("kv/range", &range)?;
        let found: Vec<KeyValue> =
            serde_json::from_value(answer.get("kvs").cloned().unwrap_or_else(|| json!([])))
                .map_err(|_| Self::failed("its list of keys is not valid"))?;
        let name = |found: KeyValue| {
            let key = String::from_utf8(STANDARD.decode(found.key).ok()?).ok()?;
            key.strip_prefix(&first).map(str::to_owned)
        };
        Ok(found.into_iter().filter_map(name).collect())
    }

    fn lock(self: Rc<Self>, key: &str, limit: Duration) -> Result<Option<SharedLock>, StoreError> {
        let encoded = self.key(key);
        let mut holder = [0; 16];
        self.system.random.fill(&mut holder);
        let holder = STANDARD.encode(holder);
        let end = self.system.clock.elapsed() + limit;
        loop {
            let taken = self.call("kv/range", &json!({ "key": encoded, "keys_only": true }))?;
            if Self::found(&taken).is_none() {
                let lease = self.call("lease/grant", &json!({ "TTL": LOCK_LIFE.as_secs().to_string() }))?;
                let lease = lease.get("ID").and_then(Value::as_str).map(str::to_owned);
                let lease = lease.ok_or_else(|| Self::failed("it granted no lease"))?;
                let absent = json!([{ "key": encoded, "target": "CREATE", "result": "EQUAL", "create_revision": "0" }]);
                let (etcd, id) = (Rc::clone(&self), lease.clone());
                // The key is deleted with its lease. A lease that cannot be revoked expires.
                let lock = SharedLock::new(move || drop(etcd.round("lease/revoke", &json!({ "ID": id }))));
                if self.put_if(&encoded, &holder, &absent, Some(&lease))?.is_some() {
                    return Ok(Some(lock));
                }
            }
            if self.system.clock.elapsed() >= end {
                return Err(StoreError::LockTimeout { path: self.location(key), waited: limit });
            }
            self.system.clock.sleep(PAUSE);
        }
    }
}

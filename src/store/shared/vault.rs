//! Vault and OpenBao: a `kv` version 2 secrets engine, with its check-and-set.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::oauth::endpoint::EndpointUrl;
use crate::ports::{HttpError, HttpResponse, Method, System, Transport};
use crate::secret::SecretText;
use crate::store::bytes::Bytes;
use crate::store::error::StoreError;
use crate::store::kind::StoreKind;
use crate::store::lock::{LOCK_LIFE, SharedLock};
use crate::store::revision::{Revision, Versioned};
use crate::text::untrusted::escaped;

/// The pause before a lock is checked again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long requests to a starting server, or to a standby without an active node, are repeated.
const LONGEST_OUTAGE: Duration = Duration::from_secs(12);
/// The member that holds the sealed bytes.
const MEMBER: &str = "sealed";

pub struct Vault {
    system: System,
    transport: Transport,
    address: EndpointUrl,
    mount: String,
    prefix: String,
    namespace: Option<String>,
    token: Option<SecretText>,
}

/// A secret's version; one without bytes was deleted.
struct Version {
    number: u64,
    bytes: Option<Zeroizing<Vec<u8>>>,
}

impl Vault {
    /// A server, the secrets engine's mount with authctl's prefix there, and the token.
    pub fn new(
        system: System,
        transport: Transport,
        address: EndpointUrl,
        (mount, prefix): (String, String),
        namespace: Option<String>,
        token: Option<SecretText>,
    ) -> Self {
        Self { system, transport, address, mount, prefix, namespace, token }
    }

    fn failed(reason: impl Into<String>) -> StoreError {
        StoreError::SharedStore { kind: StoreKind::Vault, reason: reason.into() }
    }

    /// Sends a request, and repeats it while the server says that it cannot answer yet. The caller finds out whether a
    /// write succeeded whose response was lost.
    fn call(
        &self,
        method: Method,
        part: &str,
        key: &str,
        body: Option<&Value>,
    ) -> Result<HttpResponse, StoreError> {
        let end = self.system.clock.elapsed() + LONGEST_OUTAGE;
        loop {
            let reason = match self.send(method, part, key, body) {
                Ok(response) if !matches!(response.status, 429 | 472 | 473 | 500..) => return Ok(response),
                Ok(response) => said(&response),
                Err(
                    error @ (HttpError::NotSent { .. }
                    | HttpError::Untrusted { .. }
                    | HttpError::AnswerLost { .. }),
                ) => error.to_string(),
                Err(error) => return Err(Self::failed(error.to_string())),
            };
            if self.system.clock.elapsed() >= end {
                return Err(Self::failed(reason));
            }
            self.system.clock.sleep(PAUSE);
        }
    }

    fn send(
        &self,
        method: Method,
        part: &str,
        key: &str,
        body: Option<&Value>,
    ) -> Result<HttpResponse, HttpError> {
        let mut request = self.address.request(method, &self.transport);
        if let Ok(mut segments) = request.url.path_segments_mut() {
            segments.pop_if_empty().push("v1");
            segments.extend(self.mount.split('/').filter(|segment| !segment.is_empty()));
            segments.push(part);
            segments.extend(self.prefix.split('/').chain(key.split('/')).filter(|part| !part.is_empty()));
        }
        if key.ends_with('/') {
            request.url.set_query(Some("list=true"));
        }
        request.headers.push(("x-vault-request", SecretText::new("true")));
        if let Some(namespace) = &self.namespace {
            request.headers.push(("x-vault-namespace", SecretText::new(namespace.as_str())));
        }
        if let Some(token) = &self.token {
            request.headers.push(("x-vault-token", token.clone()));
        }
        request.body = body.map(|body| ("application/json", SecretText::new(body.to_string())));
        self.system.http.send(&request)
    }

    /// A key's current version; `None` if it never existed.
    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        let response = self.call(Method::Get, "data", key, None)?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let number = answer.pointer("/data/metadata/version").and_then(Value::as_u64);
        match (response.status, number) {
            (200, Some(number)) => {
                let text = answer.pointer("/data/data").and_then(|data| data.get(MEMBER)?.as_str());
                let bytes = text.and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
                let bytes = bytes.ok_or_else(|| Self::failed(format!("{key} was not written by authctl")))?;
                Ok(Some(Version { number, bytes: Some(bytes) }))
            }
            // A deleted version still counts.
            (404, Some(number)) => Ok(Some(Version { number, bytes: None })),
            // A mount that does not exist returns 404 too, but with an error message.
            (404, None) if says_nothing(&answer) => Ok(None),
            _ => Err(Self::failed(said(&response))),
        }
    }

    /// Writes over a version, 0 for none; `None` if the key is in another version. If the response to a first try was
    /// lost, the stored value tells whether it succeeded.
    fn write_version(&self, key: &str, bytes: &[u8], over: Option<u64>) -> Result<Option<u64>, StoreError> {
        let options = over.map_or_else(|| json!({}), |version| json!({ "cas": version }));
        let body = json!({ "options": options, "data": { MEMBER: STANDARD.encode(bytes) } });
        let response = self.call(Method::Post, "data", key, Some(&body))?;
        if response.status == 200 {
            let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let version = answer.pointer("/data/version").and_then(Value::as_u64);
            return version.map(Some).ok_or_else(|| Self::failed("its response has no version"));
        }
        let reason = said(&response);
        if response.status == 400 && reason.contains("check-and-set") && over.is_some() {
            let present = self.version(key)?;
            let ours = present.filter(|present| present.bytes.as_ref().is_some_and(|found| **found == bytes));
            return Ok(ours.map(|present| present.number));
        }
        Err(Self::failed(reason))
    }
}

fn says_nothing(answer: &Value) -> bool {
    answer.get("errors").and_then(Value::as_array).is_none_or(Vec::is_empty)
}

/// The errors in a response.
fn said(response: &HttpResponse) -> String {
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let errors = answer.get("errors").and_then(Value::as_array).into_iter().flatten();
    let errors: Vec<String> = errors.filter_map(Value::as_str).map(escaped).collect();
    if errors.is_empty() { format!("it returned status {}", response.status) } else { errors.join(", ") }
}

impl Bytes for Vault {
    fn kind(&self) -> StoreKind {
        StoreKind::Vault
    }

    fn read(&self, key: &str) -> Result<Option<Versioned<Zeroizing<Vec<u8>>>>, StoreError> {
        let Some(version) = self.version(key)? else { return Ok(None) };
        let revision = Revision::At(version.number.to_string());
        Ok(version.bytes.map(|value| Versioned { value, revision }))
    }

    fn write(&self, key: &str, bytes: &[u8], over: &Revision) -> Result<Revision, StoreError> {
        let over = match over {
            Revision::Any => None,
            Revision::At(version) => Some(version.parse().unwrap_or(u64::MAX)),
            Revision::Absent => Some(0),
        };
        let mut written = self.write_version(key, bytes, over)?;
        if written.is_none() && over == Some(0) {
            // Somebody may have deleted the last version with Vault's own tools, and its number still counts.
            let deleted = self.version(key)?.filter(|version| version.bytes.is_none());
            if let Some(deleted) = deleted {
                written = self.write_version(key, bytes, Some(deleted.number))?;
            }
        }
        match written {
            Some(version) => Ok(Revision::At(version.to_string())),
            None => Err(StoreError::Conflict { place: self.location(key) }),
        }
    }

    fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let there = self.version(key)?.is_some_and(|version| version.bytes.is_some());
        // Deleting the metadata deletes all earlier versions, which hold earlier tokens.
        let response = self.call(Method::Delete, "metadata", key, None)?;
        match response.status {
            200 | 204 | 404 => Ok(there),
            _ => Err(Self::failed(said(&response))),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let response = self.call(Method::Get, "metadata", prefix, None)?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        match response.status {
            200 => {
                let keys = answer.pointer("/data/keys").and_then(Value::as_array).into_iter().flatten();
                Ok(keys.filter_map(Value::as_str).map(str::to_owned).collect())
            }
            404 if says_nothing(&serde_json::from_slice(&response.body).unwrap_or_default()) => {
                Ok(Vec::new())
            }
            _ => Err(Self::failed(said(&response))),
        }
    }

    fn lock(self: Rc<Self>, key: &str, limit: Duration) -> Result<Option<SharedLock>, StoreError> {
        let clock = Arc::clone(&self.system.clock);
        let mut holder = [0; 16];
        self.system.random.fill(&mut holder);
        let end = clock.elapsed() + limit;
        let mut seen: Option<(u64, Duration)> = None;
        loop {
            let present = self.version(key)?;
            let number = present.as_ref().map_or(0, |version| version.number);
            let held = present.and_then(|version| version.bytes).is_some_and(|bytes| !bytes.is_empty());
            // A holder that has not changed for a lock's lifetime has died. The clocks of two machines are not
            // compared.
            let since = match seen {
                Some((same, since)) if same == number => since,
                _ => clock.elapsed(),
            };
            seen = Some((number, since));
            let dead = clock.elapsed().saturating_sub(since) >= LOCK_LIFE;
            if (!held || dead)
                && let Some(version) = self.write_version(key, &holder, Some(number))?
            {
                // The lock is a secret that is empty when nobody holds it. If it cannot be emptied, another machine
                // takes it over after its lifetime.
                let released = json!({ "options": { "cas": version }, "data": { MEMBER: "" } });
                let key = key.to_owned();
                let release = move || drop(self.send(Method::Post, "data", &key, Some(&released)));
                return Ok(Some(SharedLock::new(release)));
            }
            if clock.elapsed() >= end {
                return Err(StoreError::LockTimeout { path: self.location(key), waited: limit });
            }
            clock.sleep(PAUSE);
        }
    }
}

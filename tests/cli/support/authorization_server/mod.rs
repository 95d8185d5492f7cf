//! An authorization server for the stories: strict about what it is sent, with rotation and reuse detection, and with
//! faults on demand.

pub mod jws;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Map, Value, json};

use self::jws::{Jws, sha256, thumbprint};
use super::http::{Reply, Request, Server};

/// How the server behaves; changed by the stories.
pub struct Behaviour {
    /// The seconds that access tokens live; `None`: it does not say.
    pub expires_in: Option<i64>,
    /// Every refresh brings a new refresh token and ends the old one.
    pub rotates: bool,
    /// Refreshes take this long.
    pub pause: Duration,
    /// It gives refresh tokens at all.
    pub refreshes: bool,
    /// The `iss` of redirects.
    pub redirect_issuer: Option<String>,
    /// Who logs in.
    pub user: String,
    /// The scopes that it grants, in the place of those asked for.
    pub granted: Option<String>,
    /// Changes the metadata.
    pub metadata: Map<String, Value>,
    /// Changes the claims of id tokens; `null` removes one.
    pub claims: Map<String, Value>,
    /// Changes token answers; `null` removes a member.
    pub token_members: Map<String, Value>,
    /// Changes userinfo answers.
    pub userinfo: Map<String, Value>,
    /// What the next requests to a path are answered with, in the place of the real answer.
    pub faults: HashMap<String, VecDeque<Reply>>,
    /// As `faults`, but after the request took effect: the answer is lost.
    pub losses: HashMap<String, VecDeque<Reply>>,
    /// Changes to the answers of the next requests to a path, which take effect.
    pub rewrites: HashMap<String, VecDeque<Rewrite>>,
    /// The redirect says this in the place of a code.
    pub refuses_with: Option<String>,
    /// The one client that it knows.
    pub client_id: String,
    /// Registers whoever asks as that client, and adds this to the answer; `null` removes a member.
    pub registers: Option<Map<String, Value>>,
    /// The client's secret; without one it is public.
    pub client_secret: Option<String>,
    /// Refreshes bring an id token.
    pub id_token_on_refresh: bool,
    /// The client proves itself with assertions by this public JWK, or by `client_secret` where this is `null`.
    pub client_assertions: Option<Value>,
    /// The `aud` that client assertions must have, where it is not the issuer.
    pub assertion_audience: Option<String>,
    /// Tokens are bound to keys: a token request without a proof is refused.
    pub dpop: bool,
    /// The nonce that proofs must have at the token endpoint, and at resources.
    pub dpop_nonces: Option<(String, String)>,
    /// The public JWK of request objects: requests that are not signed are refused.
    pub request_objects: Option<Value>,
    /// Only pushed requests are taken.
    pub requires_par: bool,
    /// The public JWK that assertions of the JWT bearer grant are by.
    pub bearer_assertions: Option<Value>,
    /// What the device authorization endpoint adds to its answer, or takes from it.
    pub device: Map<String, Value>,
    /// Id tokens are signed with RS256, in the place of ES256.
    pub rsa: bool,
    /// Keys and id tokens have no `kid`.
    pub no_key_ids: bool,
    /// Further keys in the key set, in front of the one that signs.
    pub more_keys: Vec<Value>,
    /// The `state` that the logout returns with; `None` for the right one.
    pub logout_state: Option<Value>,
}

/// Changes an answer on its way to the client.
pub type Rewrite = Box<dyn FnOnce(Reply) -> Reply + Send>;

struct Code {
    challenge: String,
    redirect_uri: String,
    nonce: Option<String>,
    scope: String,
    user: String,
}

struct Family {
    current: String,
    scope: String,
    user: String,
    revoked: bool,
    key: Option<String>,
}

struct Issued {
    user: String,
    good: bool,
    /// The thumbprint of the key that it is bound to.
    key: Option<String>,
}

#[derive(Default)]
struct State {
    counter: u64,
    codes: HashMap<String, Code>,
    families: Vec<Family>,
    access_tokens: HashMap<String, Issued>,
    pushed: HashMap<String, Vec<(String, String)>>,
    devices: HashMap<String, String>,
    used: HashSet<String>,
    violations: Vec<String>,
}

impl State {
    fn new_family(&mut self, scope: &str, user: &str, key: Option<String>) -> String {
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

struct Shared {
    behaviour: Mutex<Behaviour>,
    state: Mutex<State>,
    key: Mutex<Arc<EcdsaKeyPair>>,
}

/// The running server. When it is dropped, it fails the test if a request broke the protocol.
pub struct AuthorizationServer {
    server: Server,
    shared: Arc<Shared>,
}

impl AuthorizationServer {
    pub fn start() -> Self {
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(Behaviour {
                expires_in: Some(3600),
                rotates: true,
                pause: Duration::ZERO,
                refreshes: true,
                redirect_issuer: None,
                user: "alice".to_owned(),
                granted: None,
                metadata: Map::new(),
                claims: Map::new(),
                token_members: Map::new(),
                userinfo: Map::new(),
                faults: HashMap::new(),
                rewrites: HashMap::new(),
                losses: HashMap::new(),
                refuses_with: None,
                client_id: "app".to_owned(),
                registers: None,
                client_secret: None,
                id_token_on_refresh: false,
                client_assertions: None,
                assertion_audience: None,
                dpop: false,
                dpop_nonces: None,
                request_objects: None,
                requires_par: false,
                bearer_assertions: None,
                device: Map::new(),
                rsa: false,
                no_key_ids: false,
                more_keys: Vec::new(),
                logout_state: None,
            }),
            state: Mutex::new(State::default()),
            key: Mutex::new(new_key()),
        });
        let handler = Arc::clone(&shared);
        Self { server: Server::start(move |request| handler.answer(request)), shared }
    }

    /// Changes how it behaves.
    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) -> &Self {
        change(&mut self.shared.behaviour.lock().unwrap());
        self
    }

    /// The next request to a path is answered with this.
    pub fn fault(&self, path: &str, reply: Reply) -> &Self {
        self.set(|behaviour| behaviour.faults.entry(path.to_owned()).or_default().push_back(reply))
    }

    /// The next request to a path takes effect, and its answer is this.
    pub fn lose(&self, path: &str, reply: Reply) -> &Self {
        self.set(|behaviour| behaviour.losses.entry(path.to_owned()).or_default().push_back(reply))
    }

    /// The next request to a path takes effect, and its answer is changed like this.
    pub fn rewrite(&self, path: &str, change: impl FnOnce(Reply) -> Reply + Send + 'static) -> &Self {
        self.set(|behaviour| {
            behaviour.rewrites.entry(path.to_owned()).or_default().push_back(Box::new(change));
        })
    }

    /// Signs with a new key from now on.
    pub fn rotate_key(&self) {
        *self.shared.key.lock().unwrap() = new_key();
    }

    /// What it answers to a request that another server passes on.
    pub fn answer(&self, request: &Request) -> Reply {
        self.shared.answer(request)
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

    /// The token requests of a grant so far.
    pub fn token_requests(&self, grant: &str) -> usize {
        let of_grant = |request: &&Request| request.parameter("grant_type").as_deref() == Some(grant);
        self.requests_to("/token").iter().filter(of_grant).count()
    }

    /// Counts the token requests of a grant, from whatever thread.
    pub fn counter(&self, grant: &'static str) -> impl Fn() -> usize + Send + 'static {
        self.server.counter(move |request| request.parameter("grant_type").as_deref() == Some(grant))
    }

    /// Whether an access token is good.
    pub fn accepts(&self, token: &str) -> bool {
        self.shared.state.lock().unwrap().access_tokens.get(token).is_some_and(|token| token.good)
    }

    /// Whether a family of refresh tokens was revoked, as after reuse of an old one.
    pub fn any_family_revoked(&self) -> bool {
        self.shared.state.lock().unwrap().families.iter().any(|family| family.revoked)
    }

    /// Every secret that it gave out.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.shared.state.lock().unwrap();
        let refresh = state.families.iter().map(|family| family.current.clone());
        refresh.chain(state.access_tokens.keys().cloned()).chain(state.codes.keys().cloned()).collect()
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        let violations = std::mem::take(&mut self.shared.state.lock().unwrap().violations);
        if !std::thread::panicking() {
            assert!(
                violations.is_empty(),
                "the authorization server was sent what breaks the protocol: {violations:?}"
            );
        }
    }
}

/// The server, as the request names it.
fn issuer_of(request: &Request) -> String {
    format!("{}://{}", request.scheme, request.header("host").unwrap_or_default())
}

fn new_key() -> Arc<EcdsaKeyPair> {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    Arc::new(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap())
}

fn overlay(value: &mut Value, changes: &Map<String, Value>) {
    let object = value.as_object_mut().unwrap();
    for (name, change) in changes {
        if change.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), change.clone());
        }
    }
}

impl Shared {
    fn answer(&self, request: &Request) -> Reply {
        if let Some(fault) = self.next(request, |behaviour| &mut behaviour.faults) {
            return fault;
        }
        let reply = self.real_answer(request);
        let reply = self.next(request, |behaviour| &mut behaviour.losses).unwrap_or(reply);
        match self.next(request, |behaviour| &mut behaviour.rewrites) {
            Some(rewrite) => rewrite(reply),
            None => reply,
        }
    }

    fn next<T>(
        &self,
        request: &Request,
        of: impl FnOnce(&mut Behaviour) -> &mut HashMap<String, VecDeque<T>>,
    ) -> Option<T> {
        of(&mut self.behaviour.lock().unwrap()).get_mut(request.path())?.pop_front()
    }

    fn real_answer(&self, request: &Request) -> Reply {
        let issuer = issuer_of(request);
        match (request.method.as_str(), request.path()) {
            ("GET", "/.well-known/openid-configuration") => self.metadata(&issuer),
            ("GET", path) if path.starts_with("/.well-known/") => Reply::full(404, &[], ""),
            ("GET", "/authorize") => self.authorize(request),
            ("POST", "/token") => self.token(request, &issuer),
            ("GET", "/jwks") => self.keys(),
            ("GET", "/userinfo") => self.userinfo(request),
            ("POST", "/revoke") => self.revoke(request),
            ("POST", "/introspect") => self.introspect(request),
            ("POST", "/par") => self.par(request),
            ("POST", "/device" | "/bc-authorize") => self.device(request, &issuer),
            ("POST", "/register") => self.register(request, &issuer),
            ("DELETE", "/register/1") => self.end_registration(request),
            ("GET", "/enter") => Reply::full(200, &[], "enter your code"),
            ("GET", "/end-session") => self.end_session(request, &issuer),
            ("GET", "/actions") => self.actions(request),
            ("GET", "/api") => self.api(request),
            (method, path) => {
                self.violation(format!("{method} {path} is not served"));
                Reply::full(404, &[], "")
            }
        }
    }

    fn violation(&self, what: String) {
        self.state.lock().unwrap().violations.push(what);
    }

    fn metadata(&self, issuer: &str) -> Reply {
        let mut metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "introspection_endpoint": format!("{issuer}/introspect"),
            "pushed_authorization_request_endpoint": format!("{issuer}/par"),
            "device_authorization_endpoint": format!("{issuer}/device"),
            "backchannel_authentication_endpoint": format!("{issuer}/bc-authorize"),
            "end_session_endpoint": format!("{issuer}/end-session"),
            "require_pushed_authorization_requests": self.behaviour.lock().unwrap().requires_par,
            "require_signed_request_object": self.behaviour.lock().unwrap().request_objects.is_some(),
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
        });
        if self.behaviour.lock().unwrap().registers.is_some() {
            metadata["registration_endpoint"] = format!("{issuer}/register").into();
        }
        overlay(&mut metadata, &self.behaviour.lock().unwrap().metadata);
        Reply::json(200, &metadata)
    }

    /// A client that was never seen is the one that is known from now on.
    fn register(&self, request: &Request, issuer: &str) -> Reply {
        let behaviour = self.behaviour.lock().unwrap();
        let Some(members) = &behaviour.registers else { return Reply::full(404, &[], "") };
        let mut answer: Value = serde_json::from_str(&request.body).unwrap();
        answer["client_id"] = behaviour.client_id.as_str().into();
        answer["registration_client_uri"] = format!("{issuer}/register/1").into();
        answer["registration_access_token"] = "registration-canary".into();
        if let Some(secret) = &behaviour.client_secret {
            answer["client_secret"] = secret.as_str().into();
            answer["client_secret_expires_at"] = 0.into();
            answer["token_endpoint_auth_method"] = "client_secret_basic".into();
        }
        overlay(&mut answer, members);
        Reply::json(201, &answer)
    }

    fn end_registration(&self, request: &Request) -> Reply {
        if request.header("authorization") != Some("Bearer registration-canary") {
            self.violation("a registration was ended without its token".to_owned());
        }
        Reply::full(204, &[], "")
    }

    fn keys(&self) -> Reply {
        let behaviour = self.behaviour.lock().unwrap();
        let mut keys = behaviour.more_keys.clone();
        let mut key = if behaviour.rsa { jws::rsa_jwk() } else { ec_jwk(&self.key.lock().unwrap()) };
        if behaviour.no_key_ids {
            key.as_object_mut().unwrap().remove("kid");
        }
        keys.push(key);
        Reply::json(200, &json!({ "keys": keys }))
    }

    /// A user who is logged in and consents at once.
    fn authorize(&self, request: &Request) -> Reply {
        let parameters = match self.authorization_parameters(request) {
            Ok(parameters) => parameters,
            Err(problem) => {
                self.violation(problem);
                return Reply::full(400, &[], "");
            }
        };
        let parameter = |name: &str| {
            parameters.iter().find(|(present, _)| present == name).map(|(_, value)| value.clone())
        };
        for (name, want) in [
            ("response_type", Some("code")),
            ("client_id", Some(self.behaviour.lock().unwrap().client_id.clone().as_str())),
            ("code_challenge_method", Some("S256")),
        ] {
            if parameter(name).as_deref() != want {
                self.violation(format!("the authorization request has {name} {:?}", parameter(name)));
            }
        }
        for forbidden in ["client_secret", "code_verifier"] {
            if parameter(forbidden).is_some() {
                self.violation(format!("the authorization request has {forbidden}"));
            }
        }
        let redirect_uri = parameter("redirect_uri").unwrap_or_default();
        let mut location = url::Url::parse(&redirect_uri).unwrap();
        let behaviour = self.behaviour.lock().unwrap();
        let mut state = self.state.lock().unwrap();
        if let Some(error) = &behaviour.refuses_with {
            location
                .query_pairs_mut()
                .append_pair("error", error)
                .append_pair("error_description", "<script>no\u{1b}[31m</script>");
        } else {
            state.counter += 1;
            let code = format!("code-canary-{}", state.counter);
            location.query_pairs_mut().append_pair("code", &code);
            let scope = behaviour.granted.clone().or_else(|| parameter("scope")).unwrap_or_default();
            let user = behaviour.user.clone();
            let challenge = parameter("code_challenge").unwrap_or_default();
            state
                .codes
                .insert(code, Code { challenge, redirect_uri, nonce: parameter("nonce"), scope, user });
        }
        location.query_pairs_mut().append_pair("state", &parameter("state").unwrap_or_default());
        if let Some(issuer) = &behaviour.redirect_issuer {
            location.query_pairs_mut().append_pair("iss", issuer);
        }
        Reply::redirect(302, location.as_str())
    }

    /// The parameters of an authorization request: in the URL, pushed beforehand, or in a request object.
    fn authorization_parameters(&self, request: &Request) -> Result<Vec<(String, String)>, String> {
        let mut parameters = request.query();
        let value = |parameters: &[(String, String)], name: &str| {
            parameters.iter().find(|(present, _)| present == name).map(|(_, value)| value.clone())
        };
        let mut sorted: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
        sorted.sort_unstable();
        if let Some(uri) = value(&parameters, "request_uri") {
            // RFC 9126 section 4: nothing beside the client, and once.
            if sorted != ["client_id", "request_uri"] {
                return Err(format!("a pushed request has {sorted:?}"));
            }
            let pushed = self.state.lock().unwrap().pushed.remove(&uri);
            parameters = pushed.ok_or("the request_uri is unknown or was used")?;
        } else if self.behaviour.lock().unwrap().requires_par {
            return Err("the request was not pushed".to_owned());
        }
        let Some(key) = self.behaviour.lock().unwrap().request_objects.clone() else { return Ok(parameters) };
        let object = value(&parameters, "request").ok_or("the request is not signed")?;
        let object = Jws::parse(&object).ok_or("the request object is none")?;
        let issuer = issuer_of(request);
        if !object.is_by(&key) || object.header["typ"] != "oauth-authz-req+jwt" {
            return Err("the request object is not signed as it should be".to_owned());
        }
        if object.claims["aud"] != issuer.as_str() || object.claims["iss"] != "app" {
            return Err(format!("the request object is for {}", object.claims["aud"]));
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(object
            .claims
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect())
    }

    fn par(&self, request: &Request) -> Reply {
        self.check_token_request(request);
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        if let Err(refusal) = self.prove(request, None) {
            return refusal;
        }
        if request.parameter("request_uri").is_some() {
            self.violation("a request_uri was pushed".to_owned());
        }
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let uri = format!("urn:ietf:params:oauth:request_uri:{}", state.counter);
        state.pushed.insert(uri.clone(), request.form());
        Reply::json(201, &json!({ "request_uri": uri, "expires_in": 60 }))
    }

    /// A device, or somebody on another one, who consents at once; the stories make it wait by faults.
    fn device(&self, request: &Request, issuer: &str) -> Reply {
        self.check_token_request(request);
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let code = format!("device-canary-{}", state.counter);
        state.devices.insert(code.clone(), request.parameter("scope").unwrap_or_default());
        let mut answer = if request.path() == "/device" {
            json!({
                "device_code": code, "user_code": "WDJB-MJHT", "expires_in": 900, "interval": 5,
                "verification_uri": format!("{issuer}/enter"),
                "verification_uri_complete": format!("{issuer}/enter?user_code=WDJB-MJHT"),
            })
        } else {
            if request.parameter("login_hint").is_none() || request.parameter("binding_message").is_none() {
                state.violations.push("whom to ask, or what to show them, is missing".to_owned());
            }
            json!({ "auth_req_id": code, "expires_in": 900, "interval": 5 })
        };
        overlay(&mut answer, &self.behaviour.lock().unwrap().device);
        Reply::json(200, &answer)
    }

    fn end_session(&self, request: &Request, issuer: &str) -> Reply {
        let hint = request.parameter("id_token_hint").and_then(|hint| Jws::parse(&hint));
        if hint.is_none_or(|hint| hint.claims["iss"] != issuer) {
            self.violation("the logout names no id token of ours".to_owned());
        }
        let Some(uri) = request.parameter("post_logout_redirect_uri") else {
            return Reply::full(200, &[], "you are logged out");
        };
        let mut location = url::Url::parse(&uri).unwrap();
        match self.behaviour.lock().unwrap().logout_state.clone() {
            None => {
                location
                    .query_pairs_mut()
                    .append_pair("state", &request.parameter("state").unwrap_or_default());
            }
            Some(Value::String(other)) => drop(location.query_pairs_mut().append_pair("state", &other)),
            Some(_) => {}
        }
        Reply::redirect(302, location.as_str())
    }

    /// The endpoint that GitHub gives a workflow.
    fn actions(&self, request: &Request) -> Reply {
        if request.header("authorization") != Some("Bearer request-canary")
            || request.parameter("api-version").as_deref() != Some("2.0")
        {
            self.violation("the workflow's own token or query is missing".to_owned());
        }
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims =
            json!({ "sub": "repo:o/r", "aud": request.parameter("audience"), "exp": 4_000_000_000_u64 });
        Reply::json(
            200,
            &json!({ "value": format!("{}.{}.c2ln", encode(json!({ "alg": "RS256" })), encode(claims)) }),
        )
    }

    fn introspect(&self, request: &Request) -> Reply {
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let state = self.state.lock().unwrap();
        let token = state.access_tokens.get(&request.parameter("token").unwrap_or_default());
        Reply::json(
            200,
            &match token.filter(|token| token.good) {
                Some(token) => {
                    json!({ "active": true, "sub": format!("id-of-{}", token.user), "more": "\u{1b}[31m" })
                }
                None => json!({ "active": false }),
            },
        )
    }

    /// RFC 9449 sections 4.3, 8 and 9: the thumbprint of the key that a request proves, or what it is refused with.
    fn prove(&self, request: &Request, token: Option<&str>) -> Result<Option<String>, Reply> {
        let (wanted, nonces) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.dpop, behaviour.dpop_nonces.clone())
        };
        let Some(proof) = request.header("dpop") else {
            return if wanted && token.is_none() {
                Err(Reply::json(400, &json!({ "error": "invalid_dpop_proof" })))
            } else {
                Ok(None)
            };
        };
        let mut problems = Vec::new();
        let proof = Jws::parse(proof).expect("the proof is a JWT");
        let jwk = &proof.header["jwk"];
        if proof.header["typ"] != "dpop+jwt" || !proof.is_by(jwk) || jwk.get("d").is_some() {
            problems.push(format!("the proof's header is {}", proof.header));
        }
        let now = jiff::Timestamp::now().as_second();
        let url = format!("{}{}", issuer_of(request), request.path());
        let claims = &proof.claims;
        let fresh = claims["iat"].as_i64().is_some_and(|made| (made - now).abs() < 60);
        if claims["htm"] != request.method.as_str() || claims["htu"] != url.as_str() {
            problems.push(format!("the proof is for {} {}", claims["htm"], claims["htu"]));
        }
        if claims["ath"].as_str().map(str::to_owned) != token.map(sha256) {
            problems.push("the proof is not for this token".to_owned());
        }
        let id = claims["jti"].as_str().unwrap_or_default().to_owned();
        if id.len() < 16 || !self.state.lock().unwrap().used.insert(format!("proof {id}")) {
            problems.push("the proof was used before".to_owned());
        }
        let nonce = nonces.map(|(server, resource)| if token.is_some() { resource } else { server });
        self.state.lock().unwrap().violations.extend(problems);
        if let Some(nonce) = nonce.filter(|nonce| claims["nonce"] != nonce.as_str()) {
            let json = ("content-type", "application/json");
            let body = json!({ "error": "use_dpop_nonce" }).to_string();
            let challenge = ("www-authenticate", "dpop ERROR=\"use_dpop_nonce\"");
            let status = if token.is_some() { 401 } else { 400 };
            return Err(Reply::full(status, &[json, challenge, ("dpop-nonce", nonce.as_str())], body));
        }
        if !fresh {
            let date =
                jiff::fmt::rfc2822::to_string(&jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC))
                    .unwrap();
            let headers = [("content-type", "application/json"), ("date", date.as_str())];
            return Err(Reply::full(400, &headers, json!({ "error": "invalid_dpop_proof" }).to_string()));
        }
        Ok(Some(thumbprint(jwk)))
    }

    fn token(&self, request: &Request, issuer: &str) -> Reply {
        self.check_token_request(request);
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let key = match self.prove(request, None) {
            Ok(key) => key,
            Err(refusal) => return refusal,
        };
        let (expires_in, rotates, refreshes, id_token_on_refresh) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.expires_in, behaviour.rotates, behaviour.refreshes, behaviour.id_token_on_refresh)
        };
        let refreshing = request.parameter("grant_type").as_deref() == Some("refresh_token");
        let error = |code: &str| Reply::json(400, &json!({ "error": code, "error_description": "because" }));
        if refreshing {
            let pause = self.behaviour.lock().unwrap().pause;
            std::thread::sleep(pause);
        }
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let serial = state.counter;
        let mut answer = json!({ "access_token": format!("access-canary-{serial}"), "token_type": "Bearer" });
        if key.is_some() {
            answer["token_type"] = "DPoP".into();
        }
        if let Some(seconds) = expires_in {
            answer["expires_in"] = seconds.into();
        }
        let (scope, user, nonce) = match request.parameter("grant_type").unwrap_or_default().as_str() {
            "authorization_code" => {
                let Some(code) = state.codes.remove(&request.parameter("code").unwrap_or_default()) else {
                    return error("invalid_grant");
                };
                let verifier = request.parameter("code_verifier").unwrap_or_default();
                let challenge =
                    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()));
                if challenge != code.challenge
                    || request.parameter("redirect_uri").as_deref() != Some(&code.redirect_uri)
                {
                    state
                        .violations
                        .push("the code's verifier or redirect URI is not the request's".to_owned());
                    return error("invalid_grant");
                }
                if refreshes {
                    answer["refresh_token"] = state.new_family(&code.scope, &code.user, key.clone()).into();
                }
                (code.scope, code.user, code.nonce)
            }
            "refresh_token" => {
                let sent = request.parameter("refresh_token").unwrap_or_default();
                let Some(family) =
                    state.families.iter_mut().find(|family| family.current == sent && !family.revoked)
                else {
                    // Reuse of a token that was rotated away ends the whole family (RFC 9700 section 4.14).
                    state.families.iter_mut().for_each(|family| family.revoked = true);
                    return error("invalid_grant");
                };
                // RFC 9449 section 5: the refresh tokens of a public client are bound to the key.
                if family.key != key {
                    return error("invalid_dpop_proof");
                }
                if rotates {
                    family.current = format!("refresh-canary-{serial}");
                    answer["refresh_token"] = family.current.as_str().into();
                }
                (
                    request.parameter("scope").unwrap_or_else(|| family.scope.clone()),
                    family.user.clone(),
                    None,
                )
            }
            "client_credentials" => {
                (request.parameter("scope").unwrap_or_default(), "machine".to_owned(), None)
            }
            "urn:ietf:params:oauth:grant-type:device_code" | "urn:openid:params:grant-type:ciba" => {
                let code = request.parameter("device_code").or_else(|| request.parameter("auth_req_id"));
                let Some(scope) = state.devices.remove(&code.unwrap_or_default()) else {
                    return error("invalid_grant");
                };
                let user = self.behaviour.lock().unwrap().user.clone();
                if refreshes {
                    answer["refresh_token"] = state.new_family(&scope, &user, key.clone()).into();
                }
                (scope, user, None)
            }
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                let assertion = request.parameter("assertion").and_then(|assertion| Jws::parse(&assertion));
                let by = self.behaviour.lock().unwrap().bearer_assertions.clone().unwrap_or_default();
                let Some(assertion) = assertion.filter(|assertion| assertion.is_by(&by)) else {
                    return error("invalid_grant");
                };
                if assertion.claims["aud"] != issuer {
                    state.violations.push(format!("the assertion is for {}", assertion.claims["aud"]));
                }
                let user = assertion.claims["sub"].as_str().unwrap_or_default().to_owned();
                (request.parameter("scope").unwrap_or_default(), user, None)
            }
            "urn:ietf:params:oauth:grant-type:token-exchange" => {
                for role in ["subject", "actor"] {
                    let token = request.parameter(&format!("{role}_token"));
                    let kind = request.parameter(&format!("{role}_token_type"));
                    if token.is_some() != kind.is_some() || role == "subject" && token.is_none() {
                        state.violations.push(format!("the exchange's {role} is not whole"));
                    }
                }
                answer["issued_token_type"] = request
                    .parameter("requested_token_type")
                    .unwrap_or_else(|| "urn:ietf:params:oauth:token-type:access_token".to_owned())
                    .into();
                (request.parameter("scope").unwrap_or_default(), "exchanged".to_owned(), None)
            }
            _ => return error("unsupported_grant_type"),
        };
        let issued = Issued { user: user.clone(), good: true, key };
        state.access_tokens.insert(format!("access-canary-{serial}"), issued);
        drop(state);
        if !scope.is_empty() {
            answer["scope"] = scope.as_str().into();
        }
        if scope.split(' ').any(|scope| scope == "openid") && (!refreshing || id_token_on_refresh) {
            answer["id_token"] = self.id_token(issuer, &user, nonce.as_deref()).into();
        }
        overlay(&mut answer, &self.behaviour.lock().unwrap().token_members);
        Reply::json(200, &answer)
    }

    /// RFC 6749 sections 3.2 and 2.3, to the letter.
    fn check_token_request(&self, request: &Request) {
        let mut problems = Vec::new();
        if request.target.contains('?') {
            problems.push("the token request has a query".to_owned());
        }
        if request.header("content-type") != Some("application/x-www-form-urlencoded") {
            problems.push(format!("the token request is {:?}", request.header("content-type")));
        }
        let form = request.form();
        for (index, (name, value)) in form.iter().enumerate() {
            if value.is_empty() {
                problems.push(format!("{name} is empty"));
            }
            if !matches!(name.as_str(), "resource" | "audience")
                && form[..index].iter().any(|(other, _)| other == name)
            {
                problems.push(format!("{name} comes twice"));
            }
        }
        if request.header("authorization").is_some() && request.parameter("client_secret").is_some() {
            problems.push("the client authenticates twice".to_owned());
        }
        self.state.lock().unwrap().violations.extend(problems);
    }

    /// RFC 7523 section 3, by the letter of its revision.
    fn refuse_assertion(&self, request: &Request, key: &Value) -> Option<Reply> {
        let issuer = issuer_of(request);
        let (audience, secret) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.assertion_audience.clone(), behaviour.client_secret.clone())
        };
        let explicit = audience.is_none();
        let assertion = request.parameter("client_assertion").and_then(|assertion| Jws::parse(&assertion));
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let Some(assertion) =
            assertion.filter(|_| request.parameter("client_assertion_type").as_deref() == Some(kind))
        else {
            return Some(Reply::json(401, &json!({ "error": "invalid_client" })));
        };
        let signed = match secret {
            Some(secret) if key.is_null() => assertion.is_by_secret(&secret),
            _ => assertion.is_by(key),
        };
        let claims = &assertion.claims;
        let now = jiff::Timestamp::now().as_second();
        let lasts = claims["exp"].as_i64().is_some_and(|end| end > now && end <= now + 300);
        let id = claims["jti"].as_str().unwrap_or_default().to_owned();
        let mut problems = Vec::new();
        if claims["iss"] != "app" || claims["sub"] != "app" || !lasts || claims["iat"].is_null() {
            problems.push(format!("the client assertion says {claims}"));
        }
        if claims["aud"] != audience.unwrap_or(issuer).as_str() {
            problems.push(format!("the client assertion is for {}", claims["aud"]));
        }
        if explicit && assertion.header["typ"] != "client-authentication+jwt" {
            problems.push(format!("the client assertion has the header {}", assertion.header));
        }
        let mut state = self.state.lock().unwrap();
        if id.len() < 16 || !state.used.insert(format!("assertion {id}")) {
            problems.push("the client assertion was used before".to_owned());
        }
        if request.parameter("client_secret").is_some() || request.header("authorization").is_some() {
            problems.push("the client authenticates twice".to_owned());
        }
        state.violations.extend(problems);
        (!signed).then(|| Reply::json(401, &json!({ "error": "invalid_client" })))
    }

    fn refuse_client(&self, request: &Request) -> Option<Reply> {
        let assertions = self.behaviour.lock().unwrap().client_assertions.clone();
        if let Some(key) = assertions {
            return self.refuse_assertion(request, &key);
        }
        let expected = self.behaviour.lock().unwrap().client_secret.clone();
        let (id, secret) =
            match request.header("authorization").and_then(|header| header.strip_prefix("Basic ")) {
                Some(encoded) => {
                    let pair = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
                    let (id, secret) = pair.split_once(':').unwrap();
                    let decode = |text: &str| {
                        let spaced = text.replace('+', " ");
                        percent_encoding::percent_decode_str(&spaced).decode_utf8().unwrap().into_owned()
                    };
                    (Some(decode(id)), Some(decode(secret)))
                }
                None => (request.parameter("client_id"), request.parameter("client_secret")),
            };
        let known = id == Some(self.behaviour.lock().unwrap().client_id.clone()) && secret == expected;
        (!known).then(|| Reply::json(401, &json!({ "error": "invalid_client" })))
    }

    fn id_token(&self, issuer: &str, user: &str, nonce: Option<&str>) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": issuer, "aud": self.behaviour.lock().unwrap().client_id, "sub": format!("id-of-{user}"), "iat": now, "exp": now + 3600,
            "preferred_username": user, "nonce": nonce,
        });
        if nonce.is_none() {
            claims.as_object_mut().unwrap().remove("nonce");
        }
        overlay(&mut claims, &self.behaviour.lock().unwrap().claims);
        let key = self.key.lock().unwrap().clone();
        let (rsa, no_key_ids) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.rsa, behaviour.no_key_ids)
        };
        let mut header = if rsa {
            json!({ "alg": "RS256", "kid": jws::RSA_KEY_ID })
        } else {
            json!({ "alg": "ES256", "kid": kid(&key) })
        };
        if no_key_ids {
            header.as_object_mut().unwrap().remove("kid");
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let signature = if rsa {
            jws::rsa_signature(message.as_bytes())
        } else {
            key.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Whose token it is, or what the request is refused with.
    fn user(&self, request: &Request) -> Result<String, Reply> {
        if request.target.contains("access_token") {
            self.violation("a token is in a URL".to_owned());
        }
        let refused = || Reply::full(401, &[], "");
        let (scheme, token) =
            request.header("authorization").and_then(|header| header.split_once(' ')).ok_or_else(refused)?;
        let proved = self.prove(request, Some(token))?;
        let state = self.state.lock().unwrap();
        let issued = state.access_tokens.get(token).filter(|issued| issued.good).ok_or_else(refused)?;
        // A bound token by itself is good for nothing (RFC 9449 section 7).
        let fits = match (scheme, &issued.key) {
            ("Bearer", None) => true,
            ("DPoP", Some(key)) => proved.as_ref() == Some(key),
            _ => false,
        };
        if fits { Ok(issued.user.clone()) } else { Err(refused()) }
    }

    fn userinfo(&self, request: &Request) -> Reply {
        let user = match self.user(request) {
            Ok(user) => user,
            Err(refusal) => return refusal,
        };
        let mut claims = json!({ "sub": format!("id-of-{user}"), "preferred_username": user });
        overlay(&mut claims, &self.behaviour.lock().unwrap().userinfo);
        Reply::json(200, &claims)
    }

    fn api(&self, request: &Request) -> Reply {
        match self.user(request) {
            Ok(user) => Reply::json(200, &json!({ "hello": user })),
            Err(refusal) => refusal,
        }
    }

    fn revoke(&self, request: &Request) -> Reply {
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let token = request.parameter("token").unwrap_or_default();
        let mut state = self.state.lock().unwrap();
        if let Some(issued) = state.access_tokens.get_mut(&token) {
            issued.good = false;
        }
        for family in state.families.iter_mut().filter(|family| family.current == token) {
            family.revoked = true;
        }
        Reply::full(200, &[], "")
    }
}

fn ec_jwk(key: &EcdsaKeyPair) -> Value {
    let point = &key.public_key().as_ref()[1..];
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid(key), "x": encode(&point[..32]), "y": encode(&point[32..]) })
}

fn kid(key: &EcdsaKeyPair) -> String {
    URL_SAFE_NO_PAD
        .encode(&ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref()).as_ref()[..6])
}

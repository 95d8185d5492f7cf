//! An authorization server for the stories: strict about what it is sent, with rotation and reuse detection, and with
//! faults on demand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Map, Value, json};

use super::http::{Reply, Request, Server};

/// How the server behaves; changed by the stories.
pub struct Behaviour {
    /// The seconds that access tokens live; `None`: it does not say.
    pub expires_in: Option<i64>,
    /// Every refresh brings a new refresh token and ends the old one.
    pub rotates: bool,
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
    /// The redirect says this in the place of a code.
    pub refuses_with: Option<String>,
    /// The client's secret; without one it is public.
    pub client_secret: Option<String>,
    /// Refreshes bring an id token.
    pub id_token_on_refresh: bool,
}

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
}

#[derive(Default)]
struct State {
    counter: u64,
    codes: HashMap<String, Code>,
    families: Vec<Family>,
    access_tokens: HashMap<String, (String, bool)>,
    violations: Vec<String>,
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
                refreshes: true,
                redirect_issuer: None,
                user: "alice".to_owned(),
                granted: None,
                metadata: Map::new(),
                claims: Map::new(),
                token_members: Map::new(),
                userinfo: Map::new(),
                faults: HashMap::new(),
                losses: HashMap::new(),
                refuses_with: None,
                client_secret: None,
                id_token_on_refresh: false,
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

    /// Signs with a new key from now on.
    pub fn rotate_key(&self) {
        *self.shared.key.lock().unwrap() = new_key();
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

    /// Whether an access token is good.
    pub fn accepts(&self, token: &str) -> bool {
        self.shared.state.lock().unwrap().access_tokens.get(token).is_some_and(|(_, good)| *good)
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
        self.next(request, |behaviour| &mut behaviour.losses).unwrap_or(reply)
    }

    fn next(
        &self,
        request: &Request,
        of: impl FnOnce(&mut Behaviour) -> &mut HashMap<String, VecDeque<Reply>>,
    ) -> Option<Reply> {
        of(&mut self.behaviour.lock().unwrap()).get_mut(request.path())?.pop_front()
    }

    fn real_answer(&self, request: &Request) -> Reply {
        let issuer = format!("http://{}", request.header("host").unwrap_or_default());
        match (request.method.as_str(), request.path()) {
            ("GET", "/.well-known/openid-configuration") => self.metadata(&issuer),
            ("GET", path) if path.starts_with("/.well-known/") => Reply::full(404, &[], ""),
            ("GET", "/authorize") => self.authorize(request),
            ("POST", "/token") => self.token(request, &issuer),
            ("GET", "/jwks") => Reply::json(200, &json!({ "keys": [self.jwk()] })),
            ("GET", "/userinfo") => self.userinfo(request),
            ("POST", "/revoke") => self.revoke(request),
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
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
        });
        overlay(&mut metadata, &self.behaviour.lock().unwrap().metadata);
        Reply::json(200, &metadata)
    }

    fn jwk(&self) -> Value {
        let key = self.key.lock().unwrap().clone();
        let point = &key.public_key().as_ref()[1..];
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid(&key), "x": encode(&point[..32]), "y": encode(&point[32..]) })
    }

    /// A user who is logged in and consents at once.
    fn authorize(&self, request: &Request) -> Reply {
        let parameter = |name: &str| request.parameter(name);
        for (name, want) in [
            ("response_type", Some("code")),
            ("client_id", Some("app")),
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

    fn token(&self, request: &Request, issuer: &str) -> Reply {
        self.check_token_request(request);
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let (expires_in, rotates, refreshes, id_token_on_refresh) = {
            let behaviour = self.behaviour.lock().unwrap();
            (behaviour.expires_in, behaviour.rotates, behaviour.refreshes, behaviour.id_token_on_refresh)
        };
        let refreshing = request.parameter("grant_type").as_deref() == Some("refresh_token");
        let error = |code: &str| Reply::json(400, &json!({ "error": code, "error_description": "because" }));
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let serial = state.counter;
        let mut answer = json!({ "access_token": format!("access-canary-{serial}"), "token_type": "Bearer" });
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
                    let current = format!("refresh-canary-{serial}");
                    answer["refresh_token"] = current.as_str().into();
                    state.families.push(Family {
                        current,
                        scope: code.scope.clone(),
                        user: code.user.clone(),
                        revoked: false,
                    });
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
            _ => return error("unsupported_grant_type"),
        };
        state.access_tokens.insert(format!("access-canary-{serial}"), (user.clone(), true));
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

    fn refuse_client(&self, request: &Request) -> Option<Reply> {
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
        let known = id.as_deref() == Some("app") && secret == expected;
        (!known).then(|| Reply::json(401, &json!({ "error": "invalid_client" })))
    }

    fn id_token(&self, issuer: &str, user: &str, nonce: Option<&str>) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": issuer, "aud": "app", "sub": format!("id-of-{user}"), "iat": now, "exp": now + 3600,
            "preferred_username": user, "nonce": nonce,
        });
        if nonce.is_none() {
            claims.as_object_mut().unwrap().remove("nonce");
        }
        overlay(&mut claims, &self.behaviour.lock().unwrap().claims);
        let key = self.key.lock().unwrap().clone();
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&json!({ "alg": "ES256", "kid": kid(&key) })), encode(&claims));
        let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn bearer(&self, request: &Request) -> Option<String> {
        if request.target.contains("access_token") {
            self.violation("a token is in a URL".to_owned());
        }
        let token = request.header("authorization")?.strip_prefix("Bearer ")?;
        let state = self.state.lock().unwrap();
        state.access_tokens.get(token).filter(|(_, good)| *good).map(|(user, _)| user.clone())
    }

    fn userinfo(&self, request: &Request) -> Reply {
        let Some(user) = self.bearer(request) else { return Reply::full(401, &[], "") };
        let mut claims = json!({ "sub": format!("id-of-{user}"), "preferred_username": user });
        overlay(&mut claims, &self.behaviour.lock().unwrap().userinfo);
        Reply::json(200, &claims)
    }

    fn api(&self, request: &Request) -> Reply {
        match self.bearer(request) {
            Some(user) => Reply::json(200, &json!({ "hello": user })),
            None => Reply::json(401, &json!({ "error": "who are you?" })),
        }
    }

    fn revoke(&self, request: &Request) -> Reply {
        if let Some(refusal) = self.refuse_client(request) {
            return refusal;
        }
        let token = request.parameter("token").unwrap_or_default();
        let mut state = self.state.lock().unwrap();
        if let Some((_, good)) = state.access_tokens.get_mut(&token) {
            *good = false;
        }
        for family in state.families.iter_mut().filter(|family| family.current == token) {
            family.revoked = true;
        }
        Reply::full(200, &[], "")
    }
}

fn kid(key: &EcdsaKeyPair) -> String {
    URL_SAFE_NO_PAD
        .encode(&ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref()).as_ref()[..6])
}

//! How the server behaves.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::http::Reply;

/// Changes an answer on its way to the client.
pub type Rewrite = Box<dyn FnOnce(Reply) -> Reply + Send>;

/// How the server behaves. Tests change it.
pub struct Behaviour {
    /// The `expires_in` of access tokens; `None` omits it.
    pub expires_in: Option<i64>,
    /// Every refresh issues a new refresh token and revokes the old one.
    pub rotates: bool,
    /// How long a refresh takes.
    pub pause: Duration,
    /// Issues refresh tokens.
    pub refreshes: bool,
    /// The `iss` of redirects.
    pub redirect_issuer: Option<String>,
    /// The user who logs in.
    pub user: String,
    /// The scopes that it grants instead of the requested ones.
    pub granted: Option<String>,
    /// Changes the metadata.
    pub metadata: Map<String, Value>,
    /// Changes the ID tokens' claims; `null` removes one.
    pub claims: Map<String, Value>,
    /// Changes token answers; `null` removes a member.
    pub token_members: Map<String, Value>,
    /// Changes userinfo answers.
    pub userinfo: Map<String, Value>,
    /// The replies to the next requests to a path, instead of the real answers.
    pub faults: HashMap<String, VecDeque<Reply>>,
    /// Like `faults`, but after the request took effect: the real answer is lost.
    pub losses: HashMap<String, VecDeque<Reply>>,
    /// Changes to the answers to the next requests to a path.
    pub rewrites: HashMap<String, VecDeque<Rewrite>>,
    /// The redirect has this error instead of a code.
    pub refuses_with: Option<String>,
    /// The only client that it knows.
    pub client_id: String,
    /// Registers every caller as that client, and adds these members to the answer; `null` removes one.
    pub registers: Option<Map<String, Value>>,
    /// The client's secret; `None` makes it a public client.
    pub client_secret: Option<String>,
    /// Refreshes return an ID token.
    pub id_token_on_refresh: bool,
    /// The public JWK that signs client assertions; `null` means that `client_secret` signs them.
    pub client_assertions: Option<Value>,
    /// The `aud` that client assertions must have, if it is not the issuer.
    pub assertion_audience: Option<String>,
    /// Binds tokens to keys: rejects a token request without a proof.
    pub dpop: bool,
    /// The nonce that proofs must have at the token endpoint, and at resources.
    pub dpop_nonces: Option<(String, String)>,
    /// The public JWK that signs request objects; unsigned requests are rejected.
    pub request_objects: Option<Value>,
    /// Accepts only pushed requests.
    pub requires_par: bool,
    /// The public JWK that signs the JWT bearer grant's assertions.
    pub bearer_assertions: Option<Value>,
    /// Changes the device authorization answer; `null` removes a member.
    pub device: Map<String, Value>,
    /// Signs ID tokens with RS256 instead of ES256.
    pub rsa: bool,
    /// Keys and ID tokens have no `kid`.
    pub no_key_ids: bool,
    /// Additional keys in the key set, before the one that signs.
    pub more_keys: Vec<Value>,
    /// The `state` of the logout's redirect; `None` for the correct one, `null` omits it.
    pub logout_state: Option<Value>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
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
        }
    }
}

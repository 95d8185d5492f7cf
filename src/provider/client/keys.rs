//! The keys that every OAuth grant has in the configuration.

use crate::oauth::client::AuthenticationMethod;
use crate::oauth::quirks;
use crate::schema::{Key, Shape};

/// The algorithms that an id token may be signed with (RFC 7518 section 3.1).
const ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256", "HS384",
    "HS512",
];

/// The algorithms that a client's key may sign with.
const KEY_ALGORITHMS: &[&str] =
    &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// What a server may say that it can do, and cannot.
const CAPABILITIES: &[&str] = &["refresh", "revoke", "userinfo", "id_token", "introspect"];

/// The keys that every grant has.
pub const KEYS: &[&Key] = &[
    &Key::new("grant_type", Shape::Text, "How tokens are got").or("authorization_code"),
    &Key::new(
        "issuer",
        Shape::Text,
        "The issuer identifier, from which the endpoints are discovered; by default {scheme}://{domain}",
    ),
    &Key::new("client_id", Shape::Text, "The client identifier that the app was registered with")
        .from_environment(),
    &Key::new("client_secret", Shape::Secret, "The client secret, where the app has one").from_environment(),
    &Key::new(
        "token_endpoint_auth_method",
        Shape::Choice(AuthenticationMethod::NAMES),
        "How the client authenticates; by default what the server offers and the secrets allow",
    ),
    &Key::new(
        "private_key",
        Shape::Secret,
        "The client's private key, in PEM (PKCS#8, PKCS#1, SEC1) or as a JWK: for private_key_jwt and the certificate",
    )
    .from_environment(),
    &Key::new("private_key_id", Shape::Text, "The key identifier (`kid`) that the server knows the private key by"),
    &Key::new(
        "token_endpoint_auth_signing_alg",
        Shape::Choice(KEY_ALGORITHMS),
        "The algorithm that the private key signs with; by default RS256, or what the key's kind says",
    ),
    &Key::new(
        "certificate",
        Shape::Text,
        "A PEM file of the client's certificate chain, the private key beside it or in private_key: for tls_client_auth and bound tokens (RFC 8705)",
    )
    .trusted(),
    &Key::new("scopes", Shape::Scopes, "The scopes to ask for; as a table, capabilities and their scopes")
        .from_environment(),
    &Key::new("audience", Shape::Strings, "The audience of the tokens").from_environment(),
    &Key::new("resource", Shape::Strings, "The resources that the tokens are for (RFC 8707)")
        .from_environment(),
    &Key::new("token_params", Shape::Free, "Further parameters of token requests"),
    &Key::new(
        "use_openid",
        Shape::Boolean,
        "Whether OpenID Connect is used; by default when the scopes have `openid`",
    ),
    &Key::new(
        "use_dpop",
        Shape::Boolean,
        "Whether tokens are bound to a key that this machine keeps (DPoP, RFC 9449): every request then needs a proof, see `authctl headers --help`",
    )
    .or("false"),
    &Key::new(
        "id_token_signed_response_alg",
        Shape::Choice(ALGORITHMS),
        "The algorithm that id tokens are signed with",
    )
    .or("RS256"),
    &Key::new("capabilities", Shape::Flags(CAPABILITIES), "What this server cannot do although it says so"),
    &Key::new(
        "refresh_early",
        Shape::Duration,
        "How long before its end a token is renewed, but never more than half its life",
    )
    .harmless()
    .or("60s"),
    &Key::new(
        "quirks",
        Shape::Table(quirks::KEYS),
        "What this server does otherwise than the standards say",
    ),
    &Key::new("ca_file", Shape::Text, "Certificate authorities to trust beside the platform's, in PEM")
        .trusted(),
    &Key::new("proxy", Shape::Text, "The proxy, in the place of the environment's").trusted(),
    &Key::new("timeout", Shape::Duration, "The limit of one request").or("30s").trusted().harmless(),
    &Key::new("authorization_endpoint", Shape::Text, "The URL of the authorization endpoint"),
    &Key::new("token_endpoint", Shape::Text, "The URL of the token endpoint"),
    &Key::new("refresh_endpoint", Shape::Text, "The URL for refreshes, for servers that refresh elsewhere"),
    &Key::new("device_authorization_endpoint", Shape::Text, "The URL of the device authorization endpoint"),
    &Key::new("userinfo_endpoint", Shape::Text, "The URL of the userinfo endpoint"),
    &Key::new("revocation_endpoint", Shape::Text, "The URL of the revocation endpoint"),
    &Key::new("introspection_endpoint", Shape::Text, "The URL of the introspection endpoint"),
    &Key::new(
        "pushed_authorization_request_endpoint",
        Shape::Text,
        "The URL for pushed authorization requests",
    ),
    &Key::new(
        "backchannel_authentication_endpoint",
        Shape::Text,
        "The URL of the backchannel authentication endpoint (CIBA)",
    ),
    &Key::new("registration_endpoint", Shape::Text, "The URL of the client registration endpoint"),
    &Key::new("end_session_endpoint", Shape::Text, "The URL of the end session endpoint"),
    &Key::new("jwks_uri", Shape::Text, "The URL of the server's key set"),
];

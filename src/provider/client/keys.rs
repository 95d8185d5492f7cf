//! The configuration keys that every OAuth grant shares.

use crate::oauth::client::AuthenticationMethod;
use crate::oauth::quirks;
use crate::schema::{Key, Shape};

/// The algorithms that may sign an ID token (RFC 7518 section 3.1).
const ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256", "HS384",
    "HS512",
];

/// The algorithms that a client's key may use.
const KEY_ALGORITHMS: &[&str] =
    &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Capabilities that a server may announce but lack.
const CAPABILITIES: &[&str] = &["refresh", "revoke", "userinfo", "id_token", "introspect"];

pub const KEYS: &[&Key] = &[
    &Key::new("grant_type", Shape::Text, "The grant that gets tokens").or("authorization_code"),
    &Key::new(
        "issuer",
        Shape::Text,
        "The issuer URL, whose metadata lists the endpoints; by default {scheme}://{domain}",
    ),
    &Key::new("client_id", Shape::Text, "The client ID of the registered app")
        .from_environment(),
    &Key::new("client_secret", Shape::Secret, "The client secret, if the app has one").from_environment(),
    &Key::new(
        "token_endpoint_auth_method",
        Shape::Choice(AuthenticationMethod::NAMES),
        "How the client authenticates; by default a method that the server supports and the secrets allow",
    ),
    &Key::new(
        "private_key",
        Shape::Secret,
        "The client's private key, in PEM (PKCS#8, PKCS#1, SEC1) or as a JWK: for private_key_jwt and `certificate`",
    )
    .from_environment(),
    &Key::new("private_key_id", Shape::Text, "The server's key ID (`kid`) for the private key"),
    &Key::new(
        "token_endpoint_auth_signing_alg",
        Shape::Choice(KEY_ALGORITHMS),
        "The private key's signature algorithm; by default RS256, or the one that the key's type requires",
    ),
    &Key::new(
        "certificate",
        Shape::Text,
        "A PEM file with the client's certificate chain, and the private key unless it is in private_key: for tls_client_auth and certificate-bound tokens (RFC 8705)",
    )
    .trusted(),
    &Key::new("scopes", Shape::Scopes, "The scopes to request; as a table, capabilities and their scopes")
        .from_environment(),
    &Key::new("audience", Shape::Strings, "The audience of the tokens").from_environment(),
    &Key::new("resource", Shape::Strings, "The resources that the tokens are for (RFC 8707)")
        .from_environment(),
    &Key::new("token_params", Shape::Free, "Additional parameters for token requests"),
    &Key::new(
        "use_openid",
        Shape::Boolean,
        "Whether to use OpenID Connect; by default if the scopes contain `openid`",
    ),
    &Key::new(
        "use_dpop",
        Shape::Boolean,
        "Bind tokens to a key on this machine (DPoP, RFC 9449): every request then needs a proof, see `authctl headers --help`",
    )
    .or("false"),
    &Key::new(
        "id_token_signed_response_alg",
        Shape::Choice(ALGORITHMS),
        "The signature algorithm of ID tokens",
    )
    .or("RS256"),
    &Key::new("capabilities", Shape::Flags(CAPABILITIES), "Capabilities to disable, by setting them to false, if the server announces but does not support them"),
    &Key::new(
        "refresh_early",
        Shape::Duration,
        "How long before its expiry to refresh a token, but at most half its lifetime",
    )
    .harmless()
    .or("60s"),
    &Key::new(
        "quirks",
        Shape::Table(quirks::KEYS),
        "This server's deviations from the standards",
    ),
    &Key::new("ca_file", Shape::Text, "A PEM file with certificate authorities to trust in addition to the system's")
        .trusted(),
    &Key::new("proxy", Shape::Text, "The proxy, instead of the one from the environment").trusted(),
    &Key::new("timeout", Shape::Duration, "The time limit for one request").or("30s").trusted().harmless(),
    &Key::new("authorization_endpoint", Shape::Text, "The URL of the authorization endpoint"),
    &Key::new("token_endpoint", Shape::Text, "The URL of the token endpoint"),
    &Key::new("refresh_endpoint", Shape::Text, "The URL for refreshes, if the server uses a separate endpoint"),
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

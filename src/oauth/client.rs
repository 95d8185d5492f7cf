//! How the client identifies and authenticates itself to the authorization server (RFC 6749 section 2.3, RFC 7523
//! section 2.2, RFC 8705 section 2).

use std::rc::Rc;

use serde_json::json;

use super::endpoint::EndpointUrl;
use super::form::{FORM, Form, encode};
use super::pkce::random_text;
use super::signing_key::{KeyError, SigningKey};
use crate::ports::{HttpRequest, Method, Moment, Transport};
use crate::secret::{ClientSecret, SecretText};
use crate::token::basic;

/// How long a client assertion is valid, in seconds. Every request gets a new one.
const ASSERTION_LIFE: i64 = 120;
/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client authenticates (the names of RFC 7591 section 2, OpenID Connect Core section 9, RFC 8705 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationMethod {
    /// A public client: it sends only its identifier, in the body.
    None,
    /// The secret in HTTP Basic.
    ClientSecretBasic,
    /// The secret in the body.
    ClientSecretPost,
    /// A JWT with an HMAC by the secret.
    ClientSecretJwt,
    /// A JWT signed with the private key.
    PrivateKeyJwt,
    /// The TLS client certificate, issued by a certificate authority.
    TlsClientAuth,
    /// The TLS client certificate, self-signed and registered.
    SelfSignedTlsClientAuth,
}

/// The credentials that a client has to authenticate with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Means {
    pub secret: bool,
    pub key: bool,
    pub certificate: bool,
}

impl AuthenticationMethod {
    /// The names, in the order of the variants.
    pub const NAMES: &[&str] = &[
        "none",
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
    ];

    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::None,
            Self::ClientSecretBasic,
            Self::ClientSecretPost,
            Self::ClientSecretJwt,
            Self::PrivateKeyJwt,
            Self::TlsClientAuth,
            Self::SelfSignedTlsClientAuth,
        ];
        all.into_iter().find(|method| method.name() == name)
    }

    /// The method to use when the configuration names none: the strongest that the client has credentials for (RFC 9700
    /// section 2.5 recommends asymmetric ones). Among the methods with a secret, the one that the server's metadata
    /// offers; RFC 8414 section 2 makes `client_secret_basic` the default.
    pub fn chosen(means: Means, offered: Option<&[String]>) -> Self {
        // The strongest first; `client_secret_basic` before the other secret methods, because it is the default.
        let ranked = [
            (means.key, Self::PrivateKeyJwt),
            (means.certificate && !means.secret, Self::TlsClientAuth),
            (means.certificate && !means.secret, Self::SelfSignedTlsClientAuth),
            (means.secret, Self::ClientSecretBasic),
            (means.secret, Self::ClientSecretPost),
            (means.secret, Self::ClientSecretJwt),
        ];
        let possible = || ranked.into_iter().filter(|(has_means, _)| *has_means).map(|(_, method)| method);
        let is_offered =
            |method: &Self| offered.is_none_or(|names| names.iter().any(|name| name == method.name()));
        // A server that lists none of them has an incomplete list.
        possible().find(is_offered).or_else(|| possible().next()).unwrap_or(Self::None)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The configuration key that the method requires.
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt => Some("client_secret"),
            Self::PrivateKeyJwt => Some("private_key"),
            Self::TlsClientAuth | Self::SelfSignedTlsClientAuth => Some("certificate"),
        }
    }
}

/// What authenticates the client in a request.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// Nothing, or the TLS client certificate: the body carries only the client's identifier.
    None,
    /// HTTP Basic.
    Basic {
        secret: ClientSecret,
        /// The server reads the pair without form-decoding it.
        plain: bool,
    },
    /// The secret in the body.
    Post(ClientSecret),
    /// A JWT (RFC 7523 section 2.2).
    Assertion(Assertion),
}

/// How client assertions are made.
#[derive(Debug, Clone)]
pub struct Assertion {
    pub key: Rc<SigningKey>,
    /// The audience: "the issuer identifier of the authorization server" alone, unless an old server expects another.
    pub audience: String,
    /// Whether the header has a `typ` of its own (rfc7523bis).
    pub explicit_type: bool,
}

#[derive(Debug, Clone)]
pub struct Client {
    /// The client identifier; empty for grants that need no client.
    pub id: String,
    pub authentication: Authentication,
}

impl Client {
    /// Adds the client's authentication to a request: one method, never two (RFC 6749 section 2.3). The secret goes in
    /// the header or the body, never in a URL (section 2.3.1). Every request gets a new assertion.
    pub fn authenticate(
        &self,
        form: &mut Form,
        headers: &mut Vec<(&'static str, SecretText)>,
        moment: &Moment<'_>,
    ) -> Result<(), KeyError> {
        match &self.authentication {
            Authentication::None => form.set("client_id", &self.id),
            Authentication::Post(secret) => {
                form.set("client_id", &self.id);
                form.set("client_secret", secret.expose());
            }
            Authentication::Basic { secret, plain } => {
                let pair = if *plain {
                    basic(&self.id, secret.expose())
                } else {
                    basic(&encode(&self.id), &encode(secret.expose()))
                };
                headers.push(("authorization", SecretText::new(format!("Basic {pair}"))));
            }
            Authentication::Assertion(assertion) => {
                form.set("client_id", &self.id);
                form.set("client_assertion_type", ASSERTION_TYPE);
                form.set("client_assertion", assertion.make(&self.id, moment)?.expose());
            }
        }
        Ok(())
    }
}

impl Client {
    /// A form POST to one of the server's endpoints, with the client's authentication; it accepts JSON.
    pub fn request(
        &self,
        endpoint: &EndpointUrl,
        form: &Form,
        transport: &Transport,
        moment: &Moment<'_>,
    ) -> Result<HttpRequest, KeyError> {
        let mut form = form.clone();
        let mut request = endpoint.request(Method::Post, transport);
        request.headers.push(("accept", SecretText::new("application/json")));
        self.authenticate(&mut form, &mut request.headers, moment)?;
        request.body = Some((FORM, form.encoded()));
        Ok(request)
    }

    /// A request about a token: to revoke it (RFC 7009 section 2.1) or to introspect it (RFC 7662 section 2.1).
    ///
    /// # Errors
    /// [`KeyError`], when the key signs nothing.
    pub fn token_request(
        &self,
        endpoint: &EndpointUrl,
        token: &str,
        hint: &str,
        transport: &Transport,
        moment: &Moment<'_>,
    ) -> Result<HttpRequest, KeyError> {
        let mut form = Form::default();
        form.set("token", token);
        form.set("token_type_hint", hint);
        self.request(endpoint, &form, transport, moment)
    }
}

impl Assertion {
    /// The JWT that proves the client's identity (RFC 7523 section 3).
    fn make(&self, client_id: &str, moment: &Moment<'_>) -> Result<SecretText, KeyError> {
        let now = moment.now.as_second();
        let header = if self.explicit_type { "client-authentication+jwt" } else { "JWT" };
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": self.audience,
            "jti": random_text(moment.random),
            "iat": now,
            "exp": now + ASSERTION_LIFE,
        });
        self.key.sign(&json!({ "typ": header }), &claims)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use jiff::Timestamp;

    use super::*;
    use crate::oauth::pkce::tests::Counting;

    fn request(authentication: Authentication) -> (String, Option<String>) {
        let client = Client { id: "my app".to_owned(), authentication };
        let (mut form, mut headers) = (Form::default(), Vec::new());
        let moment = Moment { now: Timestamp::UNIX_EPOCH, random: &Counting::default() };
        client.authenticate(&mut form, &mut headers, &moment).unwrap();
        let header = headers.first().map(|(name, value)| {
            assert_eq!(*name, "authorization");
            let pair = value.expose().strip_prefix("Basic ").unwrap();
            String::from_utf8(base64::engine::general_purpose::STANDARD.decode(pair).unwrap()).unwrap()
        });
        (form.encoded().expose().to_owned(), header)
    }

    #[test]
    fn client_credentials_are_sent_by_one_method() {
        let secret = || ClientSecret::new("a:b%c+d é");
        for (name, authentication, body, header) in [
            ("none", Authentication::None, "client_id=my+app", None),
            (
                "post",
                Authentication::Post(secret()),
                "client_id=my+app&client_secret=a%3Ab%25c%2Bd+%C3%A9",
                None,
            ),
            (
                "basic",
                Authentication::Basic { secret: secret(), plain: false },
                "",
                Some("my+app:a%3Ab%25c%2Bd+%C3%A9"),
            ),
            (
                "plain basic",
                Authentication::Basic { secret: secret(), plain: true },
                "",
                Some("my app:a:b%c+d é"),
            ),
        ] {
            assert_eq!(request(authentication), (body.to_owned(), header.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn client_assertions_have_the_required_claims_and_a_fresh_jti() {
        let decode = |part: &str| -> serde_json::Value {
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        for (explicit_type, typ) in [(true, "client-authentication+jwt"), (false, "JWT")] {
            let assertion = Assertion {
                key: Rc::new(SigningKey::of_secret(&ClientSecret::new("s"))),
                audience: "https://as.example".to_owned(),
                explicit_type,
            };
            let random = Counting::default();
            let moment = Moment { now: Timestamp::from_second(1000).unwrap(), random: &random };
            let made = assertion.make("app", &moment).unwrap();
            let parts: Vec<&str> = made.expose().split('.').collect();
            assert_eq!(decode(parts[0]), json!({ "alg": "HS256", "typ": typ }));
            let claims = decode(parts[1]);
            for (name, want) in [
                ("iss", json!("app")),
                ("sub", json!("app")),
                ("aud", json!("https://as.example")),
                ("iat", json!(1000)),
                ("exp", json!(1000 + ASSERTION_LIFE)),
            ] {
                assert_eq!(claims[name], want, "{name}");
            }
            let again = assertion.make("app", &moment).unwrap();
            assert_ne!(decode(again.expose().split('.').nth(1).unwrap())["jti"], claims["jti"]);
        }
    }

    #[test]
    fn the_authentication_method_follows_configuration_and_metadata() {
        use AuthenticationMethod as Method;
        let names = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let nothing = Means::default();
        let secret = Means { secret: true, ..nothing };
        let certificate = Means { certificate: true, ..nothing };
        for (means, offered, want) in [
            (nothing, None, Method::None),
            (nothing, names(&["client_secret_basic"]), Method::None),
            (secret, None, Method::ClientSecretBasic),
            (secret, names(&["client_secret_post"]), Method::ClientSecretPost),
            (secret, names(&["client_secret_post", "client_secret_basic"]), Method::ClientSecretBasic),
            (secret, names(&["client_secret_jwt"]), Method::ClientSecretJwt),
            (secret, names(&["private_key_jwt"]), Method::ClientSecretBasic),
            (Means { key: true, ..secret }, None, Method::PrivateKeyJwt),
            (Means { key: true, ..secret }, names(&["client_secret_post"]), Method::ClientSecretPost),
            (Means { key: true, ..certificate }, names(&["tls_client_auth"]), Method::TlsClientAuth),
            (certificate, None, Method::TlsClientAuth),
            (certificate, names(&["self_signed_tls_client_auth"]), Method::SelfSignedTlsClientAuth),
            (Means { secret: true, ..certificate }, None, Method::ClientSecretBasic),
            (Means { key: true, ..certificate }, None, Method::PrivateKeyJwt),
        ] {
            assert_eq!(Method::chosen(means, offered.as_deref()), want, "{means:?} {offered:?}");
        }
    }
}

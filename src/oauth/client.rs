//! Who the client is, and how it proves that at the token endpoint (RFC 6749 section 2.3).

use super::form::{Form, encode};
use crate::secret::{ClientSecret, SecretText};
use crate::token::basic;

/// How a client authenticates (the names of RFC 7591 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationMethod {
    /// A public client: it names itself in the body.
    None,
    /// The secret in HTTP Basic.
    ClientSecretBasic,
    /// The secret in the body.
    ClientSecretPost,
}

impl AuthenticationMethod {
    /// The methods by their names.
    pub const NAMES: &[&str] = &["none", "client_secret_basic", "client_secret_post"];

    /// The method of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "client_secret_basic" => Some(Self::ClientSecretBasic),
            "client_secret_post" => Some(Self::ClientSecretPost),
            _ => None,
        }
    }

    /// The method to use when the configuration names none: without a secret none, else what the server's metadata
    /// offers; the default of RFC 8414 section 2 is `client_secret_basic`.
    #[must_use]
    pub fn chosen(has_secret: bool, offered: Option<&[String]>) -> Self {
        let offers = |name: &str| offered.is_some_and(|names| names.iter().any(|offered| offered == name));
        if !has_secret {
            Self::None
        } else if !offers("client_secret_basic") && offers("client_secret_post") {
            Self::ClientSecretPost
        } else {
            Self::ClientSecretBasic
        }
    }
}

/// A client with what it authenticates with.
#[derive(Debug, Clone)]
pub struct Client {
    /// The client identifier.
    pub id: String,
    /// The secret, for the methods that use one.
    pub secret: Option<ClientSecret>,
    /// The method.
    pub method: AuthenticationMethod,
    /// The server reads HTTP Basic without form-decoding.
    pub plain_basic: bool,
}

impl Client {
    /// Adds the client's authentication to a request: one method, never two (RFC 6749 section 2.3), the secret in the
    /// header or the body and never in a URL (section 2.3.1).
    pub fn authenticate(&self, form: &mut Form, headers: &mut Vec<(&'static str, SecretText)>) {
        let secret = self.secret.as_ref().map_or("", ClientSecret::expose);
        match self.method {
            AuthenticationMethod::None => form.set("client_id", &self.id),
            AuthenticationMethod::ClientSecretPost => {
                form.set("client_id", &self.id);
                form.set("client_secret", secret);
            }
            AuthenticationMethod::ClientSecretBasic => {
                let pair = if self.plain_basic {
                    basic(&self.id, secret)
                } else {
                    basic(&encode(&self.id), &encode(secret))
                };
                headers.push(("authorization", SecretText::new(format!("Basic {pair}"))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn request(method: AuthenticationMethod, plain_basic: bool) -> (String, Option<String>) {
        let client = Client {
            id: "my app".to_owned(),
            secret: Some(ClientSecret::new("a:b%c+d é")),
            method,
            plain_basic,
        };
        let (mut form, mut headers) = (Form::default(), Vec::new());
        client.authenticate(&mut form, &mut headers);
        let header = headers.first().map(|(name, value)| {
            assert_eq!(*name, "authorization");
            let pair = value.expose().strip_prefix("Basic ").unwrap();
            String::from_utf8(base64::engine::general_purpose::STANDARD.decode(pair).unwrap()).unwrap()
        });
        (form.encoded().expose().to_owned(), header)
    }

    #[test]
    fn o4_o5_one_method_in_its_place() {
        for (method, plain, body, header) in [
            (AuthenticationMethod::None, false, "client_id=my+app", None),
            (
                AuthenticationMethod::ClientSecretPost,
                false,
                "client_id=my+app&client_secret=a%3Ab%25c%2Bd+%C3%A9",
                None,
            ),
            (AuthenticationMethod::ClientSecretBasic, false, "", Some("my+app:a%3Ab%25c%2Bd+%C3%A9")),
            (AuthenticationMethod::ClientSecretBasic, true, "", Some("my app:a:b%c+d é")),
        ] {
            assert_eq!(
                request(method, plain),
                (body.to_owned(), header.map(str::to_owned)),
                "{method:?} {plain}"
            );
        }
    }

    #[test]
    fn the_method_follows_the_secret_and_the_metadata() {
        use AuthenticationMethod as Method;
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        for (secret, offered, want) in [
            (false, None, Method::None),
            (false, Some(names(&["client_secret_basic"])), Method::None),
            (true, None, Method::ClientSecretBasic),
            (true, Some(names(&["client_secret_post"])), Method::ClientSecretPost),
            (true, Some(names(&["client_secret_post", "client_secret_basic"])), Method::ClientSecretBasic),
            (true, Some(names(&["private_key_jwt"])), Method::ClientSecretBasic),
        ] {
            assert_eq!(Method::chosen(secret, offered.as_deref()), want, "{secret} {offered:?}");
        }
    }
}

//! Types for secrets, which cannot be printed, compared or serialised by accident.

use std::fmt;

use zeroize::Zeroizing;

/// The most bytes of any secret or token: the size limit of a Kubernetes secret.
pub const LONGEST: usize = 1 << 20;

/// Why a text is not a valid token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    #[error("it is empty")]
    Empty,
    /// RFC 6749 appendix A.12 and A.17: `1*VSCHAR`. This keeps line breaks out of headers and helpers' output.
    #[error("it contains a character outside printable ASCII (RFC 6749 appendix A.12)")]
    NotVisible,
    /// RFC 6750 section 2.1: a `b64token`, which is one word of an `Authorization` header.
    #[error("it contains a space, which an access token cannot have (RFC 6750 section 2.1)")]
    Space,
}

/// Checks a token's grammar, `1*VSCHAR` (RFC 6749 appendix A.12: %x20-7E).
fn visible_ascii(text: &str) -> Result<(), InvalidToken> {
    if text.is_empty() {
        return Err(InvalidToken::Empty);
    }
    if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) { Ok(()) } else { Err(InvalidToken::NotVisible) }
}

/// Checks that an access token is one word. RFC 6750 section 2.1 allows fewer characters than this, but servers in use
/// send others, such as `|`. Only a space would end the token in a header.
fn one_word(text: &str) -> Result<(), InvalidToken> {
    visible_ascii(text)?;
    if text.contains(' ') { Err(InvalidToken::Space) } else { Ok(()) }
}

/// Defines secret text types: wiped when dropped, redacted in `Debug`, readable only through `expose`. A grammar before the
/// names adds `parse`.
macro_rules! secret_types {
    ($grammar:ident: $($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        secret_types!($($(#[$doc])* $name),+);
        $(
            impl $name {
                /// Parses an external secret. The error does not contain the text.
                pub fn parse(text: impl Into<String>) -> Result<Self, InvalidToken> {
                    let secret = Self::new(text);
                    $grammar(secret.expose()).map(|()| secret)
                }
            }
        )+
    };
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Wraps a text without checking it. If the type has a `parse`, use that for external input.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into()))
            }

            /// The secret itself. Every call is a place where it may leak: keep them few.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

secret_types! {
    one_word:
    /// An access token (RFC 6749 section 1.4), or any other token for a `Bearer` header.
    AccessToken,
}

impl AccessToken {
    /// Reads a stored token. Earlier versions accepted a space in a token, and their records must still open.
    pub fn stored(text: String) -> Result<Self, InvalidToken> {
        visible_ascii(&text).map(|()| Self::new(text))
    }
}

secret_types! {
    visible_ascii:
    /// A refresh token (RFC 6749 section 1.5).
    RefreshToken,
    /// An OpenID Connect ID token in its compact form (OpenID Connect Core section 2).
    IdToken,
    /// A client secret (RFC 6749 section 2.3.1).
    ClientSecret,
    /// An authorization code (RFC 6749 section 1.3.1).
    AuthorizationCode,
    /// The private key that tokens are bound to (RFC 9449), base64url of its PKCS#8 form.
    DpopKey,
    /// A device code (RFC 8628 section 3.2) or CIBA's `auth_req_id`: anyone who has it can get the tokens.
    DeviceCode,
}

secret_types! {
    /// A PKCE code verifier (RFC 7636 section 4.1).
    CodeVerifier,
    /// The `state` of one authorization request (RFC 6749 section 10.12).
    State,
    /// The `nonce` of one authentication request (OpenID Connect Core section 3.1.2.1).
    Nonce,
    /// A password of HTTP Basic authentication (RFC 7617).
    Password,
    /// Any other secret text: a key, a header's value, a request's body.
    SecretText,
}

/// Appends to bytes that may be secret, and wipes the old buffer when they move to a larger one.
pub fn append(bytes: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    if bytes.capacity() < bytes.len() + more.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((bytes.len() + more.len()) * 2));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", AccessToken::new("canary")), "AccessToken(…)");
        assert_eq!(format!("{:?}", Some(RefreshToken::new("canary"))), "Some(RefreshToken(…))");
        assert_eq!(format!("{:?}", SecretText::new("canary")), "SecretText(…)");
    }

    #[test]
    fn an_access_token_is_one_word() {
        for (name, text, want) in [
            ("every character of a b64token", "aZ09-._~+/==", Ok(())),
            ("characters that servers in use send", "1|a:b!%\"", Ok(())),
            ("a space", "two words", Err(InvalidToken::Space)),
            ("only a space", " ", Err(InvalidToken::Space)),
            ("a space at the end", "token ", Err(InvalidToken::Space)),
            ("the scheme in it", "Bearer token", Err(InvalidToken::Space)),
            ("a tab", "a\tb", Err(InvalidToken::NotVisible)),
            ("empty", "", Err(InvalidToken::Empty)),
        ] {
            assert_eq!(AccessToken::parse(text).map(|_| ()), want, "{name}");
        }
        // RFC 6749 appendix A.17: a refresh token may contain one.
        assert!(RefreshToken::parse("two words").is_ok());
        assert!(AccessToken::stored("two words".to_owned()).is_ok());
        assert!(AccessToken::stored("two\nlines".to_owned()).is_err());
    }

    #[test]
    fn tokens_are_visible_ascii_f_ctrl1() {
        for (name, text, want) in [
            ("usual", "eyJ0.eyJ1.c2ln", Ok(())),
            ("every allowed character", " ~!\"\\", Ok(())),
            ("empty", "", Err(InvalidToken::Empty)),
            ("line feed", "a\nhost=evil", Err(InvalidToken::NotVisible)),
            ("carriage return", "a\rb", Err(InvalidToken::NotVisible)),
            ("nul", "a\0b", Err(InvalidToken::NotVisible)),
            ("escape", "a\u{1b}[31mb", Err(InvalidToken::NotVisible)),
            ("delete", "a\u{7f}b", Err(InvalidToken::NotVisible)),
            ("not ascii", "tökén", Err(InvalidToken::NotVisible)),
        ] {
            assert_eq!(RefreshToken::parse(text).map(|_| ()), want, "{name}");
        }
    }
}

//! The token that AWS receives: a signed JWT with an issuer, and nothing else (F-AWS1).

use jiff::Timestamp;

use super::error::AwsError;
use crate::config::Provider;
use crate::name::AccountName;
use crate::oauth::id_token::stored_expiry;
use crate::oauth::jwt::Jwt;
use crate::secret::SecretText;
use crate::session::Session;
use crate::session::acquire::decision::Reason;
use crate::session::acquire::{AcquireError, AcquireRequest, token};
use crate::token::{Credential, Issued};

/// The login's ID token, if there is one; otherwise the access token, if it is a JWT.
pub(super) fn web_identity(
    session: &Session<'_>,
    provider: &Provider,
    account: Option<&AccountName>,
) -> Result<SecretText, AwsError> {
    let get = |id_token| {
        let options = AcquireRequest { account: account.cloned(), id_token, ..AcquireRequest::default() };
        token(session, provider, &options)
    };
    let issued = match get(provider.source.is_interactive()) {
        Err(AcquireError::LoginRequired { source: Reason::NoIdToken, .. }) => get(false)?,
        issued => issued?,
    };
    identity_of(&issued, session.system.clock.now()).ok_or_else(|| AwsError::NotJwt(provider.name.clone()))
}

/// The token of a credential that AWS may receive. Passwords and API keys never qualify, even if they look like a JWT.
fn identity_of(issued: &Issued, now: Timestamp) -> Option<SecretText> {
    if let Some(token) = &issued.id_token
        && stored_expiry(token).is_none_or(|end| end > now)
    {
        return Some(SecretText::new(token.expose()));
    }
    let (Credential::Bearer(token) | Credential::Dpop(token, _) | Credential::Untyped(token)) =
        &issued.credential
    else {
        return None;
    };
    let jwt = Jwt::decode(token.expose())?;
    let is_signed = !jwt.algorithm().is_empty() && !token.expose().ends_with('.');
    let has_issuer = jwt.claims.get("iss").is_some_and(serde_json::Value::is_string);
    (is_signed && has_issuer).then(|| SecretText::new(token.expose()))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::secret::{AccessToken, IdToken, Password};
    use crate::token::KeyHeader;

    #[test]
    fn only_a_jwt_is_sent_to_aws_f_aws1() {
        let now = Timestamp::from_second(1000).unwrap();
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let jwt = |header: &str, claims: &str, signature: &str| {
            format!("{}.{}.{signature}", part(header), part(claims))
        };
        let good = jwt(r#"{"alg":"RS256"}"#, r#"{"iss":"https://as.example"}"#, "c2ln");
        let bearer = |text: &str| Credential::Bearer(AccessToken::new(text));
        let key =
            KeyHeader { name: "X".to_owned(), prefix: String::new(), key: SecretText::new(good.as_str()) };
        let basic = Credential::Basic { username: "u".to_owned(), password: Password::new(good.as_str()) };
        for (name, credential, shown) in [
            ("a JWT", bearer(&good), true),
            (
                "one that is not to be shown with a request",
                Credential::Untyped(AccessToken::new(&good)),
                true,
            ),
            ("an opaque token", bearer("gho_abc"), false),
            ("a token with dots", bearer("a.b.c"), false),
            ("no algorithm", bearer(&jwt("{}", r#"{"iss":"x"}"#, "c2ln")), false),
            ("no signature", bearer(&jwt(r#"{"alg":"none"}"#, r#"{"iss":"x"}"#, "")), false),
            ("no issuer", bearer(&jwt(r#"{"alg":"RS256"}"#, "{}", "c2ln")), false),
            ("encrypted", bearer(&format!("{good}.x.y")), false),
            ("a key that is a JWT", Credential::Headers(vec![key]), false),
            ("a password that is a JWT", basic, false),
        ] {
            assert_eq!(identity_of(&Issued::lasting(credential), now).is_some(), shown, "{name}");
        }
        let both = Issued { id_token: Some(IdToken::new("id")), ..Issued::lasting(bearer(&good)) };
        assert_eq!(identity_of(&both, now).unwrap().expose(), "id");
    }
}

//! Finds the refresh token in a response that may be invalid in every other respect.
//!
//! By the time a server that rotates refresh tokens answers (RFC 6749 section 6, RFC 9700 section 4.14), it has ended
//! the old one. This reader therefore extracts the new one first and ignores errors elsewhere in the response.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use zeroize::Zeroizing;

use super::json;
use super::quirks::Quirks;
use crate::ports::HttpResponse;
use crate::secret::{IdToken, RefreshToken};

/// A response's tokens that matter even if the response as a whole is unusable.
#[derive(Debug, Clone)]
pub struct Carried {
    pub refresh_token: RefreshToken,
    /// The ID token next to it, which says whose tokens these are. It is not validated.
    pub id_token: Option<IdToken>,
}

/// The tokens in an HTTP response: `None` if it has no refresh token, or several that differ.
///
/// An error may mention `refresh_token` as the name of the field that it complains about. Its value counts only in a
/// successful response without `error`, or next to an access token.
pub fn carried(response: &HttpResponse, quirks: &Quirks) -> Option<Carried> {
    let body = json::without_byte_order_mark(&response.body);
    let found = if is_json(body) { in_json(body, quirks.token_member.as_deref()) } else { in_form(body) };
    let is_success = (200..300).contains(&response.status) && !found.has_error;
    found.carried().filter(|_| is_success || found.has_access_token)
}

/// The tokens at the beginning of a response that was cut off. A form is not read: its last value may be incomplete.
pub fn carried_by_partial(response: &HttpResponse, quirks: &Quirks) -> Option<Carried> {
    is_json(json::without_byte_order_mark(&response.body)).then(|| carried(response, quirks)).flatten()
}

/// Whether a server that sends this error code has not carried out the refresh: the codes of RFC 6749 section 5.2 and
/// its extensions, and those that providers are known to send instead. With any other code, such as `server_error` or a
/// gateway's text, it may have rotated the refresh token before it failed.
pub fn is_refusal(code: &str) -> bool {
    matches!(
        code,
        "invalid_request"
            | "invalid_client"
            | "invalid_grant"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope"
            | "invalid_target"
            | "invalid_dpop_proof"
            | "use_dpop_nonce"
            | "access_denied"
            | "login_required"
            | "interaction_required"
            | "consent_required"
            | "account_selection_required"
            | "invalid_token"
            | "expired_token"
            | "token_expired"
            | "token_revoked"
            | "bad_refresh_token"
            | "invalid_refresh_token"
            | "bad_verification_code"
            | "incorrect_client_credentials"
            | "invalid_client_id"
            | "bad_client_secret"
    )
}

pub fn carried_by_output(output: &str) -> Option<Carried> {
    let found = in_json(output.as_bytes(), None);
    found.carried().filter(|_| !found.has_error || found.has_access_token)
}

fn is_json(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

#[derive(Default)]
struct Found {
    refresh_tokens: Vec<Zeroizing<String>>,
    id_token: Option<Zeroizing<String>>,
    has_access_token: bool,
    has_error: bool,
}

impl Found {
    fn carried(&self) -> Option<Carried> {
        let (first, others) = self.refresh_tokens.split_first()?;
        if others.iter().any(|other| other != first) {
            return None;
        }
        let refresh_token = RefreshToken::parse(first.as_str()).ok()?;
        let id_token = self.id_token.as_ref().and_then(|text| IdToken::parse(text.as_str()).ok());
        Some(Carried { refresh_token, id_token })
    }

    fn take(&mut self, name: &str, value: &str) {
        match name {
            "refresh_token" if !value.is_empty() => {
                self.refresh_tokens.push(Zeroizing::new(value.to_owned()));
            }
            "id_token" => self.id_token = Some(Zeroizing::new(value.to_owned())),
            "access_token" => self.has_access_token |= !value.is_empty(),
            "error" => self.has_error |= !value.is_empty(),
            _ => {}
        }
    }
}

/// Reads an object's members up to its end, or up to where it stops being JSON.
fn in_json(body: &[u8], token_member: Option<&str>) -> Found {
    let mut found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    // Whatever is wrong later on, the members before it were read.
    let _ = Members { found: &mut found, token_member }.deserialize(&mut deserializer);
    found
}

/// Reads a form-encoded response, which some servers send instead of JSON.
fn in_form(body: &[u8]) -> Found {
    let mut found = Found::default();
    for (name, value) in url::form_urlencoded::parse(body) {
        found.take(&name, &value);
    }
    // Prose can contain `refresh_token=`: it counts only next to an access token.
    found.has_error |= !found.has_access_token;
    found
}

/// Reads the members that [`Found`] knows and skips all others.
struct Members<'f, 'q> {
    found: &'f mut Found,
    token_member: Option<&'q str>,
}

impl<'de> DeserializeSeed<'de> for Members<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if Some(name.as_str()) == self.token_member {
                let nested = Members { found: &mut *self.found, token_member: None };
                members.next_value_seed(nested)?;
            } else if ["refresh_token", "id_token", "access_token", "error"].contains(&name.as_str()) {
                match members.next_value::<Value>()? {
                    Value::String(text) => self.found.take(&name, &Zeroizing::new(text)),
                    Value::Null => {}
                    _ => self.found.has_error |= name == "error",
                }
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &[u8]) -> HttpResponse {
        HttpResponse { status, headers: Vec::new(), body: body.to_vec().into() }
    }

    fn refresh_token(status: u16, body: &[u8], quirks: &Quirks) -> Option<String> {
        carried(&response(status, body), quirks).map(|carried| carried.refresh_token.expose().to_owned())
    }

    /// A body with its status, and the refresh token in it.
    const ANSWERS: &[(&str, u16, &[u8], Option<&str>)] = &[
        ("a plain answer", 200, br#"{"access_token":"A","refresh_token":"R"}"#, Some("R")),
        ("no access token", 200, br#"{"refresh_token":"R"}"#, Some("R")),
        ("a byte order mark", 200, b"\xef\xbb\xbf{\"refresh_token\":\"R\"}", Some("R")),
        ("another member twice", 200, br#"{"a":1,"a":2,"refresh_token":"R"}"#, Some("R")),
        ("the same refresh token twice", 200, br#"{"refresh_token":"R","refresh_token":"R"}"#, Some("R")),
        ("two refresh tokens", 200, br#"{"refresh_token":"R","refresh_token":"S"}"#, None),
        ("cut off behind it", 200, br#"{"refresh_token":"R","scope":"op"#, Some("R")),
        ("cut off inside it", 200, br#"{"refresh_token":"R"#, None),
        ("text behind the object", 200, br#"{"refresh_token":"R"} trailing"#, Some("R")),
        ("not UTF-8 elsewhere", 200, b"{\"name\":\"\xff\",\"refresh_token\":\"R\"}", Some("R")),
        ("a number", 200, br#"{"refresh_token":7}"#, None),
        ("null", 200, br#"{"refresh_token":null}"#, None),
        ("empty", 200, br#"{"refresh_token":""}"#, None),
        ("a line feed inside", 200, br#"{"refresh_token":"R\nS"}"#, None),
        ("an error that names the field", 400, br#"{"refresh_token":"is invalid"}"#, None),
        ("an error with status 200", 200, br#"{"error":"x","refresh_token":"R"}"#, None),
        ("an error object", 200, br#"{"error":{"code":1},"refresh_token":"R"}"#, None),
        ("a failing status with tokens", 502, br#"{"access_token":"A","refresh_token":"R"}"#, Some("R")),
        ("created", 201, br#"{"refresh_token":"R"}"#, Some("R")),
        ("form-encoded", 200, b"access_token=A&refresh_token=R%2B", Some("R+")),
        ("prose", 200, b"refresh_token=R", None),
        ("HTML", 200, b"<html>refresh_token</html>", None),
        ("nothing", 200, b"", None),
        ("an array", 200, br#"["refresh_token"]"#, None),
        ("nested without the quirk", 200, br#"{"authed_user":{"refresh_token":"R"}}"#, None),
    ];

    /// F-ROT10
    #[test]
    fn the_new_refresh_token_is_found_in_a_damaged_answer() {
        let standard = Quirks::default();
        for &(name, status, body, want) in ANSWERS {
            assert_eq!(refresh_token(status, body, &standard).as_deref(), want, "{name}");
        }
        let deep = format!(r#"{{"x":{}{},"refresh_token":"R"}}"#, "[".repeat(500), "]".repeat(500));
        assert_eq!(
            refresh_token(200, deep.as_bytes(), &standard).as_deref(),
            Some("R"),
            "deep nesting elsewhere"
        );
        let slack = Quirks { token_member: Some("authed_user".to_owned()), ..standard };
        let nested = br#"{"ok":true,"authed_user":{"refresh_token":"R"}}"#;
        assert_eq!(refresh_token(200, nested, &slack).as_deref(), Some("R"), "where the quirk says");
    }

    /// F-ROT10
    #[test]
    fn the_new_refresh_token_is_found_in_a_programs_output() {
        for (name, output, want) in [
            ("whole", r#"{"access_token":"A","refresh_token":"R"}"#, Some("R")),
            ("no access token", r#"{"refresh_token":"R"}"#, Some("R")),
            (
                "an error beside the tokens",
                r#"{"error":"x","access_token":"A","refresh_token":"R"}"#,
                Some("R"),
            ),
            ("an error that names the field", r#"{"error":"x","refresh_token":"R"}"#, None),
            ("cut off", r#"{"refresh_token":"R"#, None),
            ("a form", "access_token=A&refresh_token=R", None),
        ] {
            let found = carried_by_output(output);
            assert_eq!(found.as_ref().map(|carried| carried.refresh_token.expose()), want, "{name}");
        }
    }

    #[test]
    fn of_an_answer_that_was_cut_off_only_json_is_read() {
        let standard = Quirks::default();
        for (name, body, want) in [
            ("JSON", br#"{"access_token":"A","refresh_token":"R","scope":"x"#.as_slice(), true),
            ("JSON behind blanks", b" \n{\"refresh_token\":\"R\",", true),
            ("a form", b"access_token=A&refresh_token=R", false),
            ("nothing", b"", false),
        ] {
            assert_eq!(carried_by_partial(&response(200, body), &standard).is_some(), want, "{name}");
        }
    }

    #[test]
    fn only_known_codes_say_that_nothing_was_rotated() {
        for (code, want) in [
            ("invalid_grant", true),
            ("invalid_client", true),
            ("login_required", true),
            ("bad_refresh_token", true),
            ("server_error", false),
            ("temporarily_unavailable", false),
            ("slow_down", false),
            ("Not Found", false),
            ("", false),
        ] {
            assert_eq!(is_refusal(code), want, "{code}");
        }
    }
}

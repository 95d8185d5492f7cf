//! Parses a protected resource's challenges: the `WWW-Authenticate` header (RFC 9110 section 11.6.1, RFC 6750 section
//! 3).

use std::collections::BTreeMap;

use crate::name::ScopeSet;
use crate::ports::HttpResponse;

/// A challenge with more parameters is ignored.
const MOST_PARAMETERS: usize = 64;

/// One challenge. A repeated parameter makes it invalid: "error", "scope" and the like "MUST NOT appear more than once"
/// (RFC 6750 section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme, in lower case.
    pub scheme: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Challenge {
    /// A parameter, by its name in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    pub fn scope(&self) -> Option<ScopeSet> {
        self.parameter("scope").map(ScopeSet::lenient)
    }
}

/// Every challenge of a response, in order.
pub fn challenges(response: &HttpResponse) -> Vec<Challenge> {
    response
        .headers
        .iter()
        .filter(|(name, _)| name == "www-authenticate")
        .flat_map(|(_, value)| parse(value))
        .collect()
}

/// Whether a response says that the token is no longer valid (RFC 6750 section 3.1).
pub fn token_is_invalid(response: &HttpResponse) -> bool {
    let names_token = |challenge: &Challenge| matches!(challenge.scheme.as_str(), "bearer" | "dpop");
    response.status == 401
        && challenges(response).iter().filter(|challenge| names_token(challenge)).all(|challenge| {
            // A resource that does not name an error may still mean the token.
            challenge.parameter("error").is_none_or(|error| error == "invalid_token")
        })
}

/// Parses one header: `scheme token68`, or `scheme name=value, name="value", …`, separated by commas. Invalid
/// challenges are left out.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut spoilt = false;
    for part in parts(header).into_iter().take(MOST_PARAMETERS) {
        let (head, parameter) = match part.split_once(|c: char| c.is_ascii_whitespace()) {
            // `Bearer realm="x"`: a scheme starts here. A name before `=` is not a scheme.
            Some((head, rest)) if is_token(head) && !rest.trim_start().starts_with('=') => {
                (Some(head), rest.trim())
            }
            _ if is_token(part) => (Some(part), ""),
            _ => (None, part),
        };
        if let Some(scheme) = head {
            finish(&mut challenges, spoilt);
            spoilt = false;
            challenges.push(Challenge { scheme: scheme.to_ascii_lowercase(), parameters: BTreeMap::new() });
        }
        let (Some(challenge), Some((name, value))) = (challenges.last_mut(), parameter.split_once('='))
        else {
            continue;
        };
        let name = name.trim().to_ascii_lowercase();
        if is_token(&name) {
            spoilt |= challenge.parameters.insert(name, unquoted(value.trim())).is_some();
        }
    }
    finish(&mut challenges, spoilt);
    challenges
}

fn finish(challenges: &mut Vec<Challenge>, spoilt: bool) {
    if spoilt {
        challenges.pop();
    }
}

/// The parts between commas outside quotes.
fn parts(header: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in header.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(header[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(header[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// RFC 9110 section 5.6.4: a quoted string, or the value itself.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn www_authenticate_challenges_are_parsed() {
        for (name, header, want) in [
            (
                "one",
                r#"Bearer realm="r", scope="repo read:org""#,
                &[("bearer", &[("realm", "r"), ("scope", "repo read:org")][..])][..],
            ),
            ("no parameters", "Negotiate", &[("negotiate", &[])]),
            ("token68", "Negotiate YWJj", &[("negotiate", &[])]),
            (
                "several",
                r#"Basic realm="a, b", BEARER error="invalid_token", error_description="a \"b\", c""#,
                &[
                    ("basic", &[("realm", "a, b")]),
                    ("bearer", &[("error", "invalid_token"), ("error_description", "a \"b\", c")]),
                ],
            ),
            ("unquoted", "Bearer error=invalid_token", &[("bearer", &[("error", "invalid_token")])]),
            ("blanks around =", r#"Bearer error = "x""#, &[("bearer", &[("error", "x")])]),
            ("twice", r#"Bearer scope="a", scope="b""#, &[]),
            (
                "twice in the first of two",
                r#"Bearer scope="a", scope="b", DPoP algs="ES256""#,
                &[("dpop", &[("algs", "ES256")])],
            ),
            ("nothing", "", &[]),
            ("commas", ",,,", &[]),
            ("open quote", "Bearer realm=\"x", &[("bearer", &[("realm", "\"x")])]),
        ] {
            let found = parse(header);
            let shown: Vec<(&str, Vec<(&str, &str)>)> = found
                .iter()
                .map(|challenge| {
                    let parameters =
                        challenge.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                    (challenge.scheme.as_str(), parameters.collect())
                })
                .collect();
            let want: Vec<(&str, Vec<(&str, &str)>)> =
                want.iter().map(|(scheme, p)| (*scheme, p.to_vec())).collect();
            assert_eq!(shown, want, "{name}");
        }
    }

    #[test]
    fn responses_that_reject_the_token_are_recognised() {
        for (name, status, header, invalid) in [
            ("invalid", 401, Some(r#"Bearer error="invalid_token""#), true),
            ("silent", 401, None, true),
            ("another error", 401, Some(r#"Bearer error="insufficient_scope""#), false),
            ("forbidden", 403, Some(r#"Bearer error="invalid_token""#), false),
        ] {
            let headers =
                header.map(|value| ("www-authenticate".to_owned(), value.to_owned())).into_iter().collect();
            let response = HttpResponse { status, headers, body: Vec::new().into() };
            assert_eq!(token_is_invalid(&response), invalid, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_parsed(header in "\\PC{0,200}") {
            let _ = parse(&header);
        }
    }
}

//! The authorization request and the checks of its response (RFC 6749 section 4.1, RFC 9207).

use url::Url;

use super::endpoint::EndpointUrl;
use super::form::Form;
use super::pkce;
use super::redirect::{AuthorizationError, Expectation, Parameters, RedirectVerdict};
use crate::ports::Random;
use crate::secret::{AuthorizationCode, CodeVerifier, Nonce, State};
use crate::text::untrusted::Untrusted;

/// A pending request: what its response is checked against, and the code verifier. The one response that matches
/// consumes it.
#[derive(Debug)]
pub struct Pending {
    /// Sent only to the token endpoint, with the code.
    pub verifier: CodeVerifier,
    /// Expected in the ID token; sent when OpenID is used.
    pub nonce: Nonce,
    pub expected: Expected,
}

/// What a redirect must match.
#[derive(Debug, Clone)]
pub struct Expected {
    pub state: State,
    /// The issuer exactly as its validated metadata spells it, noted before the browser opens (RFC 9207 section 2.4).
    pub issuer: Option<String>,
    /// Whether the server announces that it sends `iss`.
    pub issuer_required: bool,
    pub redirect_uri: Url,
}

impl Pending {
    /// Generates the secrets of a new request.
    pub fn new(
        random: &dyn Random,
        issuer: Option<String>,
        issuer_required: bool,
        redirect_uri: Url,
    ) -> Self {
        Self {
            verifier: pkce::verifier(random),
            nonce: Nonce::new(pkce::random_text(random)),
            expected: Expected {
                state: State::new(pkce::random_text(random)),
                issuer,
                issuer_required,
                redirect_uri,
            },
        }
    }

    /// The request's parameters. `parameters` holds the scope and the provider's extra parameters; authctl's own win.
    pub fn parameters(&self, client_id: &str, parameters: &Form, openid: bool) -> Form {
        let mut form = parameters.clone();
        form.set("response_type", "code");
        form.set("client_id", client_id);
        form.set("redirect_uri", redirect_uri_text(&self.expected.redirect_uri));
        form.set("state", self.expected.state.expose());
        form.set("code_challenge", &pkce::challenge(&self.verifier));
        form.set("code_challenge_method", "S256");
        if openid {
            form.set("nonce", self.nonce.expose());
        }
        form
    }
}

/// The URL to open in the browser: the endpoint's own query is kept (RFC 6749 section 3.1) and the parameters are
/// appended.
pub fn url(endpoint: &EndpointUrl, parameters: &Form) -> Url {
    let mut url = endpoint.url().clone();
    url.query_pairs_mut().extend_pairs(parameters.iter());
    url
}

/// The redirect URI as it is sent and registered.
pub fn redirect_uri_text(uri: &Url) -> &str {
    uri.as_str()
}

impl Expectation for Expected {
    type Answer = AuthorizationCode;

    fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    fn state(&self) -> &State {
        &self.state
    }

    /// Checks a redirect with the right `state`, in this order: `iss`, `error`, `code`. RFC 9207 section 2.4: simple
    /// string comparison, before anything in the response is trusted.
    fn read(&self, parameters: &Parameters) -> RedirectVerdict<AuthorizationCode> {
        match (parameters.get("iss"), &self.issuer) {
            (None, _) if self.issuer_required => {
                return RedirectVerdict::Refused(AuthorizationError::IssuerMissing);
            }
            (Some(found), Some(expected)) if found != expected => {
                return RedirectVerdict::Refused(AuthorizationError::IssuerMismatch {
                    expected: expected.clone(),
                    found: Untrusted::new(found),
                });
            }
            _ => {}
        }
        if let Some(error) = parameters.get("error") {
            return RedirectVerdict::Refused(AuthorizationError::Server {
                error: Untrusted::new(error),
                description: parameters.get("error_description").map(Untrusted::new),
                denied: error == "access_denied",
            });
        }
        match parameters.get("code").map(AuthorizationCode::parse) {
            Some(Ok(code)) => RedirectVerdict::Answer(code),
            Some(Err(_)) => RedirectVerdict::Ignored(400),
            None => RedirectVerdict::Refused(AuthorizationError::Empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::redirect::Redirect;
    use super::*;

    fn expected() -> Expected {
        Expected {
            state: State::new("the-state"),
            issuer: Some("https://as.example".to_owned()),
            issuer_required: false,
            redirect_uri: Url::parse("http://127.0.0.1:4321/callback").unwrap(),
        }
    }

    fn redirect(target: &str) -> Redirect {
        Redirect {
            method: "GET".to_owned(),
            target: target.to_owned(),
            hosts: vec!["127.0.0.1:4321".to_owned()],
            ..Redirect::default()
        }
    }

    fn summary(verdict: RedirectVerdict<AuthorizationCode>) -> String {
        match verdict {
            RedirectVerdict::Ignored(status) => format!("ignored {status}"),
            RedirectVerdict::Refused(error) => format!("refused: {error}"),
            RedirectVerdict::Answer(code) => format!("code {}", code.expose()),
        }
    }

    #[test]
    fn only_a_valid_redirect_ends_the_wait_f_cb2_f_cb3_f_cb4_f_cb8_f_cb11() {
        for (name, target, want) in [
            ("the answer", "/callback?code=abc&state=the-state", "code abc"),
            (
                "more members",
                "/callback?code=abc&state=the-state&session_state=x&iss=https%3A%2F%2Fas.example",
                "code abc",
            ),
            ("plus and percent", "/callback?code=a%2Fb+c&state=the-state", "code a/b c"),
            ("F-CB2 wrong state", "/callback?code=abc&state=other", "ignored 400"),
            ("F-CB2 longer state", "/callback?code=abc&state=the-state2", "ignored 400"),
            ("F-CB2 no state", "/callback?code=abc", "ignored 400"),
            ("F-CB2 empty state", "/callback?code=abc&state=", "ignored 400"),
            ("F-CB3 error without state", "/callback?error=access_denied", "ignored 400"),
            ("F-CB3 error with wrong state", "/callback?error=access_denied&state=x", "ignored 400"),
            (
                "error with the state",
                "/callback?error=access_denied&error_description=no%1b&state=the-state",
                "refused: the authorization server returned `access_denied`: `no\\u{1b}`",
            ),
            (
                "neither",
                "/callback?state=the-state",
                "refused: the authorization server's response has neither a code nor an error",
            ),
            ("F-CB4 code twice", "/callback?code=a&code=b&state=the-state", "ignored 400"),
            ("F-CB4 state twice", "/callback?code=a&state=the-state&state=the-state", "ignored 400"),
            ("F-CB8 favicon", "/favicon.ico", "ignored 404"),
            ("F-CB8 root", "/?code=a&state=the-state", "ignored 404"),
            ("F-CB11 slash after", "/callback/?code=a&state=the-state", "ignored 404"),
            ("F-CB11 slashes before", "//callback?code=a&state=the-state", "ignored 404"),
            ("F-CB11 dots", "/x/../callback?code=a&state=the-state", "ignored 404"),
            ("F-CB11 case", "/Callback?code=a&state=the-state", "ignored 404"),
            ("F-CB11 encoded path", "/%63allback?code=a&state=the-state", "ignored 404"),
            ("F-CB11 nul", "/callback?code=a%00b&state=the-state", "ignored 400"),
            ("F-CB11 line break", "/callback?code=a%0d%0ab&state=the-state", "ignored 400"),
            ("F-CB11 not UTF-8", "/callback?code=a%ff&state=the-state", "ignored 400"),
            ("F-CB11 loose percent", "/callback?code=a%4&state=the-state", "ignored 400"),
            ("F-CB5 absolute form", "http://127.0.0.1:4321/callback?code=a&state=the-state", "ignored 404"),
        ] {
            assert_eq!(summary(expected().check(&redirect(target))), want, "{name}");
        }
    }

    #[test]
    fn only_a_navigation_to_our_host_counts_f_cb5_f_cb6_f_cb7() {
        let good = || redirect("/callback?code=abc&state=the-state");
        let host =
            |hosts: &[&str]| Redirect { hosts: hosts.iter().map(|&h| h.to_owned()).collect(), ..good() };
        let fetch = |value: &str| Redirect { fetch_destination: Some(value.to_owned()), ..good() };
        for (name, request, want) in [
            ("as it should be", good(), "code abc"),
            ("F-CB5 rebound name", host(&["evil.example:4321"]), "ignored 421"),
            ("F-CB5 no port", host(&["127.0.0.1"]), "ignored 421"),
            ("F-CB5 trailing dot", host(&["127.0.0.1.:4321"]), "ignored 421"),
            ("F-CB5 localhost", host(&["localhost:4321"]), "ignored 421"),
            ("F-CB5 none", host(&[]), "ignored 421"),
            ("F-CB5 two", host(&["127.0.0.1:4321", "evil.example"]), "ignored 421"),
            (
                "F-CB6 foreign origin",
                Redirect { origin: Some("https://evil.example".to_owned()), ..good() },
                "ignored 403",
            ),
            (
                "F-CB6 opaque origin after cross-site redirects",
                Redirect { origin: Some("null".to_owned()), ..good() },
                "code abc",
            ),
            ("F-CB6 image", fetch("image"), "ignored 403"),
            ("F-CB6 iframe", fetch("iframe"), "ignored 403"),
            ("F-CB6 fetch", fetch("empty"), "ignored 403"),
            ("navigation", fetch("document"), "code abc"),
            ("F-CB7 preflight", Redirect { method: "OPTIONS".to_owned(), ..good() }, "ignored 405"),
            ("F-CB7 head", Redirect { method: "HEAD".to_owned(), ..good() }, "ignored 405"),
            ("F-CB7 post", Redirect { method: "POST".to_owned(), ..good() }, "ignored 405"),
        ] {
            assert_eq!(summary(expected().check(&request)), want, "{name}");
        }
    }

    #[test]
    fn the_issuer_is_checked_before_the_response_is_read() {
        let mismatch = |found: &str| {
            format!(
                "refused: the response is from a different authorization server: its `iss` is `{found}`, not https://as.example"
            )
        };
        for (name, required, query, want) in [
            ("advertised and missing", true, "code=a", "refused: the response has no `iss`, although the authorization server announces that it sends one".to_owned()),
            ("advertised and right", true, "code=a&iss=https%3A%2F%2Fas.example", "code a".to_owned()),
            ("other server", true, "code=a&iss=https%3A%2F%2Fevil.example", mismatch("https://evil.example")),
            ("final slash", true, "code=a&iss=https%3A%2F%2Fas.example%2F", mismatch("https://as.example/")),
            ("case", true, "code=a&iss=https%3A%2F%2FAS.example", mismatch("https://AS.example")),
            ("default port", true, "code=a&iss=https%3A%2F%2Fas.example%3A443", mismatch("https://as.example:443")),
            ("error of another server", false, "error=x&iss=https%3A%2F%2Fevil.example", mismatch("https://evil.example")),
            ("unadvertised and wrong", false, "code=a&iss=https%3A%2F%2Fevil.example", mismatch("https://evil.example")),
            ("unadvertised and missing", false, "code=a", "code a".to_owned()),
        ] {
            let expected = Expected { issuer_required: required, ..expected() };
            let target = format!("/callback?state=the-state&{query}");
            assert_eq!(summary(expected.check(&redirect(&target))), want, "{name}");
        }
    }

    #[test]
    fn a_pasted_redirect_gets_the_same_checks_f_cb16() {
        for (name, pasted, want) in [
            ("the URL", "  http://127.0.0.1:4321/callback?code=abc&state=the-state \n", "code abc"),
            ("with a fragment", "http://127.0.0.1:4321/callback?code=abc&state=the-state#_", "code abc"),
            ("another port", "http://127.0.0.1:1/callback?code=abc&state=the-state", "ignored 404"),
            ("wrong state", "http://127.0.0.1:4321/callback?code=abc&state=x", "ignored 400"),
            ("nonsense", "yes", "ignored 404"),
        ] {
            assert_eq!(summary(expected().check_pasted(pasted)), want, "{name}");
        }
    }

    #[test]
    fn the_authorization_endpoint_keeps_its_query() {
        let pending = Pending {
            verifier: CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            nonce: Nonce::new("n"),
            expected: expected(),
        };
        let endpoint = EndpointUrl::configured("https://as.example/authorize?tenant=x").unwrap();
        let mut parameters = Form::default();
        parameters.set("scope", "openid repo");
        assert_eq!(
            url(&endpoint, &pending.parameters("app", &parameters, true)).as_str(),
            "https://as.example/authorize?tenant=x&scope=openid+repo&response_type=code&client_id=app\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A4321%2Fcallback&state=the-state\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&nonce=n"
        );
    }
}

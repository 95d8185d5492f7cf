//! Ends the session at the server through the browser (OpenID Connect RP-Initiated Logout 1.0).

use url::Url;

use super::endpoint::EndpointUrl;
use super::form::Form;
use super::redirect::{Expectation, Parameters, RedirectVerdict};
use crate::secret::{IdToken, State};

/// A pending request to end a session.
#[derive(Debug)]
pub struct ExpectedReturn {
    pub state: State,
    pub redirect_uri: Url,
}

impl Expectation for ExpectedReturn {
    type Answer = ();

    fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn read(&self, _: &Parameters) -> RedirectVerdict<()> {
        RedirectVerdict::Answer(())
    }
}

/// The URL to open in the browser (section 2): it names the session, the client, and where the browser returns.
pub fn url(
    endpoint: &EndpointUrl,
    id_token: Option<&IdToken>,
    client_id: &str,
    expected: Option<&ExpectedReturn>,
) -> Url {
    let mut form = Form::default();
    form.set("id_token_hint", id_token.map_or("", IdToken::expose));
    form.set("client_id", client_id);
    if let Some(expected) = expected {
        form.set("post_logout_redirect_uri", expected.redirect_uri.as_str());
        form.set("state", expected.state.expose());
    }
    super::authorization::url(endpoint, &form)
}

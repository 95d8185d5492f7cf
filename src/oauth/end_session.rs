//! Ending the session at the server in the browser (OpenID Connect RP-Initiated Logout 1.0).

use url::Url;

use super::endpoint::EndpointUrl;
use super::form::Form;
use super::redirect::{Expectation, Parameters, RedirectVerdict};
use crate::secret::{IdToken, State};

/// A request to end a session that is under way.
#[derive(Debug)]
pub struct ExpectedReturn {
    /// The one-time `state`.
    pub state: State,
    /// Where the browser returns.
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

/// The URL that the browser is sent to (section 2): whose session it is, by whom it is ended, and where to return.
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

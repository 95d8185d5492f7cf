//! The grants of the token endpoint: each returns what it grants, or an error code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::http::Request;
use super::behaviour::Behaviour;
use super::jws::Jws;
use super::state::State;

#[derive(Default)]
pub(super) struct Granted {
    pub(super) scope: String,
    pub(super) user: String,
    pub(super) nonce: Option<String>,
    pub(super) refresh_token: Option<String>,
    pub(super) issued_token_type: Option<String>,
}

type Result = std::result::Result<Granted, &'static str>;

/// `key` is the thumbprint of the DPoP key that the request proves.
pub(super) fn grant(
    behaviour: &Behaviour,
    state: &mut State,
    request: &Request,
    issuer: &str,
    key: &Option<String>,
) -> Result {
    match request.parameter("grant_type").unwrap_or_default().as_str() {
        "authorization_code" => authorization_code(behaviour, state, request, key),
        "refresh_token" => refresh_token(behaviour, state, request, key),
        "client_credentials" => Ok(Granted {
            scope: request.parameter("scope").unwrap_or_default(),
            user: "machine".to_owned(),
            ..Granted::default()
        }),
        "urn:ietf:params:oauth:grant-type:device_code" | "urn:openid:params:grant-type:ciba" => {
            device_code(behaviour, state, request, key)
        }
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => jwt_bearer(behaviour, state, request, issuer),
        "urn:ietf:params:oauth:grant-type:token-exchange" => Ok(token_exchange(state, request)),
        _ => Err("unsupported_grant_type"),
    }
}

fn authorization_code(
    behaviour: &Behaviour,
    state: &mut State,
    request: &Request,
    key: &Option<String>,
) -> Result {
    let code = state.codes.remove(&request.parameter("code").unwrap_or_default()).ok_or("invalid_grant")?;
    let verifier = request.parameter("code_verifier").unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()));
    let same_uri = request.parameter("redirect_uri").as_deref() == Some(&code.redirect_uri);
    if challenge != code.challenge || !same_uri {
        let problem = "the code's verifier or redirect URI does not match the authorization request";
        state.violations.push(problem.to_owned());
        return Err("invalid_grant");
    }
    let refresh_token = behaviour.refreshes.then(|| state.new_family(&code.scope, &code.user, key.clone()));
    Ok(Granted {
        scope: code.scope,
        user: code.user,
        nonce: code.nonce,
        refresh_token,
        issued_token_type: None,
    })
}

fn refresh_token(
    behaviour: &Behaviour,
    state: &mut State,
    request: &Request,
    key: &Option<String>,
) -> Result {
    let sent = request.parameter("refresh_token").unwrap_or_default();
    let Some(family) = state.families.iter_mut().find(|family| family.current == sent && !family.revoked)
    else {
        // The reuse of a rotated token revokes every refresh token of its family (RFC 9700 section 4.14).
        state.families.iter_mut().for_each(|family| family.revoked = true);
        return Err("invalid_grant");
    };
    // RFC 9449 section 5: a public client's refresh tokens are bound to its key.
    if family.key != *key {
        return Err("invalid_dpop_proof");
    }
    if behaviour.rotates {
        family.current = format!("refresh-canary-{}", state.counter);
    }
    Ok(Granted {
        scope: request.parameter("scope").unwrap_or_else(|| family.scope.clone()),
        user: family.user.clone(),
        refresh_token: behaviour.rotates.then(|| family.current.clone()),
        ..Granted::default()
    })
}

fn device_code(behaviour: &Behaviour, state: &mut State, request: &Request, key: &Option<String>) -> Result {
    let code = request.parameter("device_code").or_else(|| request.parameter("auth_req_id"));
    let scope = state.devices.remove(&code.unwrap_or_default()).ok_or("invalid_grant")?;
    let user = behaviour.user.clone();
    let refresh_token = behaviour.refreshes.then(|| state.new_family(&scope, &user, key.clone()));
    Ok(Granted { scope, user, refresh_token, ..Granted::default() })
}

fn jwt_bearer(behaviour: &Behaviour, state: &mut State, request: &Request, issuer: &str) -> Result {
    let assertion = request.parameter("assertion").and_then(|assertion| Jws::parse(&assertion));
    let signer = behaviour.bearer_assertions.clone().unwrap_or_default();
    let assertion = assertion.filter(|assertion| assertion.is_by(&signer)).ok_or("invalid_grant")?;
    if assertion.claims["aud"] != issuer {
        state.violations.push(format!("the assertion's audience is {}", assertion.claims["aud"]));
    }
    Ok(Granted {
        scope: request.parameter("scope").unwrap_or_default(),
        user: assertion.claims["sub"].as_str().unwrap_or_default().to_owned(),
        ..Granted::default()
    })
}

fn token_exchange(state: &mut State, request: &Request) -> Granted {
    for role in ["subject", "actor"] {
        let token = request.parameter(&format!("{role}_token"));
        let kind = request.parameter(&format!("{role}_token_type"));
        if token.is_some() != kind.is_some() || role == "subject" && token.is_none() {
            state.violations.push(format!("the exchange's {role} token or its type is missing"));
        }
    }
    let access_token = "urn:ietf:params:oauth:token-type:access_token";
    let requested = request.parameter("requested_token_type");
    Granted {
        scope: request.parameter("scope").unwrap_or_default(),
        user: "exchanged".to_owned(),
        issued_token_type: Some(requested.unwrap_or_else(|| access_token.to_owned())),
        ..Granted::default()
    }
}

//! What a caller asks of a provider.

use std::time::Duration;

use super::subject_token;
use crate::name::ScopeSet;
use crate::store::record::Record;

/// What a token is wanted for. What is not said is as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// Just these scopes.
    pub scopes: Option<ScopeSet>,
    /// These audiences.
    pub audience: Vec<String>,
    /// These resources (RFC 8707).
    pub resource: Vec<String>,
    /// This connection of the server, in the place of the configured.
    pub connection: Option<String>,
}

/// What a provider issues a token of.
#[derive(Debug, Clone, Copy)]
pub struct IssueRequest<'a> {
    pub wanted: &'a TokenRequest,
    /// What is stored already: a key that tokens are bound to is used further.
    pub stored: Option<&'a Record>,
    /// The subject tokens of the grant.
    pub tokens: &'a subject_token::SubjectTokens,
}

/// What a login is asked for.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// These scopes in the place of the configured.
    pub scopes: Option<ScopeSet>,
    /// Open a browser.
    pub browser: BrowserChoice,
    /// Log in with a code that is entered on another device.
    pub device: bool,
    /// How long to wait for the user, where that was said.
    pub timeout: Option<Duration>,
}

/// Which browser a login opens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BrowserChoice {
    /// The user's own, if it can be seen.
    #[default]
    Default,
    Command(String),
    /// None: the user takes the URL elsewhere.
    None,
}

//! The options of a request to a provider.

use std::time::Duration;

use super::subject_token;
use crate::name::ScopeSet;
use crate::store::record::Record;

/// The requested properties of a token. Unset ones come from the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// Exactly these scopes.
    pub scopes: Option<ScopeSet>,
    pub audience: Vec<String>,
    /// The resources (RFC 8707).
    pub resource: Vec<String>,
    /// The server's connection, instead of the configured one.
    pub connection: Option<String>,
}

/// What a provider needs to issue a token.
#[derive(Debug, Clone, Copy)]
pub struct IssueRequest<'a> {
    pub wanted: &'a TokenRequest,
    /// The stored record, whose key new tokens stay bound to.
    pub stored: Option<&'a Record>,
    pub tokens: &'a subject_token::SubjectTokens,
}

#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// The scopes, instead of the configured ones.
    pub scopes: Option<ScopeSet>,
    pub browser: BrowserChoice,
    /// Log in with a code that the user enters on another device.
    pub device: bool,
    /// How long to wait for the user, if the user set a limit.
    pub timeout: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BrowserChoice {
    /// The user's own browser, if the user could see it.
    #[default]
    Default,
    Command(String),
    /// No browser: the user opens the URL elsewhere.
    None,
}

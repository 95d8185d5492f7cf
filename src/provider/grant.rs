//! The tokens or credentials that a provider issues.

use std::rc::Rc;

use crate::binding::Binding;
use crate::loopback::Page;
use crate::name::ScopeSet;
use crate::oauth::dpop::Prover;
use crate::oauth::id_token::Claims;
use crate::ports::Held;
use crate::token::{Issued, TokenSet};

/// Tokens to store.
#[derive(Debug)]
pub struct Grant {
    pub tokens: TokenSet,
    /// Where they may be sent from now on. The binding is complete.
    pub binding: Binding,
    /// The issuer, exactly as the metadata writes it.
    pub issuer: Option<String>,
    /// The validated claims of the ID token.
    pub claims: Option<Claims>,
    /// The requested scopes.
    pub requested_scopes: ScopeSet,
    /// Proves the key that the tokens are bound to.
    pub prover: Option<Rc<Prover>>,
    /// The thumbprint of the certificate that the tokens may be bound to.
    pub certificate: Option<String>,
}

#[derive(Debug)]
pub enum IssueOutcome {
    /// A credential for immediate use that is not stored.
    Immediate(Issued),
    /// Tokens to store.
    Grant(Box<Grant>),
}

/// A grant from a login.
pub struct Login {
    pub grant: Grant,
    /// The browser connection that waits for the result, if there is one.
    pub page: Option<Page>,
    /// Signals are delayed from the token request on, until the tokens are stored.
    pub held: Option<Box<dyn Held>>,
}

//! What a provider issues.

use std::rc::Rc;

use crate::binding::Binding;
use crate::loopback::Page;
use crate::name::ScopeSet;
use crate::oauth::dpop::Prover;
use crate::oauth::id_token::Claims;
use crate::ports::Held;
use crate::token::{Issued, TokenSet};

/// What a grant brought: tokens to keep.
#[derive(Debug)]
pub struct Grant {
    pub tokens: TokenSet,
    /// Where they may be sent from now on; complete.
    pub binding: Binding,
    /// The issuer, as its metadata writes it.
    pub issuer: Option<String>,
    /// The claims of the id token, which was validated.
    pub claims: Option<Claims>,
    /// The scopes that were asked for.
    pub requested_scopes: ScopeSet,
    /// What proves the key that the tokens are bound to.
    pub prover: Option<Rc<Prover>>,
    /// The thumbprint of the certificate that was shown for them.
    pub certificate: Option<String>,
}

/// What a provider issued.
#[derive(Debug)]
pub enum IssueOutcome {
    /// Something to use now and not to keep.
    Immediate(Issued),
    /// Tokens to keep.
    Grant(Box<Grant>),
}

/// A grant that was got with the user.
pub struct Login {
    pub grant: Grant,
    /// The browser that waits to hear how it ended, where one came to us.
    pub page: Option<Page>,
    /// Signals are held back since the server was asked for the tokens: what it gave is kept first.
    pub held: Option<Box<dyn Held>>,
}

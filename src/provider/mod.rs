//! Where tokens come from: one file for each kind of provider and each OAuth grant, and the one list of them.

pub mod api_key;
pub mod authorization_code;
pub mod basic;
mod browser;
mod build_context;
pub mod ciba;
pub mod client;
pub mod client_credentials;
pub mod command;
mod consent;
mod context;
pub mod device_code;
mod end_session;
pub mod environment;
mod error;
pub mod external;
pub mod github_actions;
mod grant;
pub mod jwt;
pub mod jwt_bearer;
mod kind;
mod logout;
mod refresh;
mod request;
pub mod subject_token;
pub mod token_exchange;
mod token_provider;

use std::collections::BTreeSet;

pub use self::build_context::BuildContext;
pub use self::context::Context;
pub use self::error::ProviderError;
pub use self::grant::{Grant, Issue, Login};
pub use self::kind::{ANY_URN, Kind};
pub use self::logout::{EndedSession, Revocation};
pub use self::refresh::{PreparedRefresh, RefreshOutcome};
pub use self::request::{BrowserChoice, IssueRequest, LoginRequest, TokenRequest};
pub use self::token_provider::{Need, TokenProvider};

/// Every kind of provider and every OAuth grant. The grammar, the mask, the schema and the help read this list.
pub const KINDS: &[&Kind] = &[
    &authorization_code::KIND,
    &device_code::KIND,
    &client_credentials::KIND,
    &token_exchange::KIND,
    &jwt_bearer::KIND,
    &ciba::KIND,
    &token_exchange::EXTENSION,
    &jwt::KIND,
    &api_key::KIND,
    &basic::KIND,
    &environment::KIND,
    &github_actions::KIND,
    &command::KIND,
    &external::KIND,
];

/// Every kind by its configured name.
#[must_use]
pub fn kind_names() -> BTreeSet<&'static str> {
    KINDS.iter().flat_map(|kind| [Some(kind.name), kind.alias]).flatten().collect()
}

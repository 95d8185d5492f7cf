//! The use cases that commands and helpers share: get a token, log in, log out.

pub mod acquire;
pub mod aws;
mod definitions;
mod identity;
pub mod inspect;
mod local_store;
pub mod login;
pub mod logout;
mod open;
mod provider_session;
pub mod registration;
pub mod store_credential;
pub mod with_token;

pub use self::open::{Open, configured_store};
pub use self::provider_session::Session;

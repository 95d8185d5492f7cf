//! The one-shot listener for the redirect (RFC 8252 section 7.3). It starts no thread.

mod connections;
mod error;
mod language;
mod link_server;
mod listener;
mod one_time_link;
mod page;
mod redirect_uri;
pub(crate) mod request;
mod user_check;
mod wait;

pub use self::error::LoopbackError;
pub use self::link_server::LinkServer;
pub use self::listener::Listener;
pub use self::one_time_link::OneTimeLink;
pub use self::page::{Outcome, Page};
pub use self::redirect_uri::RedirectUri;
pub use self::wait::{Answer, Wait};

//! What `authctl login` found out about servers, and the clients that it made known to them: a file in the state folder, which
//! is a configuration layer below everything that people write.

mod file;
mod provider;
mod url;

pub(super) use self::file::text_with;
pub use self::file::{clients, forget, path, save};
pub(super) use self::provider::take_state;
pub use self::provider::{DiscoveredClient, DiscoveredProvider, is_client_key, is_discovered};
pub(crate) use self::url::is_at_or_above;
pub use self::url::name_of;

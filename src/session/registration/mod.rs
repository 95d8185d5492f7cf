//! Provides a client that the authorization server knows: from the configuration, from the user's metadata document, or
//! by registration (RFC 7591). Ends a registration that is no longer used (RFC 7592).

mod choose;
mod end;
mod error;
mod login_client;
mod note;
mod register;
mod secrets;

pub use self::choose::{ClientRequest, choose};
pub use self::end::{forget, unfinished};
pub use self::error::RegistrationError;
pub use self::login_client::LoginClient;
pub use self::secrets::stored_records;

//! Makes sure that the authorization server knows the client of a login: from the configuration, by the metadata document
//! that the user hosts, or by registration (RFC 7591). Ends a registration when nobody uses it any more (RFC 7592).

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

//! The parts that all OAuth grants share: the client, the server's endpoints, token requests and the ID token.

pub mod authentication;
mod certificate;
mod client_settings;
mod clock_skew;
mod diagnosis;
mod discovered;
mod id_token;
mod keys;
pub(super) mod oauth_client;
mod proof_key;
mod refresh;
mod requests;
mod server;
mod settings;
mod token_form;
mod token_services;
mod userless_grant;

pub use self::authentication::check_key_file;
pub use self::id_token::AuthenticationRequest;
pub use self::keys::KEYS;
pub use self::oauth_client::OAuthClient;
pub use self::requests::TokenCall;
pub use self::server::Server;
pub use self::userless_grant::UserlessGrant;

//! The parts of a test: a private message bus with gnome-keyring, the authorization server, and homes to run authctl in.

mod bus;
mod home;
mod oidc_provider;
mod programs;

pub use self::bus::Bus;
pub use self::home::{Ended, Home};
pub use self::oidc_provider::OidcProvider;
pub use self::programs::{PROGRAM, Running, artefacts, folder, node, wait_until};

//! A small HTTP server and client over plain sockets, so that tests can produce every fault.

mod certificates;
mod client;
mod message;
mod server;
mod wire;

pub use self::certificates::certificates;
pub use self::client::{exchange, get, location};
pub use self::message::{Reply, Request};
pub use self::server::Server;

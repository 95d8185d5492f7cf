//! Support for the stories: a sandbox, an authorization server, browsers.

#![allow(dead_code, unused_imports, reason = "the examples use a part of it")]

pub mod authorization_server;
pub mod browsers;
pub mod http;
pub mod odd_keyring;
pub mod sandbox;
pub mod shared;
pub mod vault;

pub use authorization_server::AuthorizationServer;
pub use sandbox::Sandbox;

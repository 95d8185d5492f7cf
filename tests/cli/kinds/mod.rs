//! The kinds of providers beside the browser login.

mod direct;
mod requested;
mod secrets;

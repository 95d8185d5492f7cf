//! Adds a provider to the user's configuration: asks what only the user knows, shows what will be written, and writes it.

mod draft;
mod questions;
mod start;
mod write;

pub use self::draft::{Draft, draft};
pub use self::questions::{ask_draft, ask_start};
pub use self::start::Start;
pub use self::write::write;

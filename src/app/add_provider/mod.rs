//! Adds a provider to the user's config file: asks for what only the user knows, shows the change, and writes it.

mod draft;
mod questions;
mod start;
mod write;

pub use self::draft::{Draft, draft};
pub use self::questions::{ask_draft, ask_start};
pub use self::start::Start;
pub use self::write::write;

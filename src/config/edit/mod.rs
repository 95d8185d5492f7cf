//! Changes of the user's configuration file that keep its comments and its order.

mod assignment;
mod error;
mod file;

pub use self::assignment::{Assignment, find_key};
pub use self::error::EditError;
pub use self::file::Edit;

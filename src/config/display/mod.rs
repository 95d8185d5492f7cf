//! What `config show` and `provider show` print: keys with their values, and a mask for each secret.

mod lines;
mod mask;
mod shown;

pub use self::lines::{provider, top};
pub use self::shown::{Line, ShownProvider, object, write_lines};

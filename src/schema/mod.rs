//! The keys of configuration tables, the values with their origins, and the problems that a check can find.

mod check;
mod key;
mod origin;
mod problem;
mod read;
mod secret;
mod section;
mod suggestion;
mod value;

pub use self::check::check;
pub use self::key::{Key, Shape};
pub use self::origin::{Layer, Origin, SourceFile};
pub use self::problem::{Excerpt, Problem};
pub use self::read::{command, duration, scopes, secret, secret_reference, token_source};
pub use self::secret::{PassedOn, SecretSource};
pub use self::section::{Scopes, Section, TokenKind, TokenSource};
pub use self::suggestion::{near, unknown};
pub use self::value::{Setting, Table, Value};

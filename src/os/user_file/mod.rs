//! Changes the user's config files, authctl's own and other programs', without changing their owner.

mod folder;
mod owner;
mod replace;
mod target;

pub use self::folder::{make_folder, own_like_folder};
pub use self::owner::Owner;
pub use self::replace::{read, replace};

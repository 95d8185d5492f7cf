//! A file that only this process and the program that it runs can open.

#[cfg(unix)]
mod descriptor;
#[cfg(not(unix))]
mod temporary;

#[cfg(unix)]
pub(super) use self::descriptor::{for_output, with_text};
#[cfg(not(unix))]
pub(super) use self::temporary::{for_output, with_text};

//! What authctl asks the operating system directly: private files, users, threads.

pub mod filesystem;
pub mod open_files;
pub mod private_file;
pub mod program;
pub mod replaceable;
pub mod text_file;
pub mod threads;
pub mod user_file;
#[cfg(target_os = "linux")]
pub mod users;

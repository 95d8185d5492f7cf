//! `cargo bench --bench token`: see `linux`. The programs to compare with exist only on Linux.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    dead_code,
    missing_docs,
    unused_imports,
    reason = "a bench may fail, uses the real machine, and needs a part of the shared files"
)]

#[cfg(target_os = "linux")]
mod linux;

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}

//! `cargo bench --bench token`: see `linux`. What it compares with is there on Linux alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    dead_code,
    missing_docs,
    reason = "a bench may fail, and uses the real machine"
)]

#[cfg(target_os = "linux")]
mod linux;

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}

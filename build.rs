//! Links the unwinder into the program if the compiler has it as a static library.
//!
//! The shared library, libgcc_s, queries the processor's features each time it is loaded: on a virtual machine that
//! alone takes a tenth of the time of `authctl token`.

#![allow(clippy::disallowed_methods, reason = "no part of the program")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|found| found == value);
    let features = std::env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let is_static = features.split(',').any(|feature| feature == "crt-static");
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") || is_static {
        return;
    }
    // Like rustc: the linker is the C compiler, which knows where its libraries are. When cross-compiling without a
    // configured linker, this machine's compiler would return its own libraries.
    let native = std::env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    let linker = std::env::var("RUSTC_LINKER").ok().or_else(|| native.then(|| "cc".to_owned()));
    let Some(linker) = linker else { return };
    let Ok(output) = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output() else { return };
    let found = String::from_utf8_lossy(&output.stdout);
    let library = Path::new(found.trim());
    // If it does not find the library, it prints the name unchanged.
    if let (true, Some(folder)) = (library.is_absolute() && library.exists(), library.parent()) {
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

//! Lists the provider templates, and links the unwinder into the program if the compiler has it as a static library.
//!
//! The unwinder's shared library, libgcc_s, queries the processor's features each time it is loaded: on a virtual machine that
//! alone takes a tenth of the time of `authctl token`.

#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "not part of the program: a panic fails the build"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    list_templates();
    link_unwinder();
}

/// Writes the names and texts of `src/config/templates/*.toml` as a table, sorted by name.
fn list_templates() {
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")).join("src/config/templates");
    println!("cargo:rerun-if-changed={}", folder.display());
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort_by_key(|path| path.file_stem().map(std::ffi::OsStr::to_owned));
    let mut table = "const TEXTS: &[(&str, &str)] = &[\n".to_owned();
    for path in &paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let _ = writeln!(table, "    ({name:?}, include_str!({path:?})),");
    }
    table.push_str("];\n");
    let written = Path::new(&variable("OUT_DIR")).join("templates.rs");
    std::fs::write(&written, table).unwrap_or_else(|error| panic!("{}: {error}", written.display()));
}

/// A variable that cargo sets for every build script.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn link_unwinder() {
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

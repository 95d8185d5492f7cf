//! The supported shells, with the script and the output format of each.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};
use serde_json::json;

pub const SHELLS: Shells<'static> = Shells(&[
    &Scripted { shell: &Bash, script: include_str!("../../../completions/authctl.bash") },
    &Scripted { shell: &Zsh, script: include_str!("../../../completions/_authctl") },
    &Fish,
    &Powershell,
    &Elvish,
    &Nushell,
]);

/// A shell with authctl's own script. The library's script for bash cannot complete words that contain `=` or `@`, and its
/// script for zsh prints nothing the first time when it is loaded from `fpath`.
struct Scripted {
    shell: &'static (dyn EnvCompleter + Sync),
    script: &'static str,
}

impl EnvCompleter for Scripted {
    fn name(&self) -> &'static str {
        self.shell.name()
    }

    fn is(&self, name: &str) -> bool {
        self.shell.is(name)
    }

    fn write_registration(&self, _: &str, _: &str, _: &str, _: &str, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.script.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        self.shell.write_complete(command, words, folder, out)
    }
}

/// Nushell, which the library does not support: it passes the words up to the cursor as arguments and expects a JSON list.
struct Nushell;

impl EnvCompleter for Nushell {
    fn name(&self) -> &'static str {
        "nushell"
    }

    fn is(&self, name: &str) -> bool {
        matches!(name, "nushell" | "nu")
    }

    fn write_registration(&self, _: &str, _: &str, _: &str, _: &str, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(include_bytes!("../../../completions/authctl.nu"))
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let index = words.len().saturating_sub(1);
        let candidates = clap_complete::engine::complete(command, words, index, folder)?;
        let list = candidates.iter().map(|candidate| {
            let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
            let value = candidate.get_value().to_string_lossy();
            json!({ "value": value, "description": help.lines().next().unwrap_or_default() })
        });
        write!(out, "{}", serde_json::Value::Array(list.collect()))
    }
}

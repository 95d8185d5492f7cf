//! `authctl completions`

use clap_complete::env::Shells;

use super::Invocation;
use crate::error::Error;

/// Print the completion script of a shell
///
/// The script asks authctl itself, so that it knows your providers. For bash, for example:
/// `authctl completions bash > ~/.local/share/bash-completion/completions/authctl`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_parser = ["bash", "zsh", "fish", "powershell", "elvish"])]
    shell: String,
}

/// Prints the script.
///
/// # Errors
/// [`Error::Output`].
pub fn run(invocation: &Invocation<'_>, args: &Args) -> Result<(), Error> {
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(&args.shell) else {
        return Err(Error::usage("there is no such shell"));
    };
    let mut script = Vec::new();
    completer.write_registration("COMPLETE", "authctl", "authctl", "authctl", &mut script)?;
    Ok(invocation.system.console.out(&String::from_utf8_lossy(&script))?)
}

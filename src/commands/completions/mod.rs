//! `authctl completions`

mod engine;
mod shells;
mod typed;
mod values;

use clap::builder::PossibleValuesParser;

pub use self::engine::answer;
use self::shells::SHELLS;
use crate::app::App;
use crate::error::Error;

/// Print a completion script for a shell
///
/// The script runs authctl to complete your providers, accounts, profiles and config keys. For bash, for example:
/// `authctl completions bash > ~/.local/share/bash-completion/completions/authctl`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shell to complete for
    #[arg(value_parser = shells())]
    shell: String,
}

fn shells() -> PossibleValuesParser {
    SHELLS.iter().map(|shell| shell.name()).collect::<Vec<_>>().into()
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let Some(shell) = SHELLS.completer(&args.shell) else {
        return Err(Error::usage("not a supported shell"));
    };
    let mut script = Vec::new();
    shell.write_registration("COMPLETE", "authctl", "authctl", "authctl", &mut script)?;
    Ok(app.system.console.out(&String::from_utf8_lossy(&script))?)
}

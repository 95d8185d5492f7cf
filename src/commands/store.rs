//! `authctl store`

use super::Invocation;
use crate::console::{GOOD, styled};
use crate::error::Error;

/// Work on the token store itself
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Unlock the keyring, which asks for its password
    Unlock,
}

/// Unlocks the store.
///
/// # Errors
/// [`Error::Store`].
pub fn run(invocation: &Invocation<'_>, args: &Args) -> Result<(), Error> {
    match args.action {
        Action::Unlock => {
            invocation.session().store.unlock_keyring()?;
            invocation.system.console.say(format_args!("{} The keyring is unlocked.", styled(GOOD, "✓")));
            Ok(())
        }
    }
}

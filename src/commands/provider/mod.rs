//! `authctl provider`

mod add;
mod change;
mod list;

use super::Invocation;
use crate::error::Error;

/// List, add, change and remove the providers of your configuration
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the configured providers
    List,
    Show(list::ShowArgs),
    Add(add::Args),
    Set(change::SetArgs),
    Remove(change::RemoveArgs),
    Templates(list::TemplatesArgs),
}

/// Lists or changes providers.
///
/// # Errors
/// Any [`Error`].
pub fn run(invocation: &Invocation<'_>, args: &Args) -> Result<(), Error> {
    match &args.action {
        Action::List => list::list(invocation),
        Action::Show(args) => list::show(invocation, args),
        Action::Add(args) => add::run(invocation, args),
        Action::Set(args) => change::set(invocation, args),
        Action::Remove(args) => change::remove(invocation, args),
        Action::Templates(args) => list::templates(invocation, args),
    }
}

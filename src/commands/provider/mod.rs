//! `authctl provider`

mod add;
mod change;
mod list;

use crate::app::App;
use crate::error::Error;

/// List, add, change and remove providers
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List configured providers
    List,
    Show(list::ShowArgs),
    Add(add::Args),
    Set(change::SetArgs),
    Remove(change::RemoveArgs),
    Templates(list::TemplatesArgs),
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    match &args.action {
        Action::List => list::list(app),
        Action::Show(args) => list::show(app, args),
        Action::Add(args) => add::run(app, args),
        Action::Set(args) => change::set(app, args),
        Action::Remove(args) => change::remove(app, args),
        Action::Templates(args) => list::templates(app, args),
    }
}

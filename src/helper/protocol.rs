//! The trait that each helper implements.

use super::setup::Plan;
use crate::app::App;
use crate::app::installed::Installed;
use crate::error::Error;

/// Another program's protocol. The doc comments of its arguments are its help.
pub trait Protocol: clap::Args {
    /// The name of the other program.
    const NAME: &'static str;
    /// The name under which the other program runs its helper, if it insists on one: a link to authctl has this name.
    const PROGRAM: Option<&'static str> = None;

    /// Answers the other program. After an error, standard output is empty or holds the protocol's own form of an error.
    fn run(&self, app: &App<'_>) -> Result<(), Error>;

    /// Returns what earlier set-ups left in the other program's configuration.
    fn installed(app: &App<'_>) -> Vec<Installed>;

    /// Returns the changes that make the other program use authctl.
    fn plan(&self, app: &App<'_>) -> Result<Plan, Error>;
}

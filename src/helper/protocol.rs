//! What each helper's protocol implements.

use super::setup::Plan;
use crate::app::App;
use crate::app::installed::Installed;
use crate::error::Error;

/// A protocol of another program. Its arguments' comments are its help.
pub trait Protocol: clap::Args {
    /// The name of the program that is served.
    const NAME: &'static str;
    /// The name by which that program calls its helper, where it chooses the name: that of a link to this program.
    const PROGRAM: Option<&'static str> = None;

    /// Answers.
    ///
    /// # Errors
    /// Any [`Error`]; standard output is empty then, or has the protocol's own form of an error.
    fn run(&self, app: &App<'_>) -> Result<(), Error>;

    /// What earlier set-ups left in the other program's configuration.
    fn installed(app: &App<'_>) -> Vec<Installed>;

    /// What to change so that the other program asks here.
    fn plan(&self, app: &App<'_>) -> Result<Plan, Error>;
}

//! Protocols in which other programs ask for credentials: one file each, and the one list of them.
//!
//! A helper prints its protocol on standard output and nothing else. It answers for exactly the hosts of the configured
//! providers; for all others it says "nothing here" in the protocol's own words.

mod aws;
mod bazel;
mod cargo;
mod docker;
mod git;
mod host;
pub mod installed;
mod keyring;
mod kubernetes;
pub mod setup;
mod terraform;
mod token;

use clap::ArgMatches;

use crate::app::App;
use crate::error::Error;
use setup::Plan;

/// Every helper.
pub const HELPERS: &[Helper] = &[
    Helper::of::<git::Args>(),
    Helper::of::<docker::Args>(),
    Helper::of::<kubernetes::Args>(),
    Helper::of::<cargo::Args>(),
    Helper::of::<bazel::Args>(),
    Helper::of::<aws::Args>(),
    Helper::of::<terraform::Args>(),
    Helper::of::<keyring::Args>(),
];

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

    /// What to change so that the other program asks here.
    ///
    /// # Errors
    /// Any [`Error`].
    fn plan(&self, app: &App<'_>) -> Result<Plan, Error>;
}

/// A protocol in the list.
pub struct Helper {
    /// The name of the program that is served.
    pub name: &'static str,
    /// The name by which that program calls its helper.
    pub program: Option<&'static str>,
    /// Adds the arguments to a command.
    pub arguments: fn(clap::Command) -> clap::Command,
    /// Answers.
    pub run: fn(&App<'_>, &ArgMatches) -> Result<(), Error>,
    /// What to change so that the other program asks here.
    pub plan: fn(&App<'_>, &ArgMatches) -> Result<Plan, Error>,
}

impl Helper {
    const fn of<P: Protocol>() -> Self {
        Self {
            name: P::NAME,
            program: P::PROGRAM,
            arguments: P::augment_args,
            run: |app, matches| arguments::<P>(matches)?.run(app),
            plan: |app, matches| arguments::<P>(matches)?.plan(app),
        }
    }
}

fn arguments<P: Protocol>(matches: &ArgMatches) -> Result<P, Error> {
    P::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))
}

/// The helper that is meant when this program is called by this name.
#[must_use]
pub fn called(program: &str) -> Option<&'static Helper> {
    HELPERS.iter().find(|helper| helper.program == Some(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_means_one_helper() {
        for (program, want) in [
            ("git-credential-authctl", Some("git")),
            ("docker-credential-authctl", Some("docker")),
            ("terraform-credentials-authctl", Some("terraform")),
            ("keyring", Some("keyring")),
            ("authctl", None),
            ("git-credential-store", None),
        ] {
            assert_eq!(called(program).map(|helper| helper.name), want, "{program}");
        }
        let mut names: Vec<_> = HELPERS.iter().map(|helper| helper.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), HELPERS.len());
    }
}

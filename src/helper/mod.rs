//! The protocols in which other programs ask for credentials, one file per protocol.
//!
//! A helper prints nothing but its protocol on standard output. It serves exactly the hosts of the configured providers;
//! for any other host it answers "not found" in the protocol's own form.

mod aws;
mod bazel;
mod cargo;
mod docker;
mod error;
mod git;
mod host;
mod installed;
mod keyring;
mod kubernetes;
mod protocol;
mod setup;
mod terraform;
mod token;

use clap::{ArgMatches, FromArgMatches};

use self::protocol::Protocol;
use self::setup::Plan;
use crate::app::App;
use crate::app::installed::Installed;
use crate::error::Error;

const HELPERS: &[Helper] = &[
    Helper::of::<git::Args>(),
    Helper::of::<docker::Args>(),
    Helper::of::<kubernetes::Args>(),
    Helper::of::<cargo::Args>(),
    Helper::of::<bazel::Args>(),
    Helper::of::<aws::Args>(),
    Helper::of::<terraform::Args>(),
    Helper::of::<keyring::Args>(),
];

struct Helper {
    name: &'static str,
    /// The name under which the other program runs its helper.
    program: Option<&'static str>,
    arguments: fn(clap::Command) -> clap::Command,
    run: fn(&App<'_>, &ArgMatches) -> Result<(), Error>,
    installed: fn(&App<'_>) -> Vec<Installed>,
    plan: fn(&App<'_>, &ArgMatches) -> Result<Plan, Error>,
}

impl Helper {
    const fn of<P: Protocol>() -> Self {
        Self {
            name: P::NAME,
            program: P::PROGRAM,
            arguments: P::augment_args,
            run: |app, matches| arguments::<P>(matches)?.run(app),
            installed: P::installed,
            plan: |app, matches| arguments::<P>(matches)?.plan(app),
        }
    }
}

fn arguments<P: Protocol>(matches: &ArgMatches) -> Result<P, Error> {
    P::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))
}

/// Returns what earlier set-ups left in other programs' configuration.
pub fn installed(app: &App<'_>) -> Vec<Installed> {
    HELPERS.iter().flat_map(|helper| (helper.installed)(app)).collect()
}

/// Serve tokens to another program in its own protocol
///
/// The help text is in `augment_args`.
#[derive(Debug)]
pub struct Args {
    helper: String,
    matches: ArgMatches,
}

/// Whether to show, make or revert changes to the other program's configuration.
#[derive(Debug, Default, clap::Args)]
#[group(multiple = false)]
struct SetupArgs {
    /// Show the changes that make the other program use authctl
    #[arg(long, help_heading = "Set-up")]
    setup: bool,
    /// Make these changes
    #[arg(long, help_heading = "Set-up")]
    write: bool,
    /// Revert these changes
    #[arg(long, help_heading = "Set-up")]
    undo: bool,
}

impl clap::Args for Args {
    fn augment_args(command: clap::Command) -> clap::Command {
        let subcommand = |helper: &Helper| {
            // The helper's arguments come last, so that its description wins.
            (helper.arguments)(<SetupArgs as clap::Args>::augment_args(clap::Command::new(helper.name)))
        };
        command
            .about("Serve tokens to another program in its own protocol")
            .long_about(
                "Serve tokens to another program in its own protocol\n\nA helper prints nothing but its protocol, and serves exactly the hosts of the configured providers. --setup shows how to configure the other program, --write configures it, and --undo reverts that.",
            )
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommand_value_name("PROGRAM")
            .subcommand_help_heading("Programs")
            .subcommands(HELPERS.iter().map(subcommand))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let (helper, matches) = matches
            .subcommand()
            .ok_or_else(|| clap::Error::new(clap::error::ErrorKind::MissingSubcommand))?;
        Ok(Self { helper: helper.to_owned(), matches: matches.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let helper = HELPERS.iter().find(|helper| helper.name == args.helper);
    let helper = helper.ok_or_else(|| Error::usage("no such helper"))?;
    let wanted = SetupArgs::from_arg_matches(&args.matches).unwrap_or_default();
    let plan = || {
        app.config.check_files(true)?;
        (helper.plan)(app, &args.matches)
    };
    match wanted {
        SetupArgs { setup: true, .. } => setup::show(app, plan()?),
        SetupArgs { write: true, .. } => setup::write(app, plan()?),
        SetupArgs { undo: true, .. } => setup::undo(app, plan()?),
        _ => (helper.run)(app, &args.matches),
    }
}

/// Returns the helper for a program name such as `git-credential-authctl`.
pub fn named_by_program(program: &str) -> Option<&'static str> {
    HELPERS.iter().find(|helper| helper.program == Some(program)).map(|helper| helper.name)
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
            assert_eq!(named_by_program(program), want, "{program}");
        }
        let mut names: Vec<_> = HELPERS.iter().map(|helper| helper.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), HELPERS.len());
    }
}

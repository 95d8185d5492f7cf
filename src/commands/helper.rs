//! `authctl helper`

use clap::{ArgMatches, FromArgMatches};

use crate::app::App;
use crate::error::Error;
use crate::helper::{HELPERS, Helper, setup};

/// Serve tokens to another program in its own protocol
///
/// Each prints its protocol and nothing else, for exactly the hosts of the configured providers. `--setup` shows how the
/// other program is told of it.
#[derive(Debug)]
pub struct Args {
    helper: String,
    matches: ArgMatches,
}

/// What is to be done about the other program's configuration.
#[derive(Debug, Default, clap::Args)]
#[group(multiple = false)]
struct SetupArgs {
    /// Show what to change so that the other program asks authctl
    #[arg(long, help_heading = "Set-up")]
    setup: bool,
    /// Make these changes
    #[arg(long, help_heading = "Set-up")]
    write: bool,
    /// Take them back
    #[arg(long, help_heading = "Set-up")]
    undo: bool,
}

impl clap::Args for Args {
    fn augment_args(command: clap::Command) -> clap::Command {
        let subcommand = |helper: &Helper| {
            // The helper's own description comes last, and so stays.
            (helper.arguments)(<SetupArgs as clap::Args>::augment_args(clap::Command::new(helper.name)))
        };
        command
            .about("Serve tokens to another program in its own protocol")
            .long_about(
                "Serve tokens to another program in its own protocol\n\nEach prints its protocol and nothing else, for exactly the hosts of the configured providers. --setup shows how the other program is told of it; --write does it, --undo takes it back.",
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

/// Answers the other program, or changes its configuration.
///
/// # Errors
/// Any [`Error`].
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let helper = HELPERS.iter().find(|helper| helper.name == args.helper);
    let helper = helper.ok_or_else(|| Error::usage("there is no such helper"))?;
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

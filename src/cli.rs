//! The command line: global options, the subcommands, and the dispatch to them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::styling::{AnsiColor, Styles};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::advice::Advise;
use crate::app::{App, configure};
use crate::commands;
use crate::config::{self, Config, LoadOptions};
use crate::error::{Error, Status};
use crate::helper;
use crate::ports::System;
use crate::ports::console::ColorChoice;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER_HELP: &str = "\
Exit status: 0 success, 1 failure, 2 usage error, 3 login required, 4 configuration error,
5 provider unreachable or busy (try again), 6 token store unavailable, 130 interrupted.";

/// Log in once and give every tool valid tokens
#[derive(Debug, Parser)]
#[command(name = "authctl", version, styles = STYLES, after_help = AFTER_HELP, disable_help_subcommand = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct Global {
    /// Use this config file instead of the default
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    config: Option<PathBuf>,
    /// Use this profile from the config file
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    profile: Option<String>,
    /// Show HTTP requests and responses without secrets; repeat for more detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    verbose: u8,
    /// Print only errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    quiet: bool,
    /// When to use colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true,
        hide_default_value = true,
        help_heading = "Global options"
    )]
    color: ColorChoice,
    /// Print output as JSON
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Login(commands::login::Args),
    Token(commands::token::Args),
    Headers(commands::headers::Args),
    Curl(commands::curl::Args),
    Exec(commands::exec::Args),
    Refresh(commands::refresh::Args),
    Logout(commands::logout::Args),
    Status(commands::status::Args),
    Account(commands::account::Args),
    Whoami(commands::whoami::Args),
    Inspect(commands::inspect::Args),
    Serve(commands::serve::Args),
    Doctor(commands::doctor::Args),
    Config(commands::config::Args),
    Provider(commands::provider::Args),
    Secret(commands::secret::Args),
    Store(commands::store::Args),
    Helper(helper::Args),
    ClientMetadata(commands::client_metadata::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
}

/// The command line's definition, for completions, manual pages and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with these arguments.
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>, system: &mut System) -> Status {
    let arguments = with_helper_command(arguments.into_iter().map(Into::into).collect());
    crate::app::prompt_on_console(system);
    if let Some(result) = commands::token::fast::token(system, &arguments) {
        return report(result, system);
    }
    let parsed =
        command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return print_clap_message(&error, system),
    };
    let (verbose, color, quiet) = (cli.global.verbose, cli.global.color, cli.global.quiet);
    configure(system, verbose, color, quiet);
    let options = LoadOptions { config: cli.global.config, profile: cli.global.profile, only: None };
    // Completion scripts and manual pages do not depend on the configuration.
    if !matches!(cli.command, Command::Completions(_) | Command::Man(_)) {
        config::tell_if_named_by_environment(system, &options);
    }
    let config = Config::load(system, &options);
    // `doctor` reports warnings among its findings.
    if !matches!(cli.command, Command::Doctor(_)) {
        config.warnings().iter().for_each(|warning| system.console.warn(warning));
    }
    let json = cli.global.json;
    let app =
        App { system, config: &config, options: &options, json, verbose: verbose > 0, command_line: command };
    let result = dispatch(&app, &cli.command);
    if let Some(provider) = result.as_ref().err().and_then(Error::login_required) {
        crate::app::notification::tell(system, &config, provider);
    }
    report(result, system)
}

/// Inserts the `helper` subcommand when another program starts authctl under a helper's name, such as
/// `git-credential-authctl`.
fn with_helper_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let name = arguments.first().and_then(|program| Path::new(program).file_stem()?.to_str());
    if let Some(helper) = name.and_then(helper::named_by_program) {
        arguments.splice(0..1, ["authctl", "helper", helper].map(OsString::from));
    }
    arguments
}

fn report(result: Result<(), Error>, system: &System) -> Status {
    match result {
        Ok(()) => Status::Done,
        Err(error) => {
            error.tell(&system.console);
            error.status()
        }
    }
}

fn dispatch(app: &App<'_>, command: &Command) -> Result<(), Error> {
    match command {
        Command::Login(args) => commands::login::run(app, args),
        Command::Token(args) => commands::token::run(app, args),
        Command::Headers(args) => commands::headers::run(app, args),
        Command::Curl(args) => commands::curl::run(app, args),
        Command::Exec(args) => commands::exec::run(app, args),
        Command::Refresh(args) => commands::refresh::run(app, args),
        Command::Logout(args) => commands::logout::run(app, args),
        Command::Status(args) => commands::status::run(app, args),
        Command::Account(args) => commands::account::run(app, args),
        Command::Whoami(args) => commands::whoami::run(app, args),
        Command::Inspect(args) => commands::inspect::run(app, args),
        Command::Serve(args) => commands::serve::run(app, args),
        Command::Doctor(args) => commands::doctor::run(app, args, helper::installed),
        Command::Config(args) => commands::config::run(app, args),
        Command::Provider(args) => commands::provider::run(app, args),
        Command::Secret(args) => commands::secret::run(app, args),
        Command::Store(args) => commands::store::run(app, args),
        Command::Helper(args) => helper::run(app, args),
        Command::ClientMetadata(args) => commands::client_metadata::run(app, args),
        Command::Completions(args) => commands::completions::run(app, args),
        Command::Man(args) => commands::man::run(app, args),
    }
}

/// Prints help and the version to standard output, and usage errors to standard error.
fn print_clap_message(error: &clap::Error, system: &System) -> Status {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        system.console.error(text.trim_end());
        return Status::Usage;
    }
    match system.console.show(&text) {
        Ok(()) => Status::Done,
        Err(error) => Error::from(error).status(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn no_option_takes_a_secret_f_leak1() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                assert!(!["password", "secret", "token", "client_secret", "code"].contains(&name), "{name}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }
}

//! `authctl config`

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::app::args::ProviderArg;
use crate::config::display;
use crate::config::edit::EditError;
use crate::config::{Config, ConfigError, LoadOptions, json_schema, report};
use crate::error::{Error, Status};
use crate::name::ProviderName;
use crate::ports::Program;
use crate::schema::{Layer, Problem};
use crate::text::style::{FAINT, GOOD, styled};

/// Show, check and edit the configuration
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the configuration with secrets masked
    #[command(mut_arg("provider", |arg| arg.help("Provider name, or a URL that it serves [default: all providers]")))]
    Show {
        #[command(flatten)]
        provider: ProviderArg,
        /// Show the file and line of each value
        #[arg(long)]
        origin: bool,
    },
    /// Report all problems in the configuration
    Check,
    /// Print the path of your config file, and the other files that are read
    Path,
    /// Open your config file in your editor and check it afterwards
    Edit,
    /// Print a JSON Schema for config files
    Schema,
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    match &args.action {
        Action::Show { provider, origin } => show(app, provider.name(app)?.as_ref(), *origin),
        Action::Check => check(app),
        Action::Path => path(app),
        Action::Edit => edit(app),
        Action::Schema => app.print_json(&json_schema::schema()),
    }
}

fn show(app: &App<'_>, only: Option<&ProviderName>, origin: bool) -> Result<(), Error> {
    let config = app.config;
    let environment = &*app.system.environment;
    if let Some(name) = only {
        config.choose(Some(name))?;
    }
    let chosen = config.credentials.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    let top = if only.is_none() { display::top(config, environment) } else { Vec::new() };
    if app.json {
        let providers: Map<String, Value> = chosen
            .map(|(name, credential)| {
                (name.to_string(), display::provider(credential, environment).json(origin))
            })
            .collect();
        let mut all = display::object(&top, origin);
        all.insert("credentials".to_owned(), providers.into());
        return app.print_json(&all.into());
    }
    let mut text = String::new();
    display::write_lines(&mut text, &top, origin);
    for (name, credential) in chosen {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&display::provider(credential, environment).text(name, origin));
    }
    app.system.console.show(&text)?;
    // Problems do not prevent `show`; they are listed after it.
    for problem in config.all_problems() {
        app.system.console.say(format_args!("\n{}", report::render(&problem)));
    }
    Ok(())
}

fn check(app: &App<'_>) -> Result<(), Error> {
    let problems = problems_of_every_profile(app);
    if app.json {
        let list: Vec<Value> = problems
            .iter()
            .map(|problem| json!({ "message": problem.message, "origin": problem.origin.to_string(), "hint": problem.hint }))
            .collect();
        let warnings: Vec<String> = app.config.warnings().iter().map(ToString::to_string).collect();
        app.print_json(&json!({ "problems": list, "warnings": warnings }))?;
        return if problems.is_empty() { Ok(()) } else { Err(Error::Reported(Status::Config)) };
    }
    if !problems.is_empty() {
        let count = problems.len();
        let things = if count == 1 { "problem" } else { "problems" };
        Error::from(ConfigError(problems)).tell(&app.system.console);
        app.system.console.error(format_args!("\nfound {count} {things}"));
        return Err(Error::Reported(Status::Config));
    }
    let count = app.config.credentials.len();
    let providers = if count == 1 { "provider" } else { "providers" };
    app.system
        .console
        .say(format_args!("{} The configuration is valid ({count} {providers})", styled(GOOD, "✓")));
    Ok(())
}

/// Returns all problems, including those in unselected profiles, without duplicates.
fn problems_of_every_profile(app: &App<'_>) -> Vec<Problem> {
    let config = app.config;
    let mut problems = config.all_problems();
    let user = config.files.iter().find(|file| file.layer == Layer::User).map(|file| file.path.clone());
    for profile in config.profiles.iter().filter(|profile| config.profile.as_ref() != Some(profile)) {
        let options = LoadOptions {
            config: user.clone().filter(|path| path.exists()),
            profile: Some(profile.clone()),
            only: None,
        };
        for problem in Config::load(app.system, &options).all_problems() {
            let same = |known: &Problem| {
                known.message == problem.message && known.origin.to_string() == problem.origin.to_string()
            };
            if !problems.iter().any(same) {
                problems.push(problem);
            }
        }
    }
    problems
}

fn path(app: &App<'_>) -> Result<(), Error> {
    let files = &app.config.files;
    if app.json {
        let list: Vec<Value> = files
            .iter()
            .map(|file| json!({ "layer": file.layer.to_string(), "path": file.path.display().to_string(), "found": file.found }))
            .collect();
        return app.print_json(&json!({ "files": list }));
    }
    let user = files.iter().find(|file| file.layer == Layer::User);
    let Some(user) = user else {
        return Err(EditError::NoFolder.into());
    };
    app.system.console.out(&format!("{}\n", user.path.display()))?;
    for file in files.iter().filter(|file| file.layer != Layer::User && file.found) {
        app.system.console.say(format_args!("{} {}", styled(FAINT, file.layer), file.path.display()));
    }
    Ok(())
}

fn edit(app: &App<'_>) -> Result<(), Error> {
    let system = app.system;
    let user = app.config.files.iter().find(|file| file.layer == Layer::User);
    let Some(user) = user else {
        return Err(EditError::NoFolder.into());
    };
    if !user.found {
        let written =
            crate::os::private_file::write_new(&user.path, include_str!("config.example.toml").as_bytes());
        written.map_err(|error| {
            Error::failed(
                format!("cannot create the config file: {error}"),
                "check that its folder exists and is yours",
            )
        })?;
    }
    let variable = |name: &str| system.environment.variable(name).filter(|value| !value.trim().is_empty());
    let editor = variable("VISUAL").or_else(|| variable("EDITOR"));
    let editor = editor.unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
    let mut command: Vec<String> = editor.split_whitespace().map(str::to_owned).collect();
    command.push(user.path.display().to_string());
    let program = Program {
        command: &command,
        timeout: std::time::Duration::MAX,
        withheld: &app.config.secret_variables(),
        input: None,
    };
    system
        .processes
        .interact(&program)
        .map_err(|error| Error::failed(error.to_string(), "set EDITOR to your editor's command"))?;
    let options = LoadOptions { config: Some(user.path.clone()), profile: None, only: None };
    let config = Config::load(system, &options);
    check(&App { config: &config, ..*app })
}

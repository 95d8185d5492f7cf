//! `authctl exec`

mod assignment;
mod error;
mod files;

use std::collections::BTreeSet;
use std::ffi::OsString;

use self::assignment::{Assignment, Form};
use self::error::ExecError;
use self::files::TokenFolder;
use crate::app::App;
use crate::app::args::{AccountArg, NarrowArgs, ProviderArg};
use crate::app::render::{id_token, note_limits, rendered, variable};
use crate::error::{Error, Status};
use crate::format::raw;
use crate::name::ProviderName;
use crate::ports::Launch;
use crate::secret::SecretText;
use crate::session::Open;
use crate::session::acquire::{AcquireRequest, token};

/// Run a program with tokens in its environment
///
/// Without --env and --file, the token is in the variable that the provider's own tools read, or else in NAME_TOKEN.
/// authctl removes its own variables, and those that contain configured secrets, from the program's environment. The exit
/// status is the program's: 127 if it does not exist, 126 if it cannot be run, and 128 plus a signal's number.
#[derive(Debug, clap::Args)]
#[command(override_usage = "authctl exec [OPTIONS] [PROVIDER] -- COMMAND…")]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    /// Put a provider's token into this variable; repeatable. FORMAT is an output format of `authctl token -o`, or id-token
    #[arg(long, value_name = "NAME=PROVIDER[:FORMAT]")]
    env: Vec<Assignment>,
    /// Put a provider's token into a temporary file, and the file's path into this variable; repeatable
    #[arg(long, value_name = "NAME=PROVIDER[:FORMAT]")]
    file: Vec<Assignment>,
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// Program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the program once all tokens are available.
///
/// # Errors
/// Any [`Error`]; [`Error::Reported`] with the program's exit status.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    args.check()?;
    let system = app.system;
    let mut variables = args.variables(app)?;
    let files = args.file.iter().map(|assignment| Ok((assignment, assigned(app, assignment)?)));
    let files: Vec<(&Assignment, SecretText)> = files.collect::<Result<_, Error>>()?;
    let Some((program, arguments)) = args.command.split_first() else { return Ok(()) };
    let withheld = app.config.secret_variables();
    let launch = |variables: &[(String, SecretText)], replace: bool| {
        let launch = Launch { program, arguments, variables, withheld: &withheld, inherited: &[] };
        let ended =
            if replace { system.processes.replace(&launch) } else { system.processes.run(&launch, None) };
        match Status::from(ended?) {
            Status::Done => Ok(()),
            status => Err(Error::Reported(status)),
        }
    };
    if files.is_empty() {
        return launch(&variables, true);
    }
    // While token files exist, a signal must not end this process before it removes them.
    let signals = system.signals.hold();
    let folder = TokenFolder::make(system)?;
    for (assignment, text) in &files {
        let path = folder.write(&assignment.variable, text)?;
        variables.push((assignment.variable.clone(), SecretText::new(path)));
    }
    match signals.caught() {
        Some(signal) => Err(Error::Reported(Status::Interrupted(signal))),
        None => launch(&variables, false),
    }
}

impl Args {
    fn check(&self) -> Result<(), ExecError> {
        let assignments = || self.env.iter().chain(&self.file);
        let mut names = BTreeSet::new();
        if let Some(twice) = assignments().find(|assignment| !names.insert(&assignment.variable)) {
            return Err(ExecError::SetTwice(twice.variable.clone()));
        }
        let narrowed = self.account.account.is_some() || !self.narrow.is_empty();
        if narrowed && self.provider.provider.is_none() && assignments().next().is_some() {
            return Err(ExecError::NarrowsNothing);
        }
        Ok(())
    }

    /// Returns the variables with tokens: the selected provider's and those of --env.
    fn variables(&self, app: &App<'_>) -> Result<Vec<(String, SecretText)>, Error> {
        let mut variables = Vec::new();
        let named = self.provider.name(app)?;
        if named.is_some() || self.env.is_empty() && self.file.is_empty() {
            let provider = app.provider(named.as_ref())?;
            let request = self.narrow.request(&provider)?;
            let options = AcquireRequest {
                account: self.account.account.clone(),
                request,
                ..AcquireRequest::default()
            };
            let variable = variable(app.config, &provider);
            variables.push((variable, text(app, &provider.name, Form::default(), &options)?));
        }
        for assignment in &self.env {
            variables.push((assignment.variable.clone(), assigned(app, assignment)?));
        }
        Ok(variables)
    }
}

fn assigned(app: &App<'_>, assignment: &Assignment) -> Result<SecretText, Error> {
    text(app, &assignment.provider, assignment.form, &AcquireRequest::default())
}

/// Returns a provider's formatted token without the trailing newline.
fn text(
    app: &App<'_>,
    name: &ProviderName,
    form: Form,
    options: &AcquireRequest,
) -> Result<SecretText, Error> {
    let Open { provider, session } = app.open(Some(name))?;
    let wants_id_token = matches!(form, Form::IdToken);
    let mut issued =
        token(&session, &provider, &AcquireRequest { id_token: wants_id_token, ..options.clone() })?;
    if wants_id_token {
        issued = id_token(&issued)?;
    }
    note_limits(&session.system.console, &provider, &issued);
    let format = match form {
        Form::Format(format) => format,
        Form::IdToken => &raw::FORMAT,
    };
    let text = rendered(session.config, &provider, &issued, format)?;
    Ok(SecretText::new(text.expose().strip_suffix('\n').unwrap_or(text.expose())))
}

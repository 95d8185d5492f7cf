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
/// Without --env and --file, the token is in the variable that the provider's own tools read, or in NAME_TOKEN. The
/// program gets none of authctl's variables, and none that a configured secret is read from. Its exit status is passed
/// on; 127 is a program that is not there, 126 one that cannot be run, and 128 and a number a signal.
#[derive(Debug, clap::Args)]
#[command(override_usage = "authctl exec [OPTIONS] [PROVIDER] -- COMMAND…")]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    /// Put a provider's token into this variable; may be repeated. FORM is a format of `token -o`, or id-token
    #[arg(long, value_name = "NAME=PROVIDER[:FORM]")]
    env: Vec<Assignment>,
    /// Put it into a file that goes with the program, and the file's path into the variable; may be repeated
    #[arg(long, value_name = "NAME=PROVIDER[:FORM]")]
    file: Vec<Assignment>,
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the program, once every token is there.
///
/// # Errors
/// Any [`Error`]; [`Error::Reported`] with the program's own status.
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
    // From the first file on, no signal ends this process before the last file is removed.
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

    /// The variables that hold tokens: the one provider's, and those of --env.
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

/// A provider's token in a form, without the line feed that ends it on a terminal.
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

//! `authctl token`

pub mod fast;

use std::time::Duration;

use crate::app::App;
use crate::app::args::{AccountArg, NarrowArgs, ProviderArg};
use crate::app::render::{id_token, note_limits, rendered};
use crate::config::Provider;
use crate::error::Error;
use crate::format::{FORMATS, Format, json, named};
use crate::ports::Stream;
use crate::schema::duration;
use crate::session::Open;
use crate::session::Session;
use crate::session::acquire::{AcquireRequest, token};
use crate::token::Issued;

/// Print a valid token
///
/// Refreshes the token first if needed. Never opens a browser or prompts: if a login is required, the exit status is 3.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// Refresh the token unless it is valid for at least this long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    min_ttl: Option<Duration>,
    /// Refresh the token even if it is still valid
    #[arg(long)]
    refresh: bool,
    /// Print the ID token instead of the access token
    #[arg(long)]
    id_token: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "raw", value_parser = parser())]
    output: &'static Format,
}

fn parser() -> impl clap::builder::TypedValueParser<Value = &'static Format> {
    use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about)))
        .try_map(|name| named(&name).ok_or("not a valid format"))
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let Open { provider, session } = app.open(args.provider.name(app)?.as_ref())?;
    let options = AcquireRequest {
        account: args.account.account.clone(),
        request: args.narrow.request(&provider)?,
        min_ttl: args.min_ttl,
        force_refresh: args.refresh,
        id_token: args.id_token,
    };
    let mut issued = token(&session, &provider, &options)?;
    if args.id_token {
        issued = id_token(&issued)?;
    }
    let format = if app.json { &json::FORMAT } else { args.output };
    print(&session, &provider, &issued, format)
}

pub(super) fn print(
    session: &Session<'_>,
    provider: &Provider,
    issued: &Issued,
    format: &Format,
) -> Result<(), Error> {
    let console = &session.system.console;
    let text = rendered(session.config, provider, issued, format)?;
    note_limits(console, provider, issued);
    if console.is_terminal(Stream::Out) {
        console.note("the token is visible on your screen; pipe it into a program instead, such as `authctl headers | curl -H @- URL`");
    }
    Ok(console.out(text.expose())?)
}

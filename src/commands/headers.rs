//! `authctl headers`

use super::token::NarrowArgs;
use super::{AccountArg, Invocation, ProviderArg};
use crate::error::Error;
use crate::format::{Subject, named};
use crate::session::acquire::{Options, token};

/// Print the header lines of one request, for `curl -H @-`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
}

/// Prints the header lines.
///
/// # Errors
/// Any [`Error`].
pub fn run(invocation: &Invocation<'_>, args: &Args) -> Result<(), Error> {
    let session = invocation.session();
    let provider = session.provider(args.provider.provider.as_ref())?;
    let request = args.narrow.request(&provider)?;
    let options = Options { account: args.account.account.clone(), request, ..Options::default() };
    let issued = token(&session, &provider, &options)?;
    if invocation.json {
        let headers: serde_json::Map<_, _> = issued
            .credential
            .headers()
            .into_iter()
            .map(|header| (header.name.clone(), header.value.expose().into()))
            .collect();
        return invocation.print_json(&headers.into());
    }
    let Some(format) = named("header") else { return Err(Error::usage("there is no such format")) };
    let text = (format.render)(&issued, &Subject { provider: &provider.name, variable: "" })
        .map_err(|error| Error::failed(error.to_string(), "use --json"))?;
    Ok(invocation.system.console.out(text.expose())?)
}

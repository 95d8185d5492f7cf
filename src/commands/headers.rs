//! `authctl headers`

use crate::app::App;
use crate::app::args::{AccountArg, NarrowArgs, ProviderArg, request_method};
use crate::app::render::{header_lines, headers};
use crate::app::target::target_url;
use crate::config::Provider;
use crate::error::Error;
use crate::session::Open;
use crate::session::acquire::{AcquireRequest, token};
use crate::token::RequestTarget;

/// Print the header lines for a request, for use with `curl -H @-`
///
/// A DPoP-bound token needs a proof for each request: pass the request's method and URL.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// HTTP method of the request
    #[arg(long, value_name = "METHOD", value_parser = request_method, requires = "url", default_value = "GET")]
    method: String,
    /// URL of the request, on one of the provider's hosts
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Nonce from the resource server's `DPoP-Nonce` header
    #[arg(long, value_name = "NONCE", requires = "url")]
    dpop_nonce: Option<String>,
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let Open { provider, session } = app.open(args.provider.name(app)?.as_ref())?;
    let target = args.target(&provider)?;
    let request = args.narrow.request(&provider)?;
    let options =
        AcquireRequest { account: args.account.account.clone(), request, ..AcquireRequest::default() };
    let issued = token(&session, &provider, &options)?;
    if app.json {
        let headers = headers(&provider, &issued, target.as_ref())?;
        let headers: serde_json::Map<_, _> =
            headers.into_iter().map(|header| (header.name.clone(), header.value.expose().into())).collect();
        return app.print_json(&headers.into());
    }
    let text = header_lines(&provider, &issued, target.as_ref())?;
    Ok(app.system.console.out(text.expose())?)
}

impl Args {
    fn target(&self, provider: &Provider) -> Result<Option<RequestTarget>, Error> {
        let Some(text) = &self.url else { return Ok(None) };
        let url = target_url(provider, text, "--url: ")?;
        Ok(Some(RequestTarget { method: self.method.clone(), url, dpop_nonce: self.dpop_nonce.clone() }))
    }
}

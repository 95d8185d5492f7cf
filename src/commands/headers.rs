//! `authctl headers`

use super::token::format_error;
use crate::app::App;
use crate::app::args::{AccountArg, NarrowArgs, ProviderArg};
use crate::app::target::target_url;
use crate::config::Provider;
use crate::error::Error;
use crate::format::{Subject, named};
use crate::session::acquire::{Options, token};
use crate::token::{RequestTarget, method_refusal};

/// Print the header lines of one request, for `curl -H @-`
///
/// A token that is bound to a key (DPoP) is good only with a proof for the one request: name its method and URL.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// The method of the request that the headers are for
    #[arg(long, value_name = "METHOD", value_parser = method, requires = "url", default_value = "GET")]
    method: String,
    /// The URL of the request that the headers are for; its host must be one of the provider's
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The nonce that the resource server asked for in its `DPoP-Nonce` header
    #[arg(long, value_name = "NONCE", requires = "url")]
    dpop_nonce: Option<String>,
}

/// Prints the header lines.
///
/// # Errors
/// Any [`Error`].
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let session = app.session();
    let provider = session.provider(args.provider.name(app)?.as_ref())?;
    let session = session.keeping(&provider.name);
    let target = args.target(&provider)?;
    let request = args.narrow.request(&provider)?;
    let options = Options { account: args.account.account.clone(), request, ..Options::default() };
    let issued = token(&session, &provider, &options)?;
    if app.json {
        let headers = issued
            .credential
            .headers(target.as_ref())
            .map_err(|error| format_error(error.into(), &provider.name))?;
        let headers: serde_json::Map<_, _> =
            headers.into_iter().map(|header| (header.name.clone(), header.value.expose().into())).collect();
        return app.print_json(&headers.into());
    }
    let Some(format) = named("header") else { return Err(Error::usage("there is no such format")) };
    let subject = Subject::of(&provider, "", target.as_ref());
    let text = (format.render)(&issued, &subject).map_err(|error| format_error(error, &provider.name))?;
    Ok(app.system.console.out(text.expose())?)
}

impl Args {
    /// The request that the headers are for.
    fn target(&self, provider: &Provider) -> Result<Option<RequestTarget>, Error> {
        let Some(text) = &self.url else { return Ok(None) };
        let url = target_url(provider, text, "--url: ")?;
        Ok(Some(RequestTarget { method: self.method.clone(), url, dpop_nonce: self.dpop_nonce.clone() }))
    }
}

/// A method as HTTP writes it (RFC 9110 section 9.1), for a request that may carry a credential.
pub(super) fn method(text: &str) -> Result<String, String> {
    let fits = !text.is_empty()
        && text.len() <= 32
        && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    match method_refusal(text) {
        Some(reason) => Err(format!("a {text} request gets no credential: {reason}")),
        None if fits => Ok(text.to_owned()),
        None => Err("write a method like GET or POST".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_repeat_or_tunnel_are_refused_f_srv2() {
        for (text, valid) in [
            ("GET", true),
            ("PROPFIND", true),
            ("VERSION-CONTROL", true),
            ("TRACER", true),
            ("TRACE", false),
            ("tRaCe", false),
            ("TRACK", false),
            ("track", false),
            ("CONNECT", false),
            ("connect", false),
            ("", false),
            ("GET /", false),
        ] {
            assert_eq!(method(text).is_ok(), valid, "{text}");
        }
    }
}

//! `authctl curl`

mod answer;
mod arguments;
mod attempt;
mod error;
mod options;
mod request;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use url::Url;

use self::attempt::{Attempt, CURL};
use self::error::{ArgumentError, RunError};
use self::request::Request;
use crate::app::App;
use crate::app::args::{AccountArg, NarrowArgs, ProviderRef};
use crate::app::target::target_url;
use crate::error::{Error, Status};
use crate::name::ProviderName;
use crate::os::text_file::read_text;
use crate::ports::Program;
use crate::secret::SecretText;
use crate::session::Open;
use crate::session::acquire::{AcquireRequest, token};
use crate::token::Credential;

/// Before this version, curl sent headers on to another port or protocol at the same host (CVE-2022-27774, 27776).
const KEEPS_HEADERS: (u32, u32) = (7, 83);
/// No server accepts more.
const LONGEST_HEADERS: usize = 1 << 20;

/// Run curl with a provider's token, without putting the token in any process's arguments
///
/// Options before PROVIDER are for authctl, and arguments after it are for curl: exactly one URL, on one of the provider's
/// hosts, and any options except those that would print the token or send it elsewhere. authctl makes curl ignore ~/.curlrc,
/// which could contain such options. If the server rejects the token (401), authctl refreshes it and sends the request once
/// more, unless the data comes from standard input or -D is used. The exit status is curl's.
#[derive(Debug, clap::Args)]
#[command(override_usage = "authctl curl [OPTIONS] PROVIDER [--] ARGUMENTS…")]
pub struct Args {
    #[command(flatten)]
    account: AccountArg,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// Provider name or URL, then curl's arguments
    // A single list, so that everything after the provider goes to curl, even options that authctl has too.
    #[arg(
        id = "provider",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROVIDER ARGUMENTS"
    )]
    words: Vec<OsString>,
}

/// # Errors
/// Any [`Error`]; [`Error::Reported`] with curl's exit status.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let (name, arguments) = args.split(app)?;
    let Open { provider, session } = app.open(Some(&name))?;
    let mut request = arguments::parse(arguments)?;
    let lines = header_lines(app, &mut request)?;
    let url = target_url(&provider, &request.url, "")?;
    check_proxy(&request, &url)?;
    if request.follows {
        check_version(app)?;
    }
    let options = AcquireRequest {
        account: args.account.account.clone(),
        request: args.narrow.request(&provider)?,
        ..AcquireRequest::default()
    };
    let issued = token(&session, &provider, &options)?;
    check_credential(&request, &issued.credential)?;
    let attempt = Attempt::new(&session, &provider, &options, (&request, &lines), &url);
    match Status::from(attempt.run(issued)?) {
        Status::Done => Ok(()),
        status => Err(Error::Reported(status)),
    }
}

impl Args {
    /// Splits the words into the provider and curl's arguments. A URL in place of the provider's name also goes to curl.
    fn split(&self, app: &App<'_>) -> Result<(ProviderName, &[OsString]), Error> {
        let (first, rest) =
            self.words.split_first().map_or((None, &[][..]), |(first, rest)| (first.to_str(), rest));
        let first = first.unwrap_or_default();
        let provider = first.parse::<ProviderRef>().map_err(|error| Error::Usage {
            message: format!("`{}` is not a provider: {error}", crate::text::untrusted::escaped(first)),
            hint: Some("pass the provider first, then curl's arguments".to_owned()),
        })?;
        match provider {
            ProviderRef::Name(name) => Ok((name, rest.strip_prefix(&[OsString::from("--")]).unwrap_or(rest))),
            ProviderRef::Url(url) => Ok((app.config.choose_by_url(url.url())?, &self.words)),
        }
    }
}

/// Reads the user's header files. curl gets their lines together with authctl's headers.
fn header_lines(app: &App<'_>, request: &mut Request) -> Result<Vec<SecretText>, Error> {
    let mut lines = Vec::new();
    for file in std::mem::take(&mut request.header_files) {
        let read = match file == "-" {
            true => app.system.input.read_all(LONGEST_HEADERS),
            false => read_text(Path::new(&file), LONGEST_HEADERS as u64).map(SecretText::new),
        };
        let text = read.map_err(|reason| RunError::HeaderFile {
            file: crate::text::untrusted::Untrusted::new(file.to_string_lossy()),
            reason,
        })?;
        for line in text.expose().lines().filter(|line| !line.trim().is_empty()) {
            request.take_header(line)?;
            lines.push(SecretText::new(line));
        }
    }
    Ok(lines)
}

/// A proxy sees only the host of an https request, but everything in an http request.
fn check_proxy(request: &Request, url: &Url) -> Result<(), Error> {
    match request.proxy {
        Some(option) if url.scheme() == "http" => Err(ArgumentError::Option {
            option: format!("--{option}"),
            reason: "the request is not encrypted, so the proxy would see the token",
        }
        .into()),
        _ => Ok(()),
    }
}

/// The checks that need the credential.
fn check_credential(request: &Request, credential: &Credential) -> Result<(), Error> {
    let names: Vec<String> = match credential {
        Credential::Dpop(..) => return Ok(request.check_bound()?),
        Credential::Headers(headers) => {
            headers.iter().map(|header| header.name.to_ascii_lowercase()).collect()
        }
        _ => return Ok(()),
    };
    if let Some(name) = request.headers.iter().find(|name| names.contains(name)) {
        return Err(ArgumentError::Header(name.clone(), "authctl sets it").into());
    }
    match names.iter().find(|name| *name != "authorization") {
        Some(name) if request.follows => Err(RunError::HeaderFollows(name.clone()).into()),
        _ => Ok(()),
    }
}

/// Refuses to follow redirects with a curl version that may send the token to another server.
fn check_version(app: &App<'_>) -> Result<(), Error> {
    let command = [CURL.to_owned(), "--version".to_owned()];
    let withheld = &app.config.secret_variables();
    let program = Program { command: &command, timeout: Duration::from_secs(10), withheld, input: None };
    let printed = app.system.processes.output(&program).map_err(RunError::NoVersion)?;
    match version(printed.expose()) {
        Some(version) if version >= KEEPS_HEADERS => Ok(()),
        _ => Err(RunError::OldCurl.into()),
    }
}

/// `curl 7.88.1 (x86_64-pc-linux-gnu) …`
fn version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.strip_prefix("curl ")?.split(['.', ' ', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (printed, want) in [
            ("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1", Some((7, 88))),
            ("curl 8.10.0-DEV (x)", Some((8, 10))),
            ("curl 7.9 (x)", Some((7, 9))),
            ("curl: (2) no", None),
            ("", None),
        ] {
            assert_eq!(version(printed), want, "{printed}");
        }
        assert!(version("curl 7.82.0 (x)").unwrap() < KEEPS_HEADERS);
        assert!(version("curl 8.0.1 (x)").unwrap() >= KEEPS_HEADERS);
    }
}

//! Sends the request, and once more if the server rejects it and asks for a nonce or a new token (OAuth 2.1 section 5.3.2,
//! RFC 9449 section 9).
//!
//! The user must not see output of a first attempt that is repeated. So curl writes the response headers to a private file,
//! and authctl holds curl's output back until they are complete. It discards a rejection and passes any other response on as
//! it arrives. If the request cannot be repeated, curl gets the user's own streams, and there is only one attempt.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use url::Url;

use super::answer::{self, Answer};
use super::error::RunError;
use super::request::Request;
use crate::app::render::header_lines;
use crate::config::Provider;
use crate::error::Error;
use crate::oauth::challenge::{Challenge, token_is_invalid};
use crate::oauth::dpop;
use crate::ports::{Ended, InheritedFile, Launch, OutputAction, OutputFilter, Stream};
use crate::secret::SecretText;
use crate::session::Session;
use crate::session::acquire::{AcquireRequest, token};
use crate::text::causes::with_causes;
use crate::text::untrusted::escaped;
use crate::token::{Credential, Issued, RequestTarget};

pub const CURL: &str = "curl";

/// One request to a provider's host.
pub struct Attempt<'a> {
    session: &'a Session<'a>,
    provider: &'a Provider,
    options: &'a AcquireRequest,
    request: &'a Request,
    /// Header lines from the user's header files.
    lines: &'a [SecretText],
    url: &'a Url,
}

/// The credential and nonce of one attempt.
#[derive(Clone)]
struct With {
    issued: Issued,
    nonce: Option<String>,
    renewed: bool,
}

impl<'a> Attempt<'a> {
    pub fn new(
        session: &'a Session<'a>,
        provider: &'a Provider,
        options: &'a AcquireRequest,
        (request, lines): (&'a Request, &'a [SecretText]),
        url: &'a Url,
    ) -> Self {
        Self { session, provider, options, request, lines, url }
    }

    /// Sends the request with a token, and again if a rejection can be remedied.
    ///
    /// # Errors
    /// Any [`Error`] that prevents curl from running. curl itself reports the server's errors.
    pub fn run(&self, issued: Issued) -> Result<Ended, Error> {
        let can_be_repeated = self.can_be_repeated();
        let mut with = With { issued, nonce: None, renewed: false };
        loop {
            let watched = can_be_repeated && with.has_a_remedy(self.provider);
            let mut next = None;
            let ended = self.try_once(&with, watched, &mut |answer| {
                self.tell_of_scopes(answer);
                next = self.remedy(&with, answer);
                next.is_some()
            })?;
            match (ended, next) {
                (Ended::Discarded, Some(better)) => with = better,
                (ended, _) => return Ok(ended),
            }
        }
    }

    /// Runs curl. If `watched` is set, `refused` decides once whether to discard the response.
    fn try_once(
        &self,
        with: &With,
        watched: bool,
        refused: &mut dyn FnMut(&Answer) -> bool,
    ) -> Result<Ended, Error> {
        let system = self.session.system;
        let headers =
            system.processes.inherited_text(&self.headers(with)?).map_err(RunError::NotHandedOver)?;
        let output_file = |wanted: bool| {
            wanted.then(|| system.processes.inherited_output()).transpose().map_err(RunError::NotHandedOver)
        };
        let notes = output_file(watched)?;
        let said = output_file(watched && self.says_only_errors())?;
        let mut inherited = vec![&*headers];
        inherited.extend(notes.as_deref().into_iter().chain(said.as_deref()));
        let launch = Launch {
            program: OsStr::new(CURL),
            arguments: &self.arguments(headers.path(), path(&notes), path(&said)),
            variables: &[],
            withheld: &self.session.config.secret_variables(),
            inherited: &inherited,
        };
        let mut binary = false;
        let mut filter =
            |held: &[u8]| match notes.as_deref().and_then(|notes| answer::last(&notes.contents())) {
                None => OutputAction::Wait,
                Some(answer) if refused(&answer) => OutputAction::Discard,
                Some(_) => {
                    binary = held.contains(&0) && self.is_shown() && self.request.outputs.is_empty();
                    if binary { OutputAction::Discard } else { OutputAction::Release }
                }
            };
        let filter: Option<OutputFilter<'_>> = if watched { Some(&mut filter) } else { None };
        let ended = system.processes.run(&launch, filter)?;
        if binary {
            return Err(RunError::Binary.into());
        }
        let said = said.filter(|_| ended != Ended::Discarded).map(|said| said.contents()).unwrap_or_default();
        if !said.is_empty() {
            system.console.error(String::from_utf8_lossy(&said).trim_end());
        }
        Ok(ended)
    }

    /// Whether the response appears on a terminal. curl cannot see that while its output goes to authctl.
    fn is_shown(&self) -> bool {
        self.session.system.console.is_terminal(Stream::Out) && !self.request.into_file
    }

    /// Whether curl prints only a final error. A failed first attempt's error would be confusing after a successful second one.
    fn says_only_errors(&self) -> bool {
        self.request.silent && self.request.fails && !self.request.says_elsewhere
    }

    /// Returns the header lines, with a DPoP proof for this request if the token needs one.
    fn headers(&self, with: &With) -> Result<SecretText, Error> {
        let target = RequestTarget {
            method: self.request.method.clone(),
            url: self.url.clone(),
            dpop_nonce: with.nonce.clone(),
        };
        let ours = header_lines(self.provider, &with.issued, Some(&target))?;
        let further = self.lines.iter().flat_map(|line| [line.expose(), "\n"]);
        Ok(SecretText::new([ours.expose()].into_iter().chain(further).collect::<String>()))
    }

    fn arguments(&self, headers: &Path, notes: Option<&Path>, said: Option<&Path>) -> Vec<OsString> {
        // `-q` must come first to prevent curl from reading ~/.curlrc.
        let mut arguments: Vec<OsString> = vec!["-q".into()];
        if self.url.scheme() == "http" {
            // A proxy from the environment would see the token.
            arguments.extend(["--noproxy", "*"].map(OsString::from));
        }
        if notes.is_some() && self.is_shown() && !self.request.silent {
            // curl hides its progress meter if it writes to a terminal, but it cannot see the terminal here.
            arguments.push("-sS".into());
        }
        arguments.extend(["-H".into(), prefixed("@", headers)]);
        for (option, path) in [("-D", notes), ("--stderr", said)] {
            arguments.extend(path.into_iter().flat_map(|path| [option.into(), path.into()]));
        }
        arguments.extend(self.request.passed.iter().cloned());
        // Pass the URL that was checked; curl might parse the original text differently.
        arguments.extend(["-g", "--url", self.url.as_str()].map(OsString::from));
        arguments
    }

    /// Whether the request can be sent again unchanged: it reads and writes only regular files, or nothing.
    fn can_be_repeated(&self) -> bool {
        let request = self.request;
        // A second attempt can overwrite a regular file, but a pipe would already have the first attempt's output.
        let replaced =
            |path: &OsString| path == "-" || !Path::new(path).exists() || Path::new(path).is_file();
        !request.once
            && !request.dumps_headers
            && request.sources.iter().all(|path| Path::new(path).is_file() && path != "-")
            && request.outputs.iter().all(replaced)
    }

    /// Returns what to try next, after this response.
    fn remedy(&self, with: &With, answer: &Answer) -> Option<With> {
        let response = &answer.response;
        if answer.redirected || response.status != 401 {
            return None;
        }
        let bound = matches!(with.issued.credential, Credential::Dpop(..));
        let nonce = dpop::nonce(response).filter(|_| bound).map(str::to_owned);
        if nonce.is_some() && with.nonce.is_none() && !says_invalid(answer) {
            return Some(With { nonce, ..with.clone() });
        }
        if with.renewed || !token_is_invalid(response) {
            return None;
        }
        let issued = self.renewed(&with.issued)?;
        Some(With { issued, nonce: nonce.or_else(|| with.nonce.clone()), renewed: true })
    }

    /// Tells the user which scopes are missing if the token is valid but insufficient (RFC 6750 section 3.1). The user
    /// decides whether to request them.
    fn tell_of_scopes(&self, answer: &Answer) {
        if answer.redirected || answer.response.status != 403 {
            return;
        }
        let challenges = crate::oauth::challenge::challenges(&answer.response);
        let insufficient =
            challenges.iter().find(|challenge| challenge.parameter("error") == Some("insufficient_scope"));
        let Some(needed) = insufficient.and_then(Challenge::scope).filter(|scopes| !scopes.is_empty()) else {
            return;
        };
        let console = &self.session.system.console;
        let name = &self.provider.name;
        console.note(format_args!(
            "the server requires more scopes for this request (403): {}",
            escaped(&needed.to_string())
        ));
        let all = self.provider.source.scopes().union(&needed).to_string();
        // Text from a server must not become a command that a shell would interpret.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || " _-.:/".contains(c);
        if !self.provider.source.is_interactive() {
            console.hint(format_args!("add them to the scopes of `{name}` in the config file"));
        } else if all.chars().all(is_plain) {
            console.hint(format_args!("run `authctl login {name} --scope \"{all}\"` to request them"));
        }
    }

    /// Returns a token that differs from the rejected one: one that another process stored meanwhile, or a new one.
    fn renewed(&self, refused: &Issued) -> Option<Issued> {
        let is_another =
            |issued: &Issued| issued.credential.bare().expose() != refused.credential.bare().expose();
        let stored = token(self.session, self.provider, self.options).ok().filter(is_another);
        if stored.is_some() {
            return stored;
        }
        match token(
            self.session,
            self.provider,
            &AcquireRequest { force_refresh: true, ..self.options.clone() },
        ) {
            Ok(issued) => Some(issued).filter(is_another),
            Err(error) => {
                let cause = with_causes(&error);
                let console = &self.session.system.console;
                console.note(format_args!(
                    "the server rejected the token (401), and authctl could not get a new one: {cause}"
                ));
                None
            }
        }
    }
}

impl With {
    /// Whether a rejection could be remedied.
    fn has_a_remedy(&self, provider: &Provider) -> bool {
        let wants_nonce = matches!(self.issued.credential, Credential::Dpop(..)) && self.nonce.is_none();
        wants_nonce || !self.renewed && provider.source.keeps_tokens()
    }
}

/// Whether the server rejected the token itself.
fn says_invalid(answer: &Answer) -> bool {
    let challenges = crate::oauth::challenge::challenges(&answer.response);
    challenges.iter().any(|challenge| challenge.parameter("error") == Some("invalid_token"))
}

fn path(file: &Option<Box<dyn InheritedFile>>) -> Option<&Path> {
    file.as_deref().map(InheritedFile::path)
}

fn prefixed(prefix: &str, path: &Path) -> OsString {
    let mut text = OsString::from(prefix);
    text.push(path);
    text
}

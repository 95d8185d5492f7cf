//! The short way to a token that is there already: `authctl token [NAME]` and nothing else, a thousand times a day.
//!
//! Whatever is not plain is left to the whole way, which then does all of it anew: all but a store that cannot be used,
//! which would keep the user waiting twice.

use std::ffi::OsString;

use crate::commands::token::print;
use crate::config::{self, Config, LoadOptions, SharedStoreSecret, Texts};
use crate::error::Error;
use crate::format;
use crate::name::ProviderName;
use crate::ports::{Stream, System};
use crate::session::acquire::kernel_cache;
use crate::session::acquire::{AcquireError, stored};
use crate::session::{Open, Session};
use crate::token::Credential;

/// Prints the stored token, if the arguments ask for just that and it is there; `None` when nothing was done.
pub fn token(system: &mut System, arguments: &[OsString]) -> Option<Result<(), Error>> {
    print_stored(system, plain_token(arguments)?.as_ref())
}

fn plain_token(arguments: &[OsString]) -> Option<Option<ProviderName>> {
    match arguments {
        [_, command] if command == "token" => Some(None),
        [_, command, name] if command == "token" => name.to_str()?.parse().ok().map(Some),
        _ => None,
    }
}

fn print_stored(system: &mut System, named: Option<&ProviderName>) -> Option<Result<(), Error>> {
    let options = LoadOptions { only: only(system, named), ..LoadOptions::default() };
    let texts = Texts::read(system, &options);
    let said = system.console.times_said();
    let cached = kernel_cache::look(system, &texts, named);
    if let Some(token) = cached.token()
        && !system.console.is_terminal(Stream::Out)
    {
        config::tell_if_named_by_environment(system, &options);
        return Some(system.console.out(token.expose()).map_err(Error::from));
    }
    let config = Config::of(system, &options, texts);
    // What is opened with another provider's token needs that provider.
    let by_provider = matches!(config.shared_store_secrets().secret, SharedStoreSecret::Provider(..));
    if by_provider || !config.warnings().is_empty() {
        return None;
    }
    let Open { provider, session } = Session::open(system, &config, named).ok()?;
    let listed = cached.listed(&session, &provider);
    let issued = match stored(&session, &provider) {
        Ok(issued) => issued?,
        Err(error @ AcquireError::Store(_)) => {
            config::tell_if_named_by_environment(system, &options);
            return Some(Err(error.into()));
        }
        Err(_) => return None,
    };
    // A cached token comes without the notes: what was said now must be said each time.
    let said_nothing = system.console.times_said() == said;
    if let (Credential::Bearer(_), Some(listed), true) = (&issued.credential, listed, said_nothing) {
        cached.keep(&session, &provider, &issued, &listed);
    }
    config::tell_if_named_by_environment(system, &options);
    Some(print(&session, &provider, &issued, format::named("raw")?))
}

/// Variables may change any provider: then all of them are read.
fn only(system: &System, named: Option<&ProviderName>) -> Option<ProviderName> {
    let changes = |(name, _): &(String, String)| name.starts_with("AUTHCTL_CREDENTIALS");
    named.filter(|_| !system.environment.variables().iter().any(changes)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_plainest_form_is_taken() {
        let taken = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            plain_token(&arguments).map(|name| name.map(|name| name.to_string()).unwrap_or_default())
        };
        for (arguments, want) in [
            (&["authctl", "token"] as &[_], Some("")),
            (&["authctl", "token", "github"], Some("github")),
            (&["authctl", "token", "GitHub"], None),
            (&["authctl", "token", "--help"], None),
            (&["authctl", "token", "-h"], None),
            (&["authctl", "token", "https://x.example"], None),
            (&["authctl", "token", "github", "--refresh"], None),
            (&["authctl", "-v", "token"], None),
            (&["authctl", "login"], None),
            (&["authctl"], None),
            (&[], None),
        ] {
            assert_eq!(taken(arguments).as_deref(), want, "{arguments:?}");
        }
    }
}

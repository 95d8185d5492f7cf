//! The fast path for a valid stored token: exactly `authctl token [NAME]`, which scripts run very often.
//!
//! Any other case falls back to the full command, which starts again from the beginning. An unavailable store is reported
//! here, because a second attempt would make the user wait twice.

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

/// Prints the stored token if the arguments ask for nothing else and it is valid. `None` means that nothing was done.
pub fn token(system: &mut System, arguments: &[OsString]) -> Option<Result<(), Error>> {
    print_stored(system, plain_token(arguments)?.as_ref())
}

/// Returns the provider of a plain `token [NAME]`.
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
    let notes_before = system.console.times_said();
    let cached = kernel_cache::look(system, &texts, named);
    if let Some(token) = cached.token()
        && !system.console.is_terminal(Stream::Out)
    {
        config::tell_if_named_by_environment(system, &options);
        return Some(system.console.out(token.expose()).map_err(Error::from));
    }
    let config = Config::of(system, &options, texts);
    // A shared store may need another provider's token to open it.
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
    // Do not cache a token that came with notes: the cache prints the token without them.
    let without_notes = system.console.times_said() == notes_before;
    if let (Credential::Bearer(_), Some(listed), true) = (&issued.credential, listed, without_notes) {
        cached.keep(&session, &provider, &issued, &listed);
    }
    config::tell_if_named_by_environment(system, &options);
    Some(print(&session, &provider, &issued, format::named("raw")?))
}

/// Environment variables may change any provider, so all providers are read if any are set.
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

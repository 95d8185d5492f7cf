//! Which provider answers for a host: exactly the one that names it (F-GIT6, F-DOCK1).

use std::rc::Rc;

use url::Url;

use crate::app::App;
use crate::config::Provider;
use crate::error::Error;
use crate::name::{AccountName, ProviderName};
use crate::oauth::endpoint::{EndpointUrl, authority, host_url};
use crate::text::untrusted::Untrusted;

/// Who answers.
pub(super) struct Answerer {
    pub(super) provider: Rc<Provider>,
    pub(super) account: Option<AccountName>,
}

/// The URL of a request that names scheme and host; `None` where no provider could be meant.
pub(super) fn url_of(scheme: &str, host: &str) -> Option<Url> {
    matches!(scheme, "https" | "http").then(|| host_url(scheme, host).ok()).flatten()
}

/// The URL of a text that is a URL, or a host by itself.
pub(super) fn url_or_host(app: &App<'_>, text: &str) -> Option<Url> {
    if text.contains("://") {
        return EndpointUrl::configured(text).ok().map(|url| url.url().clone());
    }
    // A host by itself is meant for the scheme that a provider of this host has: https, but on a loopback.
    let host = text.split('/').next().unwrap_or_default();
    let found = ["https", "http"].into_iter().filter_map(|scheme| host_url(scheme, host).ok());
    let known = |url: &Url| !app.config.serving(url).is_empty();
    found.into_iter().find(known)
}

/// Who answers for a URL: the provider that serves it. Of several, the one whose name or account is given as the user
/// name; else the default; else nobody, with a note.
///
/// # Errors
/// [`Error::Config`], when the configuration is wrong as a whole.
pub(super) fn answerer(app: &App<'_>, url: &Url, username: Option<&str>) -> Result<Option<Answerer>, Error> {
    app.config.check_files(true)?;
    let console = &app.system.console;
    let mut found = app.config.serving(url);
    let Some(username) = username.filter(|name| !name.is_empty()) else {
        return Ok(choose(app, url, found));
    };
    if let Some(at) = found.iter().position(|provider| provider.name.as_str() == username) {
        return Ok(Some(Answerer { provider: found.swap_remove(at), account: None }));
    }
    let account = username.parse::<AccountName>().ok();
    let mut listed = false;
    let mut of_account = Vec::new();
    for (at, provider) in found.iter().enumerate() {
        let index = app.session(&provider.name).store.index(&provider.name)?;
        listed |= index.entries.len() > 1;
        if index.entries.iter().any(|entry| Some(&entry.account) == account.as_ref()) {
            of_account.push(at);
        }
    }
    match of_account.as_slice() {
        [at] => Ok(Some(Answerer { provider: found.swap_remove(*at), account })),
        // A name that is nobody's: where there are several people, none of them is meant.
        [] if listed => {
            let message =
                format!("no account {} is logged in for {}", Untrusted::new(username), authority(url));
            console.note(format_args!("authctl: {message}"));
            Ok(None)
        }
        _ => Ok(choose(app, url, found)),
    }
}

fn choose(app: &App<'_>, url: &Url, mut found: Vec<Rc<Provider>>) -> Option<Answerer> {
    let config = app.config;
    let default: Option<ProviderName> =
        config.default.as_ref().and_then(|default| default.text()?.parse().ok());
    if found.len() > 1
        && let Some(at) = found.iter().position(|provider| Some(&provider.name) == default.as_ref())
    {
        return Some(Answerer { provider: found.swap_remove(at), account: None });
    }
    let console = &app.system.console;
    match found.len() {
        1 => return found.pop().map(|provider| Answerer { provider, account: None }),
        0 => {
            let wrong = config.credentials.keys().filter(|name| config.provider(name).is_err());
            for name in wrong {
                console.note(format_args!(
                    "authctl: the provider `{name}` is configured wrong: `authctl config check`"
                ));
            }
        }
        _ => {
            let names: Vec<&str> = found.iter().map(|provider| provider.name.as_str()).collect();
            console.note(format_args!(
                "authctl: {} have the host {}: set `default`, or give one of them as the user name",
                names.join(" and "),
                authority(url)
            ));
        }
    }
    None
}

/// The providers that are configured right.
pub(super) fn providers<'a>(app: &'a App<'_>) -> impl Iterator<Item = Rc<Provider>> + 'a {
    let config = app.config;
    config.credentials.keys().filter_map(move |name| config.provider(name).ok())
}

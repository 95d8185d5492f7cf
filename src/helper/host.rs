//! Finds the provider that serves a host: only a provider that names exactly this host does (F-GIT6, F-DOCK1).

use std::rc::Rc;

use url::Url;

use crate::app::App;
use crate::config::Provider;
use crate::error::Error;
use crate::name::{AccountName, ProviderName};
use crate::oauth::endpoint::{EndpointUrl, authority, host_url};
use crate::text::untrusted::Untrusted;

/// The provider that serves a host, and the account to use.
pub(super) struct HostMatch {
    pub(super) provider: Rc<Provider>,
    pub(super) account: Option<AccountName>,
}

/// Returns the URL for a scheme and a host, or `None` if no provider can serve it.
pub(super) fn url_of(scheme: &str, host: &str) -> Option<Url> {
    matches!(scheme, "https" | "http").then(|| host_url(scheme, host).ok()).flatten()
}

/// Parses a URL, or a host without a scheme.
pub(super) fn url_or_host(app: &App<'_>, text: &str) -> Option<Url> {
    if text.contains("://") {
        return EndpointUrl::configured(text).ok().map(|url| url.url().clone());
    }
    // A bare host gets the scheme of the provider that serves it: https, or http on a loopback address.
    let host = text.split('/').next().unwrap_or_default();
    let found = ["https", "http"].into_iter().filter_map(|scheme| host_url(scheme, host).ok());
    let known = |url: &Url| !app.config.serving(url).is_empty();
    found.into_iter().find(known)
}

/// Returns the provider that serves a URL. Among several, the user name selects one by its name or by one of its accounts,
/// and otherwise the default provider wins. If neither decides, the result is `None` and a note.
///
/// # Errors
/// [`Error::Config`], if the configuration is not valid as a whole.
pub(super) fn match_host(
    app: &App<'_>,
    url: &Url,
    username: Option<&str>,
) -> Result<Option<HostMatch>, Error> {
    app.config.check_files(true)?;
    let console = &app.system.console;
    let mut found = app.config.serving(url);
    let Some(username) = username.filter(|name| !name.is_empty()) else {
        return Ok(choose(app, url, found));
    };
    if let Some(at) = found.iter().position(|provider| provider.name.as_str() == username) {
        return Ok(Some(HostMatch { provider: found.swap_remove(at), account: None }));
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
        [at] => Ok(Some(HostMatch { provider: found.swap_remove(*at), account })),
        // The name matches no account. If there are several accounts, authctl must not pick another one.
        [] if listed => {
            let message =
                format!("account {} is not logged in at {}", Untrusted::new(username), authority(url));
            console.note(format_args!("authctl: {message}"));
            Ok(None)
        }
        _ => Ok(choose(app, url, found)),
    }
}

fn choose(app: &App<'_>, url: &Url, mut found: Vec<Rc<Provider>>) -> Option<HostMatch> {
    let config = app.config;
    let default: Option<ProviderName> =
        config.default.as_ref().and_then(|default| default.text()?.parse().ok());
    if found.len() > 1
        && let Some(at) = found.iter().position(|provider| Some(&provider.name) == default.as_ref())
    {
        return Some(HostMatch { provider: found.swap_remove(at), account: None });
    }
    let console = &app.system.console;
    match found.len() {
        1 => return found.pop().map(|provider| HostMatch { provider, account: None }),
        0 => {
            let wrong = config.credentials.keys().filter(|name| config.provider(name).is_err());
            for name in wrong {
                console.note(format_args!(
                    "authctl: the configuration of `{name}` is not valid: run `authctl config check`"
                ));
            }
        }
        _ => {
            let names: Vec<&str> = found.iter().map(|provider| provider.name.as_str()).collect();
            console.note(format_args!(
                "authctl: {} all serve {}: set `default`, or pass one of these names as the user name",
                names.join(" and "),
                authority(url)
            ));
        }
    }
    None
}

/// Returns the providers whose configuration is valid.
pub(super) fn providers<'a>(app: &'a App<'_>) -> impl Iterator<Item = Rc<Provider>> + 'a {
    let config = app.config;
    config.credentials.keys().filter_map(move |name| config.provider(name).ok())
}

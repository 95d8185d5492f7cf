//! Where a credential may go: the one check of URLs that the user names for a request (B8).

use url::Url;

use crate::config::Provider;
use crate::error::Error;
use crate::oauth::endpoint::{EndpointUrl, authority};
use crate::text::untrusted::Untrusted;

/// The URL of a request that a provider's credential goes with; `label` stands before what is wrong with it. A credential
/// goes nowhere but to its provider's hosts, and in the clear only where the configuration says so.
///
/// # Errors
/// [`Error::Usage`] for what is no URL for a request, [`Error::Failed`] for another's host.
pub fn target_url(provider: &Provider, text: &str, label: &str) -> Result<Url, Error> {
    let url = EndpointUrl::configured(text).map_err(|error| Error::usage(format!("{label}{error}")))?;
    let host = Untrusted::new(authority(url.url()));
    if !provider.hosts.contains(&authority(url.url())) {
        return Err(Error::failed(
            format!("{host} is none of the hosts of `{}`", provider.name),
            "add it to `hosts` in the configuration, if its tokens may be sent there",
        ));
    }
    if url.url().scheme() != provider.scheme {
        return Err(Error::failed(
            format!(
                "a token of `{}` goes over {}, and {host} is named with {}",
                provider.name,
                provider.scheme,
                url.url().scheme()
            ),
            format!("write {}://, or set `scheme` in the configuration", provider.scheme),
        ));
    }
    Ok(url.url().clone())
}

//! The one check of where a credential may be sent (RFC 9700 section 4.9.1).

use url::Url;

use crate::advice::{Advise, Status};
use crate::config::Provider;
use crate::error::CommandError;
use crate::name::ProviderName;
use crate::oauth::endpoint::{EndpointUrl, UrlRefused, authority};
use crate::text::untrusted::Untrusted;

/// Why authctl does not send a provider's credential with a request.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("{label}{reason}")]
    NotAUrl { label: &'static str, reason: UrlRefused },
    #[error("{host} is not one of the hosts of `{provider}`")]
    OtherHost { host: Untrusted, provider: ProviderName },
    #[error("`{provider}` uses {scheme}, but the URL for {host} uses {named}")]
    OtherScheme { provider: ProviderName, scheme: String, host: Untrusted, named: String },
}

impl Advise for TargetError {
    fn status(&self) -> Status {
        match self {
            Self::NotAUrl { .. } => Status::Usage,
            Self::OtherHost { .. } | Self::OtherScheme { .. } => Status::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotAUrl { .. } => None,
            Self::OtherHost { .. } => Some(
                "if you trust that host with the provider's tokens, add it to `hosts` in the config file"
                    .to_owned(),
            ),
            Self::OtherScheme { scheme, .. } => {
                Some(format!("use {scheme}:// in the URL, or set `scheme` in the config file"))
            }
        }
    }
}

impl CommandError for TargetError {}

/// Parses a request's URL and checks that the provider's credential may be sent there: only to the provider's hosts, and
/// unencrypted only if the configuration says so. `label` is put before the reason why a URL is not valid.
pub fn target_url(provider: &Provider, text: &str, label: &'static str) -> Result<Url, TargetError> {
    let url = EndpointUrl::configured(text).map_err(|reason| TargetError::NotAUrl { label, reason })?;
    let host = Untrusted::new(authority(url.url()));
    if !provider.hosts.contains(&authority(url.url())) {
        return Err(TargetError::OtherHost { host, provider: provider.name.clone() });
    }
    if url.url().scheme() != provider.scheme {
        return Err(TargetError::OtherScheme {
            provider: provider.name.clone(),
            scheme: provider.scheme.clone(),
            host,
            named: url.url().scheme().to_owned(),
        });
    }
    Ok(url.url().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::check;

    #[test]
    fn each_error_has_its_status_and_hint() {
        let provider = || "github".parse().unwrap();
        let host = || Untrusted::new("example.com");
        let (scheme, named) = ("https".to_owned(), "http".to_owned());
        let other_scheme = TargetError::OtherScheme { provider: provider(), scheme, host: host(), named };
        let reason = EndpointUrl::configured("x").unwrap_err();
        check(&[
            (&TargetError::NotAUrl { label: "", reason }, Status::Usage, ""),
            (&TargetError::OtherHost { host: host(), provider: provider() }, Status::Failed, "to `hosts`"),
            (&other_scheme, Status::Failed, "use https://"),
        ]);
    }
}

//! The provider that a URL stands for.

use url::Url;

use crate::binding::Binding;
use crate::name::ProviderName;
use crate::oauth::endpoint::authority;
use crate::oauth::resource_metadata::canonical;

/// The longest part of a provider's name that its host may take up.
const LONGEST_HOST: usize = 40;

/// The name of the provider that a URL stands for: its host, and a fingerprint of the whole URL.
#[must_use]
pub fn name_of(url: &Url) -> ProviderName {
    let host: String = authority(url)
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
        .take(LONGEST_HOST)
        .collect();
    let mark = Binding::default().with("url", canonical(url)).fingerprint();
    let name = format!("{}-{}", host.trim_matches('-'), &mark[..12]);
    name.parse().unwrap_or_else(|_| ProviderName::short_form())
}

/// Whether a URL is another one, or below it in its path.
pub(crate) fn is_at_or_above(known: &Url, url: &Url) -> bool {
    let folder = known.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(folder);
    known.origin() == url.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_url_has_a_name_of_its_own() {
        let name = name_of(&url("https://mcp.example.com/mcp"));
        assert!(name.as_str().starts_with("mcp-example-com-"), "{name}");
        assert_eq!(name_of(&url("https://mcp.example.com")), name_of(&url("https://mcp.example.com/")));
        assert_ne!(name_of(&url("https://mcp.example.com/a")), name_of(&url("https://mcp.example.com/b")));
        assert_ne!(name_of(&url("https://a.b")), name_of(&url("https://a-b")));
        assert!(name_of(&url("http://[::1]:8080/")).as_str().starts_with("1"), "a name has no bracket");
        assert!(name_of(&url(&format!("https://{}.example/", "x".repeat(60)))).as_str().len() <= 64);
    }

    #[test]
    fn what_is_above_a_url() {
        for (known, asked, want) in [
            ("https://a.b/mcp", "https://a.b/mcp", true),
            ("https://a.b/mcp", "https://a.b/mcp/x?y", true),
            ("https://a.b/mcp/", "https://a.b/mcp", true),
            ("https://a.b", "https://a.b/x", true),
            ("https://a.b/mcp", "https://a.b/mcpx", false),
            ("https://a.b/mcp", "https://a.b/", false),
            ("https://a.b/mcp", "https://a.b:8443/mcp", false),
            ("https://a.b/mcp", "http://a.b/mcp", false),
        ] {
            assert_eq!(is_at_or_above(&url(known), &url(asked)), want, "{known} {asked}");
        }
    }
}

//! Addresses in URLs, without a lookup.

use std::net::IpAddr;

pub(crate) fn is_loopback(url: &url::Url) -> bool {
    address(url).map_or_else(|| url.host_str() == Some("localhost"), |address| address.is_loopback())
}

/// The host of a URL, if it is an address and not a name.
pub(super) fn address(url: &url::Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Ipv4(address) => Some(address.into()),
        url::Host::Ipv6(address) => Some(address.into()),
        url::Host::Domain(_) => None,
    }
}

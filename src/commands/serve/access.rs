//! Checks that a request comes from this user's programs and not from a web page.

use subtle::ConstantTimeEq as _;

use super::refusal::Refusal;
use crate::ports::local_server::{Address, RequestHead};
use crate::secret::SecretText;

/// Which requests the server accepts.
#[derive(Debug, Clone)]
pub struct Access {
    /// The accepted values of `Host`; `None` for a socket, which only programs can connect to.
    hosts: Option<Vec<String>>,
    /// The capability that a client must send unless the kernel identifies it.
    capability: Option<SecretText>,
}

impl Access {
    /// A socket needs no capability, because the kernel identifies who connects.
    pub fn new(address: &Address, capability: Option<SecretText>) -> Self {
        let hosts = match address {
            Address::Socket(_) => None,
            Address::Loopback(address) => {
                let mut hosts = vec![address.to_string(), format!("localhost:{}", address.port())];
                if address.port() == 80 {
                    let host = address.to_string();
                    hosts.extend([host.trim_end_matches(":80").to_owned(), "localhost".to_owned()]);
                }
                Some(hosts)
            }
        };
        Self { hosts, capability }
    }

    /// Checks a request. With `known`, it needs no capability if the kernel says that it comes from this user.
    pub fn check(&self, asked: &RequestHead, known: bool) -> Result<(), Refusal> {
        self.check_host(asked)?;
        // A web page could otherwise request this user's tokens (F-CB5).
        for header in ["origin", "sec-fetch-site"] {
            if asked.headers(header).next().is_some() {
                let message =
                    format!("requests from browsers are not allowed, and this one has the header {header}");
                return Err(Refusal::new(403, "forbidden", message));
            }
        }
        match &self.capability {
            Some(_) if known && asked.is_own_user => Ok(()),
            Some(capability) if !shows(asked, capability) => {
                let message = "the capability is missing or wrong";
                let hint = "send it as `Authorization: Bearer`; authctl printed its file's path at the start";
                Err(Refusal::new(401, "unauthorized", message)
                    .hint(hint)
                    .with("www-authenticate", "Bearer realm=\"authctl\""))
            }
            _ => Ok(()),
        }
    }

    /// Another host name for this address may belong to an attacker who points it here (F-CB5).
    fn check_host(&self, asked: &RequestHead) -> Result<(), Refusal> {
        let misdirected = || Refusal::new(421, "misdirected", "the request is for another host");
        let Some(hosts) = &self.hosts else {
            return if asked.authority.is_none() { Ok(()) } else { Err(misdirected()) };
        };
        let is_ours = |name: &str| hosts.iter().any(|host| host.eq_ignore_ascii_case(name));
        let named = asked.header("host").is_some_and(is_ours);
        if named && asked.authority.as_deref().is_none_or(is_ours) { Ok(()) } else { Err(misdirected()) }
    }
}

/// Whether a request has the capability. AWS's SDKs send it without a scheme, all other clients after `Bearer`.
fn shows(asked: &RequestHead, capability: &SecretText) -> bool {
    let Some(shown) = asked.header("authorization") else { return false };
    let bearer = |shown: &str| shown.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    let shown = if bearer(shown) { shown[7..].trim() } else { shown };
    shown.as_bytes().ct_eq(capability.expose().as_bytes()).into()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A GET with these headers.
    pub fn asked(target: &str, headers: &[(&str, &str)]) -> RequestHead {
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), SecretText::new(*value));
        RequestHead {
            method: "GET".to_owned(),
            target: target.to_owned(),
            authority: None,
            headers: headers.iter().map(header).collect(),
            has_body: false,
            is_own_user: false,
        }
    }

    #[test]
    fn serve_checks_host_and_capability_f_cb5() {
        let address = Address::Loopback("127.0.0.1:8080".parse().unwrap());
        let access = Access::new(&address, Some(SecretText::new("capability")));
        let (host, good) = (("host", "127.0.0.1:8080"), ("authorization", "Bearer capability"));
        for (name, headers, want) in [
            ("as it should be", &[host, good][..], 200),
            ("as localhost", &[("host", "LOCALHOST:8080"), good], 200),
            ("as AWS's SDKs send it", &[host, ("authorization", "capability")], 200),
            ("in other letters", &[host, ("authorization", "bearer capability")], 200),
            ("no host", &[good], 421),
            ("two hosts", &[host, host, good], 421),
            ("a rebound name", &[("host", "evil.example:8080"), good], 421),
            ("another port", &[("host", "127.0.0.1:8081"), good], 421),
            ("no port", &[("host", "127.0.0.1"), good], 421),
            ("a dot behind", &[("host", "127.0.0.1.:8080"), good], 421),
            ("another loopback address", &[("host", "127.0.0.2:8080"), good], 421),
            ("a page", &[host, good, ("origin", "https://evil.example")], 403),
            ("a page without an origin", &[host, good, ("origin", "null")], 403),
            ("a browser's own", &[host, good, ("sec-fetch-site", "none")], 403),
            ("no capability", &[host], 401),
            ("a wrong one", &[host, ("authorization", "Bearer capabilitx")], 401),
            ("a part of it", &[host, ("authorization", "Bearer cap")], 401),
            ("nothing", &[host, ("authorization", "")], 401),
            ("only the scheme", &[host, ("authorization", "Bearer ")], 401),
            ("twice", &[host, good, good], 401),
            ("in another scheme", &[host, ("authorization", "Basic capability")], 401),
        ] {
            let status =
                |known| access.check(&asked("/", headers), known).map_or_else(|no| no.status, |()| 200);
            assert_eq!((status(false), status(true)), (want, want), "{name}");
        }
        let absolute = |authority: &str| {
            let asked = RequestHead { authority: Some(authority.to_owned()), ..asked("/", &[host, good]) };
            access.check(&asked, false).is_ok()
        };
        assert!(absolute("127.0.0.1:8080") && !absolute("evil.example:8080"));
        let of_user = RequestHead { is_own_user: true, ..asked("/", &[host]) };
        assert!(access.check(&of_user, true).is_ok(), "the kernel identifies the user");
        assert!(access.check(&of_user, false).is_err(), "but not on every route");
        let port_80 = Access::new(&Address::Loopback("[::1]:80".parse().unwrap()), None);
        for (host, want) in [("[::1]:80", true), ("[::1]", true), ("localhost", true), ("::1", false)] {
            assert_eq!(port_80.check(&asked("/", &[("host", host)]), false).is_ok(), want, "{host}");
        }
    }

    #[test]
    fn sockets_accept_programs_but_no_browsers() {
        let access = Access::new(&Address::Socket("/run/x.sock".into()), None);
        assert!(access.check(&asked("/", &[("host", "anything")]), false).is_ok());
        assert!(access.check(&asked("/", &[]), false).is_ok());
        assert!(access.check(&asked("/", &[("origin", "http://x")]), false).is_err());
        let elsewhere = RequestHead { authority: Some("x".to_owned()), ..asked("/", &[]) };
        assert!(access.check(&elsewhere, false).is_err());
    }
}

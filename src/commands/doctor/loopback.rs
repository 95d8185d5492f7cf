//! Checks the redirect from the browser: whether authctl can listen on the loopback interface and be reached there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use crate::loopback::{Listener, RedirectUri};

const TOPIC: Topic = Topic::Loopback;
/// A local connection is nearly instant.
const DEADLINE: Duration = Duration::from_secs(2);

pub(super) fn check(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = families();
    findings.push(localhost(examination));
    findings.extend(fixed_ports(examination));
    findings.extend(proxied(examination));
    findings
}

/// A browser may resolve `localhost` to either address, so authctl must own the port on both (F-CB15).
fn families() -> Vec<Finding> {
    let listen = |uri: &str| uri.parse::<RedirectUri>().ok().map(|uri| Listener::bind(&uri));
    let mut findings = Vec::new();
    let mut reached = |uri: &str, address: IpAddr, shown: &str| {
        let listener = match listen(uri) {
            Some(Ok(listener)) => listener,
            Some(Err(error)) => return Some(error.to_string()),
            None => return None,
        };
        let port = listener.redirect_uri().port().unwrap_or_default();
        match TcpStream::connect_timeout(&SocketAddr::new(address, port), DEADLINE) {
            Ok(_) => {
                findings.push(Finding::ok(TOPIC, shown, "authctl can listen on it and be reached"));
                None
            }
            Err(error) => Some(format!("a listener on it is not reachable: {error}")),
        }
    };
    let v4 = reached("http://127.0.0.1/callback", Ipv4Addr::LOCALHOST.into(), "127.0.0.1");
    let v6 = reached("http://[::1]/callback", Ipv6Addr::LOCALHOST.into(), "[::1]");
    let both = reached("http://localhost/callback", Ipv4Addr::LOCALHOST.into(), "localhost");
    if let Some(error) = v4 {
        findings.push(
            Finding::problem(TOPIC, "127.0.0.1", error)
                .why("the browser is redirected there after a login")
                .fix("bring the loopback interface up (ip link set lo up), and allow it in local firewalls"),
        );
    }
    match (v6, both) {
        (Some(error), None) => findings.push(
            Finding::note(TOPIC, "[::1]", "IPv6 is not available").why(error).fix("no change is needed: 127.0.0.1 is enough"),
        ),
        (None, Some(error)) => findings.push(
            Finding::problem(TOPIC, "localhost", error)
                .why("a browser may resolve localhost to 127.0.0.1 or [::1], so authctl needs the same port on both")
                .fix("set redirect_uri to http://127.0.0.1/callback if the provider allows it"),
        ),
        _ => {}
    }
    findings
}

fn localhost(examination: &Examination<'_>) -> Finding {
    let hosts = "add the line `127.0.0.1 localhost` to /etc/hosts";
    match examination.app.system.machine.addresses("localhost", DEADLINE) {
        Some(found) if !found.is_empty() && found.iter().all(IpAddr::is_loopback) => {
            Finding::ok(TOPIC, "localhost", "resolves to the loopback interface")
        }
        Some(found) if !found.is_empty() => {
            let found: Vec<String> = found.iter().map(IpAddr::to_string).collect();
            Finding::problem(TOPIC, "localhost", format!("resolves to {}", found.join(" and ")))
                .why("a redirect with its authorization code would leave this machine")
                .fix(hosts)
        }
        _ => Finding::warning(TOPIC, "localhost", "does not resolve").fix(hosts),
    }
}

fn fixed_ports(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for provider in &examination.providers {
        let Some(uri) = provider.source.redirect_uri() else { continue };
        let Some(port) = uri.fixed_port() else { continue };
        findings.push(match Listener::bind(uri) {
            Ok(_) => Finding::ok(TOPIC, provider.name.as_str(), format!("port {port} is free")),
            Err(error) => Finding::problem(TOPIC, provider.name.as_str(), error.to_string())
                .why("its redirect_uri needs this port, which another program uses")
                .fix(format!("find the program: ss -ltnp 'sport = :{port}'; or set and register another port in redirect_uri")),
        });
    }
    findings
}

/// authctl never uses a proxy for loopback addresses, but a browser that obeys the variables may.
fn proxied(examination: &Examination<'_>) -> Option<Finding> {
    let environment = &examination.app.system.environment;
    let value = |names: [&str; 2]| {
        names.iter().find_map(|name| environment.variable(name).filter(|value| !value.is_empty()))
    };
    let variable = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find(|name| environment.variable(name).is_some_and(|value| !value.is_empty()))?;
    let excluded = value(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let is_excluded =
        |host: &str| excluded.split(',').any(|part| matches!(part.trim(), "*") || part.trim() == host);
    (!is_excluded("127.0.0.1") || !is_excluded("localhost")).then(|| {
        Finding::warning(TOPIC, variable, "programs that obey it would send the redirect to the proxy")
            .why("NO_PROXY does not include 127.0.0.1 and localhost; most browsers exclude them anyway")
            .fix("export NO_PROXY=localhost,127.0.0.1,::1")
    })
}

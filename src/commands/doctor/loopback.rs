//! The way back from the browser: listening on the loopback interface, and reaching what listens there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use crate::loopback::{Listener, RedirectUri};

const TOPIC: Topic = Topic::Loopback;
/// On one machine a connection takes no time.
const DEADLINE: Duration = Duration::from_secs(2);

pub(super) fn check(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = families();
    findings.push(localhost(examination));
    findings.extend(fixed_ports(examination));
    findings.extend(proxied(examination));
    findings
}

/// A browser may take either address for `localhost`, so that both must be ours (F-CB15).
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
                findings.push(Finding::ok(TOPIC, shown, "can be listened on, and be reached"));
                None
            }
            Err(error) => Some(format!("a listener on it cannot be reached: {error}")),
        }
    };
    let v4 = reached("http://127.0.0.1/callback", Ipv4Addr::LOCALHOST.into(), "127.0.0.1");
    let v6 = reached("http://[::1]/callback", Ipv6Addr::LOCALHOST.into(), "[::1]");
    let both = reached("http://localhost/callback", Ipv4Addr::LOCALHOST.into(), "localhost");
    if let Some(error) = v4 {
        findings.push(
            Finding::problem(TOPIC, "127.0.0.1", error)
                .why("the browser returns there after a login")
                .mend("bring the loopback interface up (ip link set lo up), and let local firewalls pass it"),
        );
    }
    match (v6, both) {
        (Some(error), None) => findings.push(
            Finding::note(TOPIC, "[::1]", "IPv6 cannot be used").why(error).mend("nothing: 127.0.0.1 is enough"),
        ),
        (None, Some(error)) => findings.push(
            Finding::problem(TOPIC, "localhost", error)
                .why("a browser may take either 127.0.0.1 or [::1] for localhost, so that one port of both is needed")
                .mend("set redirect_uri to http://127.0.0.1/callback where the provider allows it"),
        ),
        _ => {}
    }
    findings
}

fn localhost(examination: &Examination<'_>) -> Finding {
    let hosts = "write `127.0.0.1 localhost` into /etc/hosts";
    match examination.app.system.machine.addresses("localhost", DEADLINE) {
        Some(found) if !found.is_empty() && found.iter().all(IpAddr::is_loopback) => {
            Finding::ok(TOPIC, "localhost", "means the loopback interface")
        }
        Some(found) if !found.is_empty() => {
            let found: Vec<String> = found.iter().map(IpAddr::to_string).collect();
            Finding::problem(TOPIC, "localhost", format!("means {}", found.join(" and ")))
                .why("a redirect to it, with its code, would leave this machine")
                .mend(hosts)
        }
        _ => Finding::warning(TOPIC, "localhost", "is not known as a name").mend(hosts),
    }
}

fn fixed_ports(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for provider in &examination.providers {
        let Some(uri) = provider.source.redirect_uri() else { continue };
        let Some(port) = uri.fixed_port() else { continue };
        findings.push(match Listener::bind(uri) {
            Ok(_) => Finding::ok(TOPIC, provider.name.as_str(), format!("the port {port} is free")),
            Err(error) => Finding::problem(TOPIC, provider.name.as_str(), error.to_string())
                .why("a login of it needs this very port; whose it is cannot be told from here")
                .mend(format!("find who has it: ss -ltnp 'sport = :{port}'; or set another port in redirect_uri, and register that")),
        });
    }
    findings
}

/// Authctl itself goes to loopback addresses without a proxy; a browser that obeys the variables may not.
fn proxied(examination: &Examination<'_>) -> Option<Finding> {
    let environment = &examination.app.system.environment;
    let value = |names: [&str; 2]| {
        names.iter().find_map(|name| environment.variable(name).filter(|value| !value.is_empty()))
    };
    let catching = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find(|name| environment.variable(name).is_some_and(|value| !value.is_empty()))?;
    let spared = value(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let is_spared =
        |host: &str| spared.split(',').any(|part| matches!(part.trim(), "*") || part.trim() == host);
    (!is_spared("127.0.0.1") || !is_spared("localhost")).then(|| {
        Finding::warning(TOPIC, catching, "programs that obey it would send the redirect to the proxy")
            .why("NO_PROXY does not name 127.0.0.1 and localhost; most browsers spare them by themselves")
            .mend("export NO_PROXY=localhost,127.0.0.1,::1")
    })
}

//! `authctl serve`: tokens for programs that cannot run authctl.

mod access;
mod aws;
mod capability;
mod error;
mod gce;
mod live_config;
mod proxy;
mod query;
mod refusal;
mod routes;
mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::json;

use self::access::Access;
use self::capability::Capability;
use self::error::StartError;
use self::live_config::LiveConfig;
use self::proxy::Proxy;
use self::tokens::Tokens;
use crate::app::App;
use crate::app::args::AccountArg;
use crate::app::target::TargetError;
use crate::error::Error;
use crate::name::ProviderName;
use crate::ports::local_server::{Address, Listen, Service};
use crate::ports::{Folder, System};
use crate::text::shell;
use crate::text::untrusted::{Untrusted, escaped};

/// Serve tokens on a local socket, or proxy requests with a token
///
/// For containers and long-running programs that cannot run authctl. They send HTTP requests, as in
/// `curl --unix-socket SOCKET http://localhost/token/github`, and each response contains what `authctl token` prints. Only
/// you can connect to the socket. On a loopback address, each request must send a capability, a random secret in a private
/// file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Serve only these providers [default: all]
    #[arg(value_name = "PROVIDER")]
    providers: Vec<ProviderName>,
    #[command(flatten)]
    account: AccountArg,
    /// Socket path [default: authctl.sock in your session's runtime folder]
    #[arg(long, value_name = "PATH", conflicts_with = "listen")]
    socket: Option<PathBuf>,
    /// Listen on this loopback address; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = loopback)]
    listen: Option<SocketAddr>,
    /// File to write the capability to
    #[arg(long, value_name = "PATH", requires = "listen")]
    capability_file: Option<PathBuf>,
    /// Use the existing capability file and keep it at exit
    #[arg(long, requires = "listen")]
    keep_capability: bool,
    /// Also act as Google's metadata server, with this provider's tokens
    #[arg(long, value_name = "PROVIDER", conflicts_with = "proxy")]
    gce: Option<ProviderName>,
    /// Project ID to report to Google's libraries
    #[arg(long, value_name = "PROJECT", requires = "gce")]
    gce_project: Option<String>,
    /// Forward every request to this provider's host with its credential
    #[arg(long, value_name = "PROVIDER", conflicts_with = "providers")]
    proxy: Option<ProviderName>,
    /// Host to forward to, one of the provider's [default: its domain]
    #[arg(long, value_name = "HOST", requires = "proxy")]
    host: Option<String>,
}

/// Accepts only literal loopback addresses, because a name could resolve to another address.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: Option<SocketAddr> = text.parse().ok();
    address
        .filter(|address| address.ip().is_loopback())
        .ok_or_else(|| "use a loopback address and a port, such as 127.0.0.1:8080 or [::1]:0".to_owned())
}

/// Serves until a signal arrives.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let system = app.system;
    app.config.check_files(true)?;
    for name in args.providers.iter().chain(&args.gce) {
        app.provider(Some(name))?;
    }
    let host = args.proxy.as_ref().map(|name| args.host(app, name)).transpose()?;
    let listen = args.listen(system)?;
    // From here on, a signal must not end the process before it removes its socket and capability file.
    let held = system.signals.hold();
    let bound = system.local_server.bind(&listen)?;
    let address = bound.address().clone();
    let capability = match &address {
        Address::Socket(_) => None,
        Address::Loopback(_) => Some(Capability::prepare(
            system,
            &address,
            args.capability_file.as_deref(),
            args.keep_capability,
        )?),
    };
    let access = Access::new(&address, capability.as_ref().map(|capability| capability.secret.clone()));
    let service = args.service(LiveConfig::new(app), access, host.as_deref());
    announce(app, args, &address, host.as_deref(), capability.as_ref())?;
    Ok(bound.run(service, &*held)?)
}

impl Args {
    /// Returns the host to forward requests to (RFC 9700 section 4.9.1).
    fn host(&self, app: &App<'_>, name: &ProviderName) -> Result<String, Error> {
        let provider = app.provider(Some(name))?;
        let first = provider.hosts.first().cloned();
        let named = self.host.as_ref().map(|host| host.to_ascii_lowercase());
        match named.or(first) {
            Some(host) if provider.hosts.contains(&host) => Ok(host),
            Some(host) => {
                Err(TargetError::OtherHost { host: Untrusted::new(host), provider: name.clone() }.into())
            }
            None => Err(StartError::NoHost(name.clone()).into()),
        }
    }

    fn listen(&self, system: &System) -> Result<Listen, StartError> {
        if let Some(address) = self.listen {
            if self.gce.is_some() && !cfg!(target_os = "linux") {
                return Err(StartError::NoIdentity);
            }
            return Ok(Listen::Loopback { address, identify: self.gce.is_some() });
        }
        if cfg!(not(unix)) {
            return Err(StartError::NoSockets);
        }
        Ok(Listen::Socket(match &self.socket {
            // Programs that read the path may run in another folder.
            Some(path) => match system.environment.current_folder() {
                Some(here) => here.join(path),
                None => path.clone(),
            },
            None => {
                let no_folder = |reason| StartError::NoFolder { reason, option: "--socket" };
                system.paths.folder(Folder::Runtime).map_err(no_folder)?.join("authctl.sock")
            }
        }))
    }

    fn service(&self, config: LiveConfig, access: Access, host: Option<&str>) -> Arc<dyn Service> {
        let account = self.account.account.clone();
        match (&self.proxy, host) {
            (Some(provider), Some(host)) => Arc::new(Proxy {
                config,
                access,
                provider: provider.clone(),
                host: host.to_owned(),
                account,
                nonce: Mutex::new(None),
                renewed: Mutex::new(None),
            }),
            _ => Arc::new(Tokens {
                config,
                access,
                only: self.providers.clone(),
                account,
                gce: self
                    .gce
                    .clone()
                    .map(|provider| gce::Settings { provider, project: self.gce_project.clone() }),
            }),
        }
    }
}

/// Prints the address for people, and with `--json` for the program that waits for it.
fn announce(
    app: &App<'_>,
    args: &Args,
    address: &Address,
    host: Option<&str>,
    capability: Option<&Capability>,
) -> Result<(), Error> {
    let console = &app.system.console;
    let what = match host {
        Some(host) => format!("Forwarding requests from {address} to {}", escaped(host)),
        None => format!("Serving tokens on {address}"),
    };
    console.say(format!("{what} (Ctrl-C to stop)"));
    let path = if host.is_some() { "" } else { "token/PROVIDER" };
    match (address, capability) {
        (Address::Loopback(address), Some(capability)) => {
            let file = capability.path.display().to_string();
            console.say(format_args!("Each request must send the capability in {}", escaped(&file)));
            let file = shell::word(&file);
            console.hint(format_args!(
                "(printf 'Authorization: Bearer '; cat {file}) | curl -H @- http://{address}/{path}"
            ));
            if args.gce.is_some() {
                console.hint(format_args!("GCE_METADATA_HOST={address} GCE_METADATA_IP={address} PROGRAM"));
            }
        }
        (Address::Socket(socket), _) => {
            let socket = shell::word(&socket.display().to_string());
            console.hint(format_args!("curl --unix-socket {socket} http://localhost/{path}"));
        }
        (Address::Loopback(_), None) => {}
    }
    if !app.json {
        return Ok(());
    }
    let (socket, url) = match address {
        Address::Socket(path) => (Some(path.display().to_string()), None),
        Address::Loopback(address) => (None, Some(format!("http://{address}"))),
    };
    let file = capability.map(|capability| capability.path.display().to_string());
    let line = json!({ "address": url, "socket": socket, "capability_file": file });
    Ok(console.out(&format!("{line}\n"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literal_loopback_addresses_are_listened_on() {
        for (text, want) in [
            ("127.0.0.1:0", true),
            ("127.1.2.3:80", true),
            ("[::1]:8080", true),
            ("0.0.0.0:80", false),
            ("[::]:80", false),
            ("[::ffff:127.0.0.1]:80", false),
            ("192.168.1.1:80", false),
            ("localhost:80", false),
            ("127.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(loopback(text).is_ok(), want, "{text}");
        }
    }
}

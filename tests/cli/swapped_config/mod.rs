//! A config file that someone else chose: secrets stored with yours are used only for the hosts they were stored for (F-BIND1).

mod environment;
mod exchanges;
mod folders;
mod hosts;
mod records;

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::CredentialStore;

use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// A home that is logged in to `server`, and an attacker's server.
struct Story {
    server: AuthorizationServer,
    evil: AuthorizationServer,
    sandbox: Sandbox,
    keyring: Arc<CredentialStore>,
}

impl Story {
    fn new() -> Self {
        let (server, evil) = (AuthorizationServer::start(), AuthorizationServer::start());
        let sandbox = Sandbox::new(&config(&server, "", ""));
        let keyring = sandbox.keyring.present();
        sandbox.run(&["login"]).ok();
        Self { server, evil, sandbox, keyring }
    }

    /// Another config file, with this in the provider and in its `oauth`.
    fn other(&self, more: &str, oauth: &str) -> String {
        let path = self.sandbox.write("other/authctl.toml", &config(&self.server, more, oauth));
        path.to_str().unwrap().to_owned()
    }

    fn swap(&self, more: &str, oauth: &str) {
        self.sandbox.environment.set("AUTHCTL_CONFIG", &self.other(more, oauth));
    }

    fn swap_back(&self) {
        self.sandbox.environment.set("AUTHCTL_CONFIG", "");
    }

    /// Defines the provider by variables as the config file does, at this host.
    fn define_by_environment(&self, domain: &str) {
        let set = |key: &str, value: &str| {
            self.sandbox.environment.set(&format!("AUTHCTL_CREDENTIALS__AS__{key}"), value);
        };
        set("DOMAIN", domain);
        set("SCHEME", "http");
        set("OAUTH__ISSUER", &self.server.issuer());
        set("OAUTH__CLIENT_ID", "app");
        set("OAUTH__SCOPES", "openid repo");
    }

    /// Checks that no command uses stored secrets and that no server receives a request.
    #[track_caller]
    fn nothing_leaks(&self, name: &str, options: &[&str]) {
        let evil = self.evil.domain();
        let url = format!("http://{evil}/x");
        let sent = self.server.requests().len();
        let git = format!("protocol=http\nhost={evil}\n\n");
        for (command, input) in [
            (&["token", "as"][..], ""),
            (&["token", "as", "-o", "json"], ""),
            (&["token", "as", "--refresh"], ""),
            (&["token", "as", "--id-token"], ""),
            (&["token", "as", "--scope", "repo"], ""),
            (&["token", &url], ""),
            (&["headers", "as"], ""),
            (&["headers", "as", "--method", "GET", "--url", &url], ""),
            (&["curl", "as", "-sS", &url], ""),
            (&["exec", "as", "--", "env"], ""),
            (&["exec", "--env", "T=as", "--", "env"], ""),
            (&["refresh", "as"], ""),
            (&["refresh", "--all"], ""),
            (&["whoami", "as"], ""),
            (&["inspect", "as"], ""),
            (&["helper", "git", "get"], git.as_str()),
            (&["helper", "docker", "get"], evil.as_str()),
            (&["helper", "kubernetes", "as"], ""),
            (&["helper", "terraform", "get", evil.as_str()], ""),
            (&["helper", "keyring", "get", &url, "oauth2"], ""),
            (&["helper", "bazel", "get"], &format!("{{\"uri\":\"{url}\"}}")),
            (&["helper", "aws", "as"], ""),
            (&["account", "rename", "alice", "bob"], ""),
        ] {
            let arguments = [options, command].concat();
            let output = self.sandbox.run_with(&arguments, input);
            for secret in self.server.secrets() {
                let shown = [&output.stdout, &output.stderr].into_iter().any(|text| text.contains(&secret));
                assert!(!shown, "{name}: {command:?}: {output}");
            }
        }
        let asked: Vec<_> = self.server.requests()[sent..]
            .iter()
            .filter(|request| request.header("authorization").is_some() || request.method == "POST")
            .map(|request| request.path().to_owned())
            .collect();
        assert!(asked.is_empty(), "{name}: {asked:?}");
        for request in self.evil.requests() {
            let text = format!("{request:?}");
            assert!(!self.server.secrets().iter().any(|secret| text.contains(secret)), "{name}: {text}");
        }
    }

    /// Removes the binding from every record: earlier versions did not store it.
    fn forget_what_was_recorded(&self) {
        let found = self.keyring.search(&HashMap::from([("service", "authctl")])).unwrap();
        for entry in found {
            let Ok(secret) = entry.get_secret() else { continue };
            let mut record: serde_json::Value = serde_json::from_slice(&secret).unwrap();
            assert!(record.as_object_mut().unwrap().remove("reach").is_some());
            entry.set_secret(record.to_string().as_bytes()).unwrap();
        }
    }
}

fn config(server: &AuthorizationServer, more: &str, oauth: &str) -> String {
    server_config(&server.domain(), oauth)
        .replace("store = \"file\"", "store = \"auto\"")
        .replace("[credentials.as]\n", &format!("[credentials.as]\n{more}\n"))
}

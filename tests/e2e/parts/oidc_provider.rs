//! The authorization server of npm's `oidc-provider`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::programs::{Running, folder, node};

/// npm `oidc-provider`.
pub struct OidcProvider {
    pub issuer: String,
    /// The URL at which it asks for certificates, if it was started with TLS.
    pub secure: Option<String>,
    _process: Running,
}

impl OidcProvider {
    pub fn start(access_token_seconds: u32) -> Self {
        Self::with(&serde_json::json!({ "accessTokenSeconds": access_token_seconds }))
    }

    /// A server with the options that `server.mjs` describes.
    pub fn with(options: &serde_json::Value) -> Self {
        let mut command = Command::new(node());
        if let Some(authority) = options["tls"]["authority"].as_str() {
            // The certificate authority that it trusts for its own requests.
            command.env("NODE_EXTRA_CA_CERTS", authority);
        }
        let mut process = command
            .arg(folder().join("server.mjs"))
            .env("OPTIONS", options.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready =
            lines.by_ref().map(Result::unwrap).find(|line| line.starts_with('{')).expect("the server starts");
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            issuer: ready["issuer"].as_str().unwrap().to_owned(),
            secure: ready["secure"].as_str().map(str::to_owned),
            _process: Running(process),
        }
    }

    pub fn scheme(&self) -> &str {
        self.issuer.split_once("://").unwrap().0
    }

    pub fn domain(&self) -> &str {
        self.issuer.split_once("://").unwrap().1
    }

    pub fn control(&self, path: &str, body: Option<&str>) -> serde_json::Value {
        let mut command = Command::new("curl");
        // The test started this server, so its identity is known.
        command.args(["-sS", "--insecure", &format!("{}/control/{path}", self.issuer)]);
        if let Some(body) = body {
            command.args(["-d", body]);
        }
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    }

    /// The requests so far, in order: time, path and content.
    pub fn log(&self) -> Vec<serde_json::Value> {
        self.control("log", None).as_array().unwrap().clone()
    }

    /// The requests to a path so far.
    pub fn requests_to(&self, path: &str) -> Vec<serde_json::Value> {
        self.log().into_iter().filter(|entry| entry["path"] == path).collect()
    }

    /// The token requests for a grant so far.
    pub fn token_requests(&self, grant: &str) -> usize {
        self.log().iter().filter(|entry| entry["grant"] == grant).count()
    }

    pub fn requests(&self) -> usize {
        self.log().len()
    }

    /// Every token that it issued.
    pub fn issued(&self) -> Vec<String> {
        let issued = self.control("issued", None);
        issued.as_array().unwrap().iter().map(|token| token.as_str().unwrap().to_owned()).collect()
    }

    /// The clients that registered themselves: `id`, `uri` and `token` of RFC 7592, and the `metadata` that they sent.
    pub fn registered(&self) -> Vec<serde_json::Value> {
        self.control("registered", None).as_array().unwrap().clone()
    }

    pub fn set_access_token_seconds(&self, seconds: u32) {
        self.control("set", Some(&format!("{{\"accessTokenSeconds\":{seconds}}}")));
    }

    pub fn fault(&self, fault: &str) {
        self.control("fault", Some(fault));
    }

    /// Releases the token requests that a fault holds back.
    pub fn release(&self) {
        assert_ne!(self.control("release", Some("{}")), 0, "nothing is held back");
    }
}

//! `authctl curl`: the real curl with the right headers, without putting the token in any process's arguments.

mod command_line;
mod dpop;
mod hosts;
mod leaks;
mod retry;
mod streams;

use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::http::{Reply, Request, Server};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

const PROGRAM: &str = env!("CARGO_BIN_EXE_authctl");

/// A provider `as` with tokens that need no login, an API that accepts them, and a home.
struct Story {
    server: AuthorizationServer,
    api: Server,
    sandbox: Sandbox,
}

impl Story {
    fn new(api: &Api) -> Self {
        let api = api.clone();
        Self::with(Server::start(move |request| api.answer(request)))
    }

    fn with(api: Server) -> Self {
        let server = AuthorizationServer::start();
        server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
        let more = "grant_type = \"client_credentials\"\n_client_secret = { env = \"CLIENT_SECRET\" }\n";
        let config = server_config(&server.domain(), more);
        let hosts = format!("[credentials.as]\nhosts = [\"{}\"]", api.address());
        let sandbox = Sandbox::new(&config.replace("[credentials.as]", &hosts));
        Self { server, api, sandbox }
    }

    fn curl(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.binary(PROGRAM, &[&["curl", "as"], arguments].concat());
        command.env("CLIENT_SECRET", "s").stdin(Stdio::null());
        command
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api.url())
    }

    /// Runs it with the URL after the arguments.
    fn run(&self, arguments: &[&str], path: &str) -> Ended {
        Ended::from(self.curl(&[arguments, &[&self.url(path)]].concat()).output().unwrap())
    }

    /// The tokens that the API received, in order.
    fn shown(&self) -> Vec<String> {
        let requests = self.api.requests();
        requests.iter().map(|request| request.header("authorization").unwrap_or("none").to_owned()).collect()
    }

    fn tokens_got(&self) -> usize {
        self.server.token_requests("client_credentials")
    }
}

/// The API's answers, by path; it rejects the tokens in `refused`.
#[derive(Clone, Default)]
struct Api {
    refused: Arc<Mutex<Vec<String>>>,
    large: Arc<Vec<u8>>,
}

impl Api {
    fn answer(&self, request: &Request) -> Reply {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let Some(token) = token else { return Reply::full(401, &[], "who are you?") };
        if self.refused.lock().unwrap().iter().any(|refused| refused == token) {
            return Reply::full(401, INVALID, "this token is not good");
        }
        match request.path() {
            "/large" => Reply::full(200, &[], self.large.to_vec()),
            "/missing" => Reply::full(404, &[], "nothing here"),
            "/scope" => Reply::full(
                403,
                &[("WWW-Authenticate", "Bearer error=\"insufficient_scope\"")],
                "not for you",
            ),
            "/always" => Reply::full(401, INVALID, "never"),
            "/drip" => {
                Reply::Drip(b"HTTP/1.1 200 OK\r\n\r\nthe beginning".to_vec(), Duration::from_millis(2))
            }
            _ => Reply::full(200, &[("X-Here", "yes")], format!("{} {}", request.method, request.body)),
        }
    }
}

const INVALID: &[(&str, &str)] = &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")];

#[derive(Debug)]
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    #[track_caller]
    fn is(&self, status: i32, stdout: &str) -> &Self {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), stdout), "{}", self.stderr);
        self
    }

    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "`{text}` is not in {}", self.stderr);
        self
    }
}

fn head(body: &str) -> String {
    format!(
        "HTTP/1.1 200 X\r\nContent-Length: {}\r\nConnection: close\r\nX-Here: yes\r\n\r\n{body}",
        body.len()
    )
}

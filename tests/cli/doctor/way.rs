//! Problems with the browser, the redirect, the network and the clock.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use authctl::adapters::machine::ThisMachine;
use authctl::ports::{HttpError, Machine, Transport};

use super::{CONFIG, examine, finds, home, text, wrong};
use crate::support::http::{Reply, Server, certificates};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, browsers};

/// A machine that resolves names to other addresses, and writes core files.
struct OddMachine;

impl Machine for OddMachine {
    fn certificates(&self, url: &url::Url, transport: &Transport) -> Result<Vec<Vec<u8>>, HttpError> {
        ThisMachine.certificates(url, transport)
    }

    fn addresses(&self, _: &str, _: Duration) -> Option<Vec<IpAddr>> {
        Some(vec!["192.0.2.1".parse().unwrap()])
    }

    fn leaves_core_files(&self) -> Option<bool> {
        Some(true)
    }
}

#[test]
fn doctor_finds_problems_with_the_browser_f_url4() {
    let sandbox = home(&format!("browser = \"firefux --new-window\"\n{CONFIG}"));
    let missing =
        ("browser", "problem", "firefux: the key `browser` names a program that does not exist", "--browser");
    finds("not there", &sandbox, &["--offline"], 1, missing);
    let sandbox = home(CONFIG);
    set_mode(&sandbox.path("bin"), 0o777);
    let open = ("browser", "problem", "~/bin/xdg-open: others can replace the program", "--no-browser");
    finds("open to others", &sandbox, &["--offline"], 1, open);
    let sandbox = home(CONFIG);
    std::fs::remove_file(sandbox.path("bin/xdg-open")).unwrap();
    finds("none", &sandbox, &["--offline"], 0, ("browser", "warning", "no program that opens", "--device"));
    let mut sandbox = home(CONFIG);
    sandbox.system.browser = Arc::new(browsers::Absent::default());
    sandbox.environment.set("SSH_CONNECTION", "1 2 3 4");
    finds(
        "over SSH",
        &sandbox,
        &["--offline"],
        0,
        ("browser", "note", "no browser is available", "--no-browser"),
    );
}

#[test]
fn doctor_finds_problems_with_the_loopback_listener_f_cb14_f_cb15() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = format!(
        "store = \"file\"\n[credentials.c]\ndomain = \"c.example\"\noauth.client_id = \"a\"\noauth.redirect_uri = \"http://127.0.0.1:{port}/callback\"\n"
    );
    finds(
        "taken",
        &home(&config),
        &["--offline"],
        1,
        ("loopback", "problem", "c: cannot listen on 127.0.0.1", "ss -ltnp"),
    );
    drop(taken);
    assert_eq!(examine(&home(&config), &["--offline"]).0, 0);
    let sandbox = home(CONFIG);
    sandbox.environment.set("HTTP_PROXY", "http://user:canary@proxy.example:3128");
    finds("a proxy", &sandbox, &["--offline"], 0, ("loopback", "warning", "HTTP_PROXY", "export NO_PROXY="));
    let mut sandbox = home(CONFIG);
    sandbox.system.machine = Arc::new(OddMachine);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    let found = wrong(&findings);
    assert_eq!((status, found.len()), (1, 2), "{found:#?}");
    assert_eq!(text(found[0], "fix"), "ulimit -c 0");
    assert!(
        text(found[1], "what") == "resolves to 192.0.2.1" && text(found[1], "fix").contains("/etc/hosts")
    );
}

#[test]
fn a_rejected_certificate_names_its_owner_f_proxy() {
    let (authority, tls) = certificates();
    let server = Server::start_tls(tls, |_| Reply::full(404, &[], ""));
    let config = |more: &str| {
        format!(
            "store = \"file\"\n[credentials.m]\ndomain = \"{0}\"\n[credentials.m.oauth]\ngrant_type = \"client_credentials\"\nclient_id = \"app\"\n_client_secret = \"canary\"\ntoken_endpoint = \"https://{0}/token?canary=1\"\n{more}\n",
            server.address()
        )
    };
    let sandbox = home(&config(""));
    finds("unknown", &sandbox, &[], 5, ("network", "problem", "certificate is not valid", "ca_file"));
    let why = examine(&sandbox, &[]).1;
    assert!(text(wrong(&why)[0], "why").contains("it was issued by `CN=authctl tests"), "{why:#?}");
    assert!(server.requests().is_empty(), "nothing was sent to it");
    let file = sandbox.write("ca.pem", &authority);
    sandbox.configure(&config(&format!("ca_file = \"{}\"", file.display())));
    let (status, findings) = examine(&sandbox, &[]);
    assert_eq!(status, 0, "{findings:#?}");
    sandbox.configure(&config("ca_file = \"/nowhere.pem\""));
    finds("no such file", &sandbox, &[], 4, ("network", "problem", "/nowhere.pem", "ca_file"));
}

#[test]
fn doctor_finds_network_problems() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = |domain: &str, more: &str| {
        format!("store = \"file\"\n[credentials.c]\ndomain = \"{domain}\"\noauth.client_id = \"a\"\n{more}")
    };
    let nobody = home(&config(&free.to_string(), ""));
    finds("nobody", &nobody, &[], 5, ("network", "problem", "(c): not reachable", "HTTPS_PROXY"));
    let proxy = Server::start(|_| Reply::full(502, &[], ""));
    let sandbox =
        home(&config("as.example", &format!("oauth.proxy = \"http://user:canary@{}\"\n", proxy.address())));
    finds(
        "a proxy",
        &sandbox,
        &[],
        5,
        ("network", "problem", "as.example (c): not reachable", "the proxy runs"),
    );
    let (_, findings) = examine(&sandbox, &[]);
    assert!(text(wrong(&findings)[0], "why").contains(&format!("{} (the key `proxy`)", proxy.address())));
    let silent = Server::start(|_| Reply::Drop);
    let sandbox = home(&config(&silent.address().to_string(), "scheme = \"http\"\n"));
    let (status, _) = examine(&sandbox, &["--offline"]);
    assert_eq!((status, silent.requests().len()), (0, 0), "no server was asked");
}

#[test]
fn doctor_finds_problems_with_the_clock_f_exp4() {
    for (name, ahead, status, severity) in [("a little", 120, 0, "warning"), ("much", -600, 1, "problem")] {
        let sent = move |_: &_| {
            let now = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(ahead);
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            Reply::full(200, &[("date", &date)], "")
        };
        let server = Server::start(sent);
        let config = format!(
            "store = \"file\"\n[credentials.x]\ndomain = \"{}\"\nscheme = \"http\"\njwt = \"canary\"\n",
            server.address()
        );
        let sandbox = home(&config);
        finds(name, &sandbox, &[], status, ("clock", severity, "this machine's clock is", "timedatectl"));
    }
    let server = AuthorizationServer::start();
    let sandbox = home(&server_config(&server.domain(), ""));
    sandbox.run(&["login"]).ok();
    sandbox.clock.advance(-7200);
    finds(
        "set back",
        &sandbox,
        &["--offline"],
        0,
        ("clock", "warning", "its token was issued 2 hours in the future", "set the clock"),
    );
}

#[test]
fn the_whole_run_has_a_deadline_f_kr1() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&asked);
    let slow = Server::start(move |_| {
        noted.store(true, Ordering::SeqCst);
        Reply::full(404, &[], "")
    });
    let never = Server::start(|_| Reply::Drop);
    let provider = |name: &str, server: &Server| {
        format!(
            "[credentials.{name}]\ndomain = \"{}\"\nscheme = \"http\"\njwt = \"canary\"\n",
            server.address()
        )
    };
    let sandbox = home(&format!("store = \"file\"\n{}{}", provider("a", &slow), provider("b", &never)));
    // The first server uses up the time limit.
    sandbox.clock.advance_when(asked, 120);
    let (status, findings) = examine(&sandbox, &[]);
    assert_eq!(status, 0, "{findings:#?}");
    let late =
        findings.iter().find(|finding| finding["topic"] == "network" && finding["subject"] == "b").unwrap();
    assert_eq!(text(late, "what"), "not checked: the time limit was reached");
    assert!(never.requests().is_empty(), "no server is asked after that");
}

#[test]
fn a_server_that_trickles_bytes_times_out_f_size() {
    let dripping =
        Server::start(|_| Reply::Drip(b"HTTP/1.1 200 OK\r\n".to_vec(), Duration::from_millis(100)));
    let config = format!(
        "store = \"file\"\n[credentials.c]\ndomain = \"{}\"\nscheme = \"http\"\noauth.client_id = \"a\"\noauth.timeout = \"1s\"\n",
        dripping.address()
    );
    let start = std::time::Instant::now();
    finds("drips", &home(&config), &[], 5, ("network", "problem", "no response", "try again later"));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

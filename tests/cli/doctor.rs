//! `authctl doctor`: each broken situation is found, and nothing else.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use authctl::adapters::machine::ThisMachine;
use authctl::ports::{
    HttpError, KernelKeyring, Machine, NoKernelKeyring, ProcessError, Processes, Program, Transport,
};
use authctl::secret::SecretText;
use authctl::store::keyring::KeyringFault;
use serde_json::{Value, json};

use crate::support::http::{Reply, Server, certificates};
use crate::support::odd_keyring::{that_fails, that_loses_a_byte};
use crate::support::sandbox::{server_config, set_mode};
use crate::support::{AuthorizationServer, Sandbox, browsers};

const CONFIG: &str =
    "store = \"file\"\n[credentials.x]\ndomain = \"x.example\"\njwt = { env = \"SECRET\" }\n";

/// What other programs print, by how their commands begin.
#[derive(Default)]
struct Programs(Vec<(&'static str, String)>);

impl Processes for Programs {
    fn output(&self, program: &Program<'_>) -> Result<SecretText, ProcessError> {
        let command = program.command.join(" ");
        let found = self.0.iter().find(|(start, _)| command.starts_with(start));
        found.map(|(_, text)| SecretText::new(text.as_str())).ok_or_else(|| ProcessError::NotStarted {
            program: command,
            reason: "this story has none".to_owned(),
        })
    }

    fn interact(&self, _: &Program<'_>) -> Result<(), ProcessError> {
        panic!("nobody is there to talk with");
    }

    fn parent(&self) -> Option<String> {
        None
    }
}

/// A machine whose names lead elsewhere, and that writes core files.
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

/// A kernel that keeps nothing.
struct NoKernel;

impl KernelKeyring for NoKernel {
    fn read(&self, _: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        None
    }

    fn keep(&self, _: &str, _: &[u8], _: Duration) -> Result<(), NoKernelKeyring> {
        Err(NoKernelKeyring("permission denied".to_owned()))
    }

    fn forget(&self, _: &str) {}

    fn forget_all(&self, _: &str) {}
}

/// A home in which nothing is wrong: with a browser, and no other programs.
fn home(config: &str) -> Sandbox {
    let mut sandbox = Sandbox::new(config);
    sandbox.system.processes = Rc::new(Programs::default());
    let bin = sandbox.path("bin");
    program(&sandbox, "bin/xdg-open");
    sandbox.environment.set("PATH", &bin.display().to_string());
    sandbox.environment.set("SECRET", "canary-jwt");
    sandbox
}

fn program(sandbox: &Sandbox, path: &str) {
    set_mode(&sandbox.write(path, "#!/bin/sh\n"), 0o755);
    set_mode(sandbox.path(path).parent().unwrap(), 0o755);
}

/// What is found: the exit status, and each finding.
fn examine(sandbox: &Sandbox, arguments: &[&str]) -> (u8, Vec<Value>) {
    let output = sandbox.run(&[&["doctor", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"));
    (output.status, report["findings"].as_array().unwrap().clone())
}

fn text<'a>(finding: &'a Value, member: &str) -> &'a str {
    finding[member].as_str().unwrap_or_default()
}

/// What is wrong, and nothing else.
fn wrong(findings: &[Value]) -> Vec<&Value> {
    findings.iter().filter(|finding| ["warning", "problem"].contains(&text(finding, "severity"))).collect()
}

/// What a story wants: the topic, the severity, and what is said and advised.
type Want = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn finds(name: &str, sandbox: &Sandbox, arguments: &[&str], status: u8, want: Want) {
    let (found_status, findings) = examine(sandbox, arguments);
    let listed = serde_json::to_string_pretty(&findings).unwrap();
    let (topic, severity, what, mend) = want;
    let found = if severity == "note" {
        findings
            .iter()
            .filter(|finding| text(finding, "severity") == "note" && text(finding, "topic") == topic)
            .collect()
    } else {
        wrong(&findings)
    };
    assert_eq!(found.len(), 1, "{name}: {listed}");
    let found = found[0];
    assert_eq!((text(found, "topic"), text(found, "severity")), (topic, severity), "{name}: {listed}");
    let said = format!("{}: {}", text(found, "subject"), text(found, "what"));
    assert!(said.contains(what), "{name}: {listed}");
    assert!(text(found, "mend").contains(mend), "{name}: {listed}");
    assert_eq!(found_status, status, "{name}: {listed}");
    assert!(!listed.contains("canary"), "{name}: {listed}");
    assert!(!listed.contains(&sandbox.path("").display().to_string()), "{name}: {listed}");
}

#[test]
fn in_a_healthy_home_nothing_is_wrong() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server_config(&server.domain(), ""));
    sandbox.run(&["login"]).ok();
    let before = sandbox.files();
    let (status, findings) = examine(&sandbox, &[]);
    assert_eq!(status, 0);
    assert!(wrong(&findings).is_empty(), "{findings:#?}");
    assert!(
        findings.iter().any(|finding| text(finding, "what").contains("alice is logged in")),
        "{findings:#?}"
    );
    let records = |files: &[(std::path::PathBuf, Vec<u8>)]| -> Vec<_> {
        files.iter().filter(|(path, _)| path.iter().any(|part| part == "records")).cloned().collect()
    };
    assert_eq!(records(&sandbox.files()), records(&before), "what was tried out is gone");
    let shown = sandbox.run(&["doctor"]).ok();
    assert!(shown.stdout.contains("✓ ok"), "{shown}");
    assert!(shown.stdout.contains("Nothing is wrong"), "{shown}");
    assert!(shown.stdout.lines().count() < sandbox.run(&["doctor", "-v"]).ok().stdout.lines().count());
    assert_eq!(server.token_requests("refresh_token"), 0, "nothing is renewed");
}

#[test]
fn the_json_form_is_stable() {
    let sandbox = home(CONFIG);
    let output = sandbox.run(&["doctor", "--json", "--offline"]).ok();
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&report), ["findings", "platform", "version"]);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    let findings = report["findings"].as_array().unwrap();
    let secret = findings.iter().find(|finding| text(finding, "what").starts_with("jwt")).unwrap();
    assert_eq!(
        *secret,
        json!({ "topic": "provider", "subject": "x", "severity": "ok", "what": "jwt: the variable SECRET is set", "why": null, "mend": null })
    );
    let trial = findings.iter().find(|finding| finding["topic"] == "store").unwrap();
    assert_eq!(members(trial), ["mend", "milliseconds", "severity", "subject", "topic", "what", "why"]);
    let topics =
        ["program", "config", "store", "browser", "loopback", "network", "clock", "provider", "helper"];
    let severities = ["ok", "note", "warning", "problem"];
    for finding in findings {
        assert!(topics.contains(&text(finding, "topic")) && severities.contains(&text(finding, "severity")));
    }
}

#[test]
fn what_is_wrong_with_the_configuration() {
    for (name, config, status, want) in [
        (
            "an unknown key",
            format!("{CONFIG}domian = \"y\"\n"),
            4,
            ("config", "problem", "domian", "did you mean `domain`?"),
        ),
        (
            "an unknown template",
            format!(
                "{CONFIG}[credentials.y]\ndomain = \"y.example\"\ntemplate = \"githob\"\noauth.client_id = \"a\"\n"
            ),
            4,
            ("config", "problem", "template", "github"),
        ),
        (
            "no TOML",
            "store = \"file\"\n[credentials.x\n".to_owned(),
            4,
            ("config", "problem", "not TOML", "config edit"),
        ),
        (
            "nothing",
            "store = \"file\"\n".to_owned(),
            4,
            ("config", "problem", "no provider is configured", "[credentials.github]"),
        ),
        (
            "no such default",
            format!("default = \"z\"\n{CONFIG}"),
            4,
            ("config", "problem", "the default provider `z`", "config edit"),
        ),
    ] {
        finds(name, &home(&config), &["--offline"], status, want);
    }
    let sandbox = home(&CONFIG.replace("{ env = \"SECRET\" }", "\"canary-jwt\""));
    set_mode(&sandbox.path("config/config.toml"), 0o644);
    let readable = ("config", "warning", "can be read by others", "chmod 600 ~/config/config.toml");
    finds("readable by others", &sandbox, &["--offline"], 0, readable);
    set_mode(&sandbox.path("config/config.toml"), 0o622);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 4);
    assert!(
        wrong(&findings)[0]["what"].as_str().unwrap().contains("can be written by others"),
        "{findings:#?}"
    );
    let sandbox = home(CONFIG);
    sandbox.write("work/.authctl.toml", "store = \"keyring\"\n");
    let refused = ("config", "problem", "a project's file cannot set `store`", "narrow scopes");
    finds("a project's file", &sandbox, &["--offline"], 4, refused);
    let sandbox = home(CONFIG);
    sandbox.environment.set("AUTHCTL_PROFILE", "work");
    finds(
        "a profile",
        &sandbox,
        &["--offline"],
        4,
        ("config", "problem", "the profile `work`", "[profile.NAME"),
    );
}

#[test]
fn f_kr1_f_kr2_f_kr4_what_is_wrong_with_the_keyring() {
    use keyring_core::Error::{NoStorageAccess, PlatformFailure};
    fn fault(fault: KeyringFault) -> keyring_core::Error {
        fault.into()
    }
    let config = CONFIG.replace("\"file\"", "\"keyring\"");
    let absent = home(&config);
    finds(
        "none",
        &absent,
        &["--offline"],
        6,
        ("store", "problem", "there is no keyring", "store = \"file\""),
    );
    type Fault = fn() -> keyring_core::Error;
    for (name, failing, what, mend) in [
        (
            "locked",
            (|| fault(KeyringFault::Locked)) as Fault,
            "the keyring is locked",
            "authctl store unlock",
        ),
        ("silent", || fault(KeyringFault::TimedOut), "the keyring does not answer", "restart its service"),
        ("away", || fault(KeyringFault::Absent("no service".to_owned())), "there is no keyring", "start one"),
        (
            "denied",
            || PlatformFailure("access denied".into()),
            "the keyring refused: access denied",
            "allow it",
        ),
        ("denied otherwise", || NoStorageAccess("no".into()), "the keyring refused: no", "allow it"),
    ] {
        let sandbox = home(&config);
        *sandbox.keyring.store.borrow_mut() = Some(that_fails(failing));
        finds(name, &sandbox, &["--offline"], 6, ("store", "problem", what, mend));
    }
    let sandbox = home(&config);
    let loses = that_loses_a_byte(&sandbox.keyring.present());
    *sandbox.keyring.store.borrow_mut() = Some(loses);
    finds(
        "loses",
        &sandbox,
        &["--offline"],
        6,
        ("store", "problem", "did not keep what was written", "store move file"),
    );
}

#[test]
fn f_sto1_f_sto2_what_is_wrong_with_sealed_files() {
    let server = AuthorizationServer::start();
    let logged_in = || {
        let sandbox = home(&server_config(&server.domain(), ""));
        sandbox.run(&["login"]).ok();
        sandbox
    };
    let record = |sandbox: &Sandbox| {
        let files = sandbox.files();
        files
            .into_iter()
            .map(|(path, _)| path)
            .find(|path| path.extension().is_some_and(|e| e == "sealed"))
            .unwrap()
    };
    let wants = |what, mend| ("store", "problem", what, mend);

    let sandbox = logged_in();
    std::fs::remove_file(record(&sandbox)).unwrap();
    finds(
        "gone",
        &sandbox,
        &["--offline"],
        6,
        wants("it is listed, and not in a sealed file", "authctl login as"),
    );

    let sandbox = logged_in();
    std::fs::write(record(&sandbox), "canary").unwrap();
    finds("damaged", &sandbox, &["--offline"], 6, wants("cannot be read", "backup"));

    let sandbox = logged_in();
    std::fs::remove_file(sandbox.path("data/store.key")).unwrap();
    finds("no key", &sandbox, &["--offline"], 6, wants("their key ~/data/store.key is not there", "backup"));

    let sandbox = logged_in();
    sandbox.keyring.present();
    sandbox.configure(&server_config(&server.domain(), "").replace("\"file\"", "\"keyring\""));
    finds(
        "elsewhere",
        &sandbox,
        &["--offline"],
        6,
        wants("it is stored in a sealed file", "authctl store move keyring"),
    );

    let sandbox = logged_in();
    sandbox.write("state/rescued/x.rescued", "x");
    let waits = ("store", "warning", "~/state/rescued/x.rescued: new tokens wait", "authctl token");
    finds("rescued", &sandbox, &["--offline"], 0, waits);

    let sandbox = logged_in();
    set_mode(&record(&sandbox), 0o644);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 6);
    let found = wrong(&findings);
    assert!(
        found.iter().all(|finding| text(finding, "mend").contains("chmod 600 ~/state/records/")),
        "{found:#?}"
    );

    let sandbox = logged_in();
    set_mode(&sandbox.path("state/records"), 0o777);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 6);
    assert!(
        wrong(&findings).iter().all(|finding| text(finding, "mend").contains("chmod 700 ~/state/records"))
    );

    let sandbox = home(CONFIG);
    sandbox.write("state", "a file where the folder should be");
    let (status, findings) = examine(&sandbox, &["--offline"]);
    assert_eq!(status, 6, "{findings:#?}");

    let mut sandbox =
        home(&CONFIG.replace("store = \"file\"\n", "[store]\nkind = \"file\"\ncache = \"kernel\"\n"));
    sandbox.system.kernel_keyring = Rc::new(NoKernel);
    let cache = ("store", "warning", "permission denied", "cache = \"none\"");
    finds("the kernel's cache", &sandbox, &["--offline"], 0, cache);

    let sandbox = home(
        &CONFIG.replace("store = \"file\"\n", "[store]\nkind = \"file\"\nkey = { command = [\"/none\"] }\n"),
    );
    let not_run = ("store", "note", "not tried out: its key is printed by a program", "--run-commands");
    finds("a program", &sandbox, &["--offline"], 0, not_run);
}

#[test]
fn f_url4_what_is_wrong_with_the_browser() {
    let sandbox = home(&format!("browser = \"firefux --new-window\"\n{CONFIG}"));
    let missing =
        ("browser", "problem", "firefux: the key `browser` names a program that is not there", "--browser");
    finds("not there", &sandbox, &["--offline"], 1, missing);
    let sandbox = home(CONFIG);
    set_mode(&sandbox.path("bin"), 0o777);
    let open = ("browser", "problem", "~/bin/xdg-open: others can replace the program", "--no-browser");
    finds("open to others", &sandbox, &["--offline"], 1, open);
    let sandbox = home(CONFIG);
    std::fs::remove_file(sandbox.path("bin/xdg-open")).unwrap();
    finds("none", &sandbox, &["--offline"], 0, ("browser", "warning", "no program that opens", "--device"));
    let mut sandbox = home(CONFIG);
    sandbox.system.browser = Rc::new(browsers::Absent::default());
    sandbox.environment.set("SSH_CONNECTION", "1 2 3 4");
    finds(
        "over SSH",
        &sandbox,
        &["--offline"],
        0,
        ("browser", "note", "no browser is opened here", "--no-browser"),
    );
}

#[test]
fn f_cb14_f_cb15_what_is_wrong_with_the_way_back() {
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
    sandbox.system.machine = Rc::new(OddMachine);
    let (status, findings) = examine(&sandbox, &["--offline"]);
    let found = wrong(&findings);
    assert_eq!((status, found.len()), (1, 2), "{found:#?}");
    assert_eq!(text(found[0], "mend"), "ulimit -c 0");
    assert!(text(found[1], "what") == "means 192.0.2.1" && text(found[1], "mend").contains("/etc/hosts"));
}

#[test]
fn f_proxy_whose_certificate_it_is_that_is_not_accepted() {
    let (authority, tls) = certificates();
    let server = Server::start_tls(tls, |_| Reply::full(404, &[], ""));
    let config = |more: &str| {
        format!(
            "store = \"file\"\n[credentials.m]\ndomain = \"{0}\"\n[credentials.m.oauth]\ngrant_type = \"client_credentials\"\nclient_id = \"app\"\n_client_secret = \"canary\"\ntoken_endpoint = \"https://{0}/token?canary=1\"\n{more}\n",
            server.address()
        )
    };
    let sandbox = home(&config(""));
    finds("unknown", &sandbox, &[], 5, ("network", "problem", "certificate is not accepted", "ca_file"));
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
fn what_is_wrong_with_the_way_to_the_servers() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = |domain: &str, more: &str| {
        format!("store = \"file\"\n[credentials.c]\ndomain = \"{domain}\"\noauth.client_id = \"a\"\n{more}")
    };
    let nobody = home(&config(&free.to_string(), ""));
    finds("nobody", &nobody, &[], 5, ("network", "problem", "(c): cannot be reached", "HTTPS_PROXY"));
    let proxy = Server::start(|_| Reply::full(502, &[], ""));
    let sandbox =
        home(&config("as.example", &format!("oauth.proxy = \"http://user:canary@{}\"\n", proxy.address())));
    finds(
        "a proxy",
        &sandbox,
        &[],
        5,
        ("network", "problem", "as.example (c): cannot be reached", "the proxy runs"),
    );
    let (_, findings) = examine(&sandbox, &[]);
    assert!(text(wrong(&findings)[0], "why").contains(&format!("{} (the key `proxy`)", proxy.address())));
    let silent = Server::start(|_| Reply::Drop);
    let sandbox = home(&config(&silent.address().to_string(), "scheme = \"http\"\n"));
    let (status, _) = examine(&sandbox, &["--offline"]);
    assert_eq!((status, silent.requests().len()), (0, 0), "nobody was asked");
}

#[test]
fn j10_f_exp4_what_is_wrong_with_the_clock() {
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
        ("clock", "warning", "its token was got 2 hours from now", "set the clock"),
    );
}

#[test]
fn what_is_wrong_with_a_provider() {
    let server = AuthorizationServer::start();
    let with = |metadata: Value, config: &str| {
        server.set(|behaviour| behaviour.metadata = metadata.as_object().unwrap().clone());
        home(&server_config(&server.domain(), config))
    };
    for (name, metadata, config, status, want) in [
        (
            "another issuer",
            json!({ "issuer": "https://evil.example" }),
            "authorization_endpoint = \"http://127.0.0.1:1/a\"\ntoken_endpoint = \"http://127.0.0.1:1/a\"\njwks_uri = \"http://127.0.0.1:1/a\"\n",
            5,
            ("provider", "problem", "the metadata of another issuer: `https://evil.example`", "set issuer"),
        ),
        (
            "no endpoint",
            json!({ "authorization_endpoint": null }),
            "",
            5,
            (
                "provider",
                "problem",
                "its `authorization_endpoint` is not known",
                "set authorization_endpoint",
            ),
        ),
        (
            "no S256",
            json!({ "code_challenge_methods_supported": ["plain"] }),
            "",
            0,
            ("provider", "warning", "PKCE with S256", "RFC 7636"),
        ),
        (
            "no such grant",
            json!({ "grant_types_supported": ["implicit"] }),
            "",
            0,
            ("provider", "warning", "does not say that it offers `authorization_code`", "grant_type"),
        ),
        (
            "an unknown scope",
            json!({ "scopes_supported": ["openid"] }),
            "",
            0,
            ("provider", "note", "nobody is logged in", "authctl login as"),
        ),
        (
            "no variable",
            json!({}),
            "_client_secret = { env = \"NOT_SET\" }\n",
            4,
            ("provider", "problem", "client_secret: the variable NOT_SET is not set", "export NOT_SET"),
        ),
        (
            "no file",
            json!({}),
            "_client_secret = { file = \"none\" }\n",
            4,
            (
                "provider",
                "problem",
                "client_secret: the file ~/config/none cannot be read",
                "write the secret",
            ),
        ),
        (
            "no program",
            json!({}),
            "_client_secret = { command = [\"pass-word\"] }\n",
            4,
            ("provider", "problem", "there is no program pass-word", "install it"),
        ),
        (
            "nothing stored",
            json!({}),
            "_client_secret = { stored = true }\n",
            4,
            ("provider", "problem", "no `client_secret` is stored", "authctl secret set as client_secret"),
        ),
    ] {
        let sandbox = with(metadata, config);
        if name == "another issuer" {
            // The endpoints of that story are of nobody's.
            let (found, findings) = examine(&sandbox, &[]);
            let of_provider: Vec<&Value> =
                wrong(&findings).into_iter().filter(|finding| text(finding, "topic") == "provider").collect();
            assert_eq!((found, of_provider.len()), (status, 1), "{findings:#?}");
            assert!(text(of_provider[0], "what").contains(want.2), "{findings:#?}");
            continue;
        }
        if name == "an unknown scope" {
            let (found, findings) = examine(&sandbox, &[]);
            assert_eq!(found, status);
            assert!(
                findings
                    .iter()
                    .any(|finding| text(finding, "what").contains("does not list the scopes repo"))
            );
            continue;
        }
        finds(name, &sandbox, &[], status, want);
    }
    let sandbox = with(json!({}), "");
    sandbox.configure(&server_config(&server.domain(), "").replace("client_id = \"app\"\n", ""));
    finds(
        "no client",
        &sandbox,
        &[],
        4,
        ("provider", "problem", "there is no `client_id`", "register an app"),
    );
    let sandbox = with(json!({}), "");
    finds("nobody", &sandbox, &[], 0, ("provider", "note", "nobody is logged in", "authctl login as"));
}

#[test]
fn how_a_login_stands() {
    let server = AuthorizationServer::start();
    let sandbox = home(&server_config(&server.domain(), ""));
    sandbox.run(&["login"]).ok();
    sandbox.configure(&server_config(&server.domain(), "").replace("\"repo\"]", "\"repo\", \"admin\"]"));
    let narrower = (
        "provider",
        "warning",
        "as (alice): the configured scopes admin were not granted",
        "authctl login as",
    );
    finds("narrower", &sandbox, &["--offline"], 0, narrower);
    sandbox.configure(&server_config(&server.domain(), ""));
    sandbox.clock.advance(7200);
    server.fault("/token", Reply::json(400, &json!({ "error": "invalid_grant" })));
    sandbox.run(&["token"]).fails(3);
    finds(
        "refused",
        &sandbox,
        &["--offline"],
        0,
        ("provider", "note", "a new login is needed", "authctl login as"),
    );
    sandbox.configure(
        &server_config(&server.domain(), "").replace("client_id = \"app\"", "client_id = \"other\""),
    );
    let other = ("provider", "warning", "another server or client", "authctl login as");
    finds("another client", &sandbox, &["--offline"], 0, other);
}

#[test]
fn what_is_wrong_with_helpers() {
    let docker =
        "{ \"auths\": { \"a\": { \"auth\": \"canary\" } }, \"credHelpers\": { \"x.example\": \"authctl\" } }";
    type Arrange = fn(&mut Sandbox);
    let stories: [(&str, Arrange, u8, Want); 8] = [
        (
            "git calls a program that is gone",
            |sandbox| {
                let listed = "credential.https://x.example.helper\n\0credential.https://x.example.helper\n!/gone/authctl helper git\0";
                sandbox.system.processes = Rc::new(Programs(vec![("git config", listed.to_owned())]));
            },
            1,
            (
                "helper",
                "problem",
                "git: x.example: git calls /gone/authctl, which is not there",
                "authctl helper git --write",
            ),
        ),
        (
            "git asks another first",
            |sandbox| {
                program(sandbox, "bin/authctl");
                sandbox.system.environment =
                    Rc::new(At(sandbox.path("bin/authctl"), sandbox.environment.clone()));
                let ours = sandbox.path("bin/authctl");
                let listed = format!(
                    "credential.helper\nstore --token=canary\0credential.https://x.example.helper\n!{} helper git\0",
                    ours.display()
                );
                sandbox.system.processes = Rc::new(Programs(vec![("git config", listed)]));
            },
            0,
            ("helper", "warning", "git asks store first", "authctl helper git --write"),
        ),
        (
            "a host of nobody's",
            |sandbox| {
                program(sandbox, "bin/authctl");
                sandbox.system.environment =
                    Rc::new(At(sandbox.path("bin/authctl"), sandbox.environment.clone()));
                let ours = sandbox.path("bin/authctl");
                let listed = format!(
                    "credential.https://z.example.helper\n\0credential.https://z.example.helper\n!{} helper git\0",
                    ours.display()
                );
                sandbox.system.processes = Rc::new(Programs(vec![("git config", listed)]));
            },
            0,
            ("helper", "warning", "no provider has the host z.example", "`hosts`"),
        ),
        (
            "docker's link is not on PATH",
            |_| {},
            1,
            (
                "helper",
                "problem",
                "`docker-credential-authctl`, which is not on PATH",
                "authctl helper docker --write",
            ),
        ),
        (
            "a user of kubectl for nobody",
            |sandbox| {
                sandbox.write(".kube/config", "");
                program(sandbox, "bin/authctl");
                sandbox.system.environment =
                    Rc::new(At(sandbox.path("bin/authctl"), sandbox.environment.clone()));
                let command = sandbox.path("bin/authctl").display().to_string();
                let view = json!({ "users": [{ "name": "u", "user": { "exec": { "command": command, "args": ["helper", "kubernetes", "gone"] } } }] });
                sandbox.system.processes = Rc::new(Programs(vec![("kubectl config view", view.to_string())]));
            },
            0,
            ("helper", "warning", "the provider `gone` is not configured", "the user u of kubectl"),
        ),
        (
            "a profile of AWS",
            |sandbox| {
                let text = "[default]\naws_secret_access_key = canary\n[profile a]\ncredential_process = /gone/authctl helper aws x\n";
                sandbox.write(".aws/config", text);
            },
            1,
            ("helper", "problem", "aws: x: aws calls /gone/authctl", "authctl helper aws --write"),
        ),
        (
            "cargo",
            |sandbox| {
                let text = "[registries.r]\ntoken = \"canary\"\ncredential-provider = [\"/gone/authctl\", \"helper\", \"cargo\"]\n";
                sandbox.write(".cargo/config.toml", text);
            },
            1,
            ("helper", "problem", "cargo calls /gone/authctl", "authctl helper cargo --write"),
        ),
        (
            "Terraform",
            |sandbox| {
                sandbox.write(".terraformrc", "credentials_helper \"authctl\" {\n}\n");
            },
            1,
            (
                "helper",
                "problem",
                "terraform-credentials-authctl, which is not there",
                "authctl helper terraform --write",
            ),
        ),
    ];
    for (name, arrange, status, want) in stories {
        let mut sandbox = home(CONFIG);
        if name.contains("docker") {
            sandbox.write(".docker/config.json", docker);
        }
        arrange(&mut sandbox);
        finds(name, &sandbox, &["--offline"], status, want);
    }
    let sandbox = home(CONFIG);
    program(&sandbox, "other/keyring");
    std::fs::create_dir_all(sandbox.path(".local/bin")).unwrap();
    std::os::unix::fs::symlink("/usr/bin/authctl", sandbox.path(".local/bin/keyring")).unwrap();
    let path = format!("{}:{}", sandbox.path("bin").display(), sandbox.path("other").display());
    sandbox.environment.set("PATH", &path);
    let other =
        ("helper", "warning", "another program is called `keyring`: ~/other/keyring", "before it on PATH");
    finds("another keyring", &sandbox, &["--offline"], 0, other);
}

/// The sandbox's environment, the program being at another place.
struct At(std::path::PathBuf, Rc<crate::support::sandbox::Variables>);

impl authctl::ports::Environment for At {
    fn variable(&self, name: &str) -> Option<String> {
        self.1.variable(name)
    }

    fn variables(&self) -> Vec<(String, String)> {
        self.1.variables()
    }

    fn current_folder(&self) -> Option<std::path::PathBuf> {
        self.1.current_folder()
    }

    fn program(&self) -> Option<std::path::PathBuf> {
        Some(self.0.clone())
    }
}

#[test]
fn what_is_wrong_with_the_program() {
    let mut sandbox = home(CONFIG);
    program(&sandbox, "bin/authctl");
    let first = sandbox.path("bin/authctl").display().to_string();
    let said = format!("{first} --version");
    sandbox.system.processes = Rc::new(Programs(vec![(said.leak(), "authctl 0.0.1\n".to_owned())]));
    let another =
        ("program", "warning", "~/bin/authctl: another authctl comes first on PATH", "change their order");
    finds("another", &sandbox, &["--offline"], 0, another);
    let (_, findings) = examine(&sandbox, &["--offline"]);
    assert!(text(wrong(&findings)[0], "why").contains("that one says `authctl 0.0.1`"), "{findings:#?}");
    let sandbox = home(CONFIG);
    sandbox.environment.set("PATH", &format!("{}:.", sandbox.path("bin").display()));
    finds("relative", &sandbox, &["--offline"], 0, ("program", "warning", "PATH", "take them out"));
}

#[test]
fn one_provider_and_none_of_that_name() {
    let server = AuthorizationServer::start();
    let config = server_config(&server.domain(), "")
        + "[credentials.x]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\njwt = \"canary\"\n";
    let sandbox = home(&config);
    let (status, findings) = examine(&sandbox, &["as"]);
    assert_eq!(status, 0, "{findings:#?}");
    assert!(findings.iter().all(|finding| text(finding, "subject") != "x"), "{findings:#?}");
    assert_eq!(examine(&sandbox, &[]).0, 5);
    sandbox.run(&["doctor", "z"]).fails(4).says("the provider `z` is not configured");
}

#[test]
fn f_leak3_f_leak7_no_canary_in_either_form() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("canary-client-secret".to_owned()));
    let config = server_config(
        &server.domain(),
        "_client_secret = { env = \"SECRET\" }\nextra_params = { _hint = \"canary-hint\" }\n[credentials.key]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\napi_key = \"canary-key\"\n[credentials.b]\ndomain = \"127.0.0.1:1\"\nscheme = \"http\"\n[credentials.b.basic]\nusername = \"u\"\n_password = \"canary-password\"\n",
    );
    let sandbox = home(&config);
    sandbox.environment.set("SECRET", "canary-client-secret");
    sandbox.environment.set("HTTPS_PROXY", "http://canary-user:canary-password@127.0.0.1:1");
    sandbox.environment.set("BROWSER", "nothing --token=canary");
    sandbox.write(
        ".docker/config.json",
        "{ \"auths\": { \"a\": { \"auth\": \"canary\" } }, \"credsStore\": \"authctl\" }",
    );
    let run = |path: &str, fault: Option<Reply>| {
        for form in [&["doctor"][..], &["doctor", "-vv"], &["doctor", "--json"]] {
            server.set(|behaviour| behaviour.faults.clear());
            if let Some(fault) = &fault {
                server.fault(path, fault.clone());
            }
            let output = sandbox.run(form);
            assert!(!output.to_string().contains("canary"), "{output}");
        }
    };
    run("", None);
    let place = "/.well-known/openid-configuration";
    for fault in [
        Reply::json(500, &json!({ "refresh_token": "canary-in-an-error" })),
        Reply::full(200, &[("content-type", "text/html")], "<html>canary-in-html"),
        Reply::json(200, &json!({ "issuer": 5, "token_endpoint": "canary" })),
        Reply::redirect(307, "https://evil.example/?token=canary-in-a-location"),
        Reply::Raw(b"canary\r\n\r\n".to_vec()),
    ] {
        run(place, Some(fault));
    }
    sandbox.configure(&(config.clone() + "secret = canary\n"));
    run("", None);
    sandbox.configure(&config);
    server.set(|behaviour| behaviour.faults.clear());
    sandbox.run(&["login", "as"]).ok();
    run("", None);
    let shown = sandbox.run(&["doctor"]);
    for secret in server.secrets() {
        assert!(!shown.to_string().contains(&secret));
    }
}

#[test]
fn without_a_home_it_says_so() {
    let sandbox = Sandbox::new(CONFIG);
    let mut command = sandbox.binary(env!("CARGO_BIN_EXE_authctl"), &["doctor", "--offline", "--json"]);
    for variable in
        ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "AUTHCTL_CONFIG"]
    {
        command.env(variable, "");
    }
    let output = command.output().unwrap();
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{output:?}");
}

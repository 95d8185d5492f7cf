//! A config file that somebody else chose: what was stored under yours goes only where it was stored for (F-BIND1).

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use authctl::ports::{Folder, NoFolder, Paths};
use keyring_core::CredentialStore;

use crate::login_url::{Resource, registering};
use crate::support::sandbox::server_config;
use crate::support::{AuthorizationServer, Sandbox};

/// A home that is logged in to `server`, and a server of somebody who wants the tokens.
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

    /// No command gets at what is stored, and no server hears of it.
    #[track_caller]
    fn nothing_is_reached(&self, name: &str, options: &[&str]) {
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

    /// Takes what was recorded out of every record: earlier versions did not record it.
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

/// F-BIND6
#[test]
fn another_file_cannot_add_a_host() {
    let story = Story::new();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.swap(&hosts, "");
    story.nothing_is_reached("AUTHCTL_CONFIG", &[]);
    let told = story.sandbox.run(&["token", "as"]).fails(4);
    told.clone().says("the login to `as` is not for the host 127.0.0.1:").says("other/authctl.toml:3 sets");
    told.says("~/config/config.toml").says("authctl login as");
    story.swap_back();
    let other = story.other(&hosts, "");
    story.nothing_is_reached("--config", &["--config", &other]);
    let other = story.other("", "");
    story.sandbox.run(&["--config", &other, "token", "as"]).ok();
}

/// F-BIND6: Hosts are not the only way out: any endpoint, a proxy, another authority, a template.
#[test]
fn another_file_cannot_send_a_token_anywhere_else_either() {
    let story = Story::new();
    let evil = story.evil.issuer();
    let endpoint = |name: &str| format!("{name} = \"{evil}/x\"");
    let ca_file = story.sandbox.write("other/ca.pem", "");
    for (name, more, oauth) in [
        ("userinfo", String::new(), endpoint("userinfo_endpoint")),
        ("introspection", String::new(), endpoint("introspection_endpoint")),
        ("revocation", String::new(), endpoint("revocation_endpoint")),
        ("end of the session", String::new(), endpoint("end_session_endpoint")),
        ("token", String::new(), endpoint("token_endpoint")),
        ("refresh", String::new(), endpoint("refresh_endpoint")),
        ("a proxy", String::new(), format!("proxy = \"{evil}\"")),
        ("an authority", String::new(), format!("ca_file = \"{}\"", ca_file.display())),
        ("a parameter", String::new(), "token_params = { resource = \"https://evil.example\" }".to_owned()),
        (
            "a service of AWS",
            format!("helper = {{ aws_endpoint = \"{evil}\", aws_role = \"r\" }}"),
            String::new(),
        ),
        ("a URL", format!("url = \"{evil}\""), String::new()),
        ("a template", "template = \"gitea\"".to_owned(), String::new()),
    ] {
        story.swap(&more, &oauth);
        story.nothing_is_reached(name, &[]);
    }
    // A logout forgets the login here, and tells no server that the login did not know.
    story.swap("", &endpoint("revocation_endpoint"));
    let sent = story.server.requests().len();
    let told = story.sandbox.run(&["logout", "as"]).ok();
    told.says("oauth.revocation_endpoint");
    assert_eq!(story.server.requests().len(), sent);
    assert!(story.evil.requests().is_empty());
}

/// F-BIND6
#[test]
fn a_profile_of_another_file_counts_as_that_file() {
    let story = Story::new();
    let profile = format!("[profile.p.credentials.as]\nhosts = [\"{}\"]\n", story.evil.domain());
    let other =
        story.sandbox.write("other/authctl.toml", &format!("{}{profile}", config(&story.server, "", "")));
    story.sandbox.environment.set("AUTHCTL_CONFIG", other.to_str().unwrap());
    story.sandbox.run(&["token", "as"]).ok();
    story.sandbox.environment.set("AUTHCTL_PROFILE", "p");
    story.nothing_is_reached("AUTHCTL_PROFILE", &[]);
    story.sandbox.environment.set("AUTHCTL_PROFILE", "");
    story.nothing_is_reached("--profile", &["--profile", "p"]);
}

/// F-BIND6: A profile of the user's own file belongs to the user's own file, even when a variable selects it.
#[test]
fn a_profile_of_your_own_file_may_add_a_host() {
    let story = Story::new();
    let profile = format!("[profile.p.credentials.as]\nhosts = [\"{}\"]\n", story.evil.domain());
    story.sandbox.configure(&format!("{}{profile}", config(&story.server, "", "")));
    story.sandbox.environment.set("AUTHCTL_PROFILE", "p");
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
}

/// F-BIND6
#[test]
fn a_provider_of_the_environment_never_reaches_what_a_files_provider_stored() {
    for (name, same_host) in [("at another host", false), ("at the very same host", true)] {
        for file in ["AUTHCTL_CONFIG", "an empty file", "no file"] {
            let story = Story::new();
            let name = format!("{name}, {file}");
            match file {
                "AUTHCTL_CONFIG" => {
                    let empty = story.sandbox.write("other/empty.toml", "");
                    story.sandbox.environment.set(file, empty.to_str().unwrap());
                }
                "an empty file" => story.sandbox.configure(""),
                _ => std::fs::remove_file(story.sandbox.path("config/config.toml")).unwrap(),
            }
            story.define_by_environment(&if same_host { story.server.domain() } else { story.evil.domain() });
            story.nothing_is_reached(&name, &[]);
            let told = story.sandbox.run(&["token", "as"]).fails(3);
            told.says("for another provider of the same name; nothing was sent").says("authctl login as");
            // Without the index the record is found by its name alone.
            std::fs::remove_file(story.sandbox.path("state/index/as.json")).unwrap();
            story.nothing_is_reached(&name, &[]);
        }
    }
}

/// F-BIND6: It has logins of its own, which stay at their hosts as well.
#[test]
fn a_provider_of_the_environment_has_its_own_login() {
    let story = Story::new();
    let own = story.sandbox.run(&["token"]).ok().stdout;
    story.sandbox.configure("");
    story.define_by_environment(&story.server.domain());
    story.sandbox.run(&["login", "as"]).ok();
    let others = story.sandbox.run(&["token", "as"]).ok().stdout;
    assert_ne!(others, own);
    story.define_by_environment(&story.evil.domain());
    story.nothing_is_reached("moved by the environment", &[]);
    let told = story.sandbox.run(&["token", "as"]).fails(4);
    told.says("is not for the host 127.0.0.1:").says("AUTHCTL_CREDENTIALS__AS__DOMAIN sets");
}

/// F-BIND6: A machine's provider gets tokens with its own secret: no user has a login to lose.
#[test]
fn a_grant_without_a_user_gets_a_new_token_for_a_new_host() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("s3cret".to_owned()));
    let sandbox = Sandbox::new("store = \"file\"\n");
    let set = |key: &str, value: &str| {
        sandbox.environment.set(&format!("AUTHCTL_CREDENTIALS__CI__{key}"), value);
    };
    set("DOMAIN", &server.domain());
    set("SCHEME", "http");
    set("OAUTH__GRANT_TYPE", "client_credentials");
    set("OAUTH__CLIENT_ID", "app");
    set("OAUTH__CLIENT_SECRET", "s3cret");
    let first = sandbox.run(&["token", "ci"]).ok().stdout;
    assert_eq!(sandbox.run(&["token", "ci"]).ok().stdout, first);
    set("HOSTS", "127.0.0.1:1");
    let second = sandbox.run(&["token", "ci"]).ok().stdout;
    assert_ne!(second, first, "the first one is not for that host");
    assert_eq!(sandbox.run(&["token", "ci"]).ok().stdout, second);
    assert_eq!(server.token_requests("client_credentials"), 2);
}

/// F-BIND6
#[test]
fn a_copy_of_your_file_elsewhere_works() {
    let story = Story::new();
    story.swap("", "");
    story.sandbox.run(&["token", "as"]).ok();
    story.sandbox.run(&["whoami", "as"]).ok();
    // What cannot send a secret elsewhere may differ.
    story.swap("", "refresh_early = \"30s\"\ntimeout = \"9s\"\naudience = \"x\"");
    story.sandbox.run(&["token", "as", "--refresh"]).ok();
}

/// F-BIND6
#[test]
fn your_own_file_adds_a_host_and_other_files_may_then_name_it_too() {
    let story = Story::new();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.sandbox.configure(&config(&story.server, &hosts, ""));
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
    story.swap(&hosts, "");
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
    story.sandbox.configure(&config(&story.server, "", ""));
    story.nothing_is_reached("taken out of the own file again", &[]);
}

/// F-BIND6
#[test]
fn a_login_with_another_file_is_for_that_files_hosts() {
    let story = Story::new();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.swap(&hosts, "");
    story.sandbox.run(&["login", "as"]).ok();
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
    story.sandbox.clock.advance(4000);
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
    story.swap("hosts = [\"127.0.0.1:1\"]", "");
    story.sandbox.run(&["token", "as"]).fails(4).says("the host 127.0.0.1:1,");
}

/// F-BIND6: Records of earlier versions say nothing of hosts. Your own file goes on with them, and the next save records its hosts.
#[test]
fn a_record_of_before_is_for_your_own_file_alone() {
    let story = Story::new();
    story.forget_what_was_recorded();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.swap(&hosts, "");
    story.nothing_is_reached("not recorded yet", &[]);
    let told = story.sandbox.run(&["token", "as"]).fails(4);
    told.says("does not say which hosts it is for").says("is not in your own config file");
    story.swap("", "");
    story.sandbox.run(&["token", "as"]).ok();
    story.swap_back();
    story.sandbox.run(&["token", "as"]).ok();
    story.sandbox.run(&["token", "as", "--refresh"]).ok();
    // Now it is recorded: the own file is not needed any more.
    std::fs::remove_file(story.sandbox.path("config/config.toml")).unwrap();
    story.swap("", "");
    story.sandbox.run(&["token", "as"]).ok();
    story.swap(&hosts, "");
    story.nothing_is_reached("recorded", &[]);
}

/// Folders that variables move.
struct Moved {
    inner: Arc<dyn Paths>,
    moved: Folder,
    to: PathBuf,
}

impl Paths for Moved {
    fn folder(&self, folder: Folder) -> Result<PathBuf, NoFolder> {
        if folder == self.moved { Ok(self.to.clone()) } else { self.inner.folder(folder) }
    }

    fn home(&self) -> Option<PathBuf> {
        self.inner.home()
    }
}

fn moved(story: &mut Story, folder: Folder, to: &str) {
    let inner = Arc::clone(&story.sandbox.system.paths);
    let to = story.sandbox.path(to);
    story.sandbox.system.paths = Arc::new(Moved { inner, moved: folder, to });
}

/// F-BIND6: `XDG_CONFIG_HOME` or `HOME` names another folder: its file is not the one that was yours at the login.
#[test]
fn a_moved_config_folder_adds_no_host() {
    let mut story = Story::new();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.sandbox.write("elsewhere/config.toml", &config(&story.server, "", ""));
    moved(&mut story, Folder::Config, "elsewhere");
    story.sandbox.run(&["token", "as"]).ok();
    story.sandbox.write("elsewhere/config.toml", &config(&story.server, &hosts, ""));
    story.nothing_is_reached("a moved folder", &[]);
    let told = story.sandbox.run(&["token", "as"]).fails(4);
    told.says("elsewhere/config.toml:3 sets").says("set it in ~/config/config.toml");
    story.sandbox.run(&["login", "as"]).ok();
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
}

/// F-BIND6: `XDG_STATE_HOME` names another folder: its file describes another server.
#[test]
fn a_moved_state_folder_leads_nowhere_else() {
    let server = registering();
    let evil = AuthorizationServer::start();
    let sandbox = Sandbox::new("store = \"auto\"\n");
    let keyring = sandbox.keyring.present();
    let resource = Resource::of(&server);
    let url = resource.url();
    let address: url::Url = url.parse().unwrap();
    let own = format!("127.0.0.1:{}", address.port().unwrap());
    sandbox.run(&["login", &url]).ok();
    let mut story = Story { server, evil, sandbox, keyring };
    story.sandbox.run(&["token", &url]).ok();
    let discovered = std::fs::read_to_string(story.sandbox.path("state/learned.toml")).unwrap();
    let evil_domain = story.evil.domain();
    let hostile = discovered
        .replace(&format!("domain = \"{own}\""), &format!("domain = \"{evil_domain}\""))
        .replace(&format!("url = \"http://{own}"), &format!("url = \"http://{evil_domain}"));
    assert_ne!(hostile, discovered);
    story.sandbox.write("elsewhere/learned.toml", &hostile);
    moved(&mut story, Folder::State, "elsewhere");
    let evil_url = story.evil.issuer();
    for command in [&["token", evil_url.as_str()][..], &["token"], &["headers"], &["refresh"]] {
        let output = story.sandbox.run(command);
        assert!(output.status != 0 && output.stdout.is_empty(), "{command:?}: {output}");
    }
    story.nothing_is_reached("discovered elsewhere", &[]);
}

/// F-BIND6: `secret set` keeps more than tokens.
#[test]
fn a_stored_secret_stays_with_its_hosts_too() {
    let evil = AuthorizationServer::start();
    let keyed = |more: &str| {
        format!(
            "store = \"file\"\n[credentials.k]\ndomain = \"api.example\"\n{more}\napi_key = {{ key = {{ stored = true }} }}\n"
        )
    };
    let sandbox = Sandbox::new(&keyed(""));
    sandbox.run_with(&["secret", "set", "k", "key"], "canary-key\n").ok();
    assert_eq!(sandbox.run(&["token", "k"]).ok().text(), "canary-key");
    let hosts = format!("hosts = [\"{}\"]", evil.domain());
    let other = sandbox.write("other.toml", &keyed(&hosts));
    let swapped = ["--config", other.to_str().unwrap()];
    for command in [&["token", "k"][..], &["headers", "k"], &["exec", "k", "--", "env"]] {
        let output = sandbox.run(&[&swapped, command].concat()).fails(4);
        output.says("the stored `key` of `k` is not for the host").says("authctl secret set k key");
    }
    sandbox.write("other.toml", &keyed(""));
    assert_eq!(sandbox.run(&[&swapped, &["token", "k"][..]].concat()).ok().text(), "canary-key");
    // Set again for the other file, it is for that file's hosts, and still for those of the own file.
    sandbox.write("other.toml", &keyed(&hosts));
    sandbox.run_with(&[&swapped, &["secret", "set", "k", "key"][..]].concat(), "canary-new\n").ok();
    assert_eq!(sandbox.run(&[&swapped, &["token", "k"][..]].concat()).ok().text(), "canary-new");
    assert_eq!(sandbox.run(&["token", "k"]).ok().text(), "canary-new");
}

/// A provider `x` that exchanges tokens of `as` at `endpoint`, for the host `domain`.
fn exchange(domain: &str, endpoint: &str, inputs: &str) -> String {
    format!(
        "[credentials.x]\ndomain = \"{domain}\"\nscheme = \"http\"\n[credentials.x.oauth]\ntoken_endpoint = \"{endpoint}\"\ngrant_type = \"token_exchange\"\nclient_id = \"app\"\n{inputs}\n"
    )
}

const SUBJECT: &str = "subject = { provider = \"as\" }";

/// F-BIND6: The subject of an exchange is a stored token as well.
#[test]
fn another_file_cannot_exchange_a_stored_token_elsewhere() {
    let story = Story::new();
    let (evil, own) = (format!("{}/x", story.evil.issuer()), format!("{}/token", story.server.issuer()));
    let (evil_host, own_host) = (story.evil.domain(), story.server.domain());
    let good = exchange(&own_host, &own, SUBJECT);
    let bad = exchange(&own_host, &evil, SUBJECT);
    let actor = "subject = { env = \"SUBJECT\" }\nactor = { provider = \"as\" }";
    let id_token = "subject = { provider = \"as\", token = \"id_token\" }";
    let profile = format!("[profile.p.credentials.x.oauth]\ntoken_endpoint = \"{evil}\"\n");
    let further = exchange(&evil_host, &evil, "subject = { provider = \"x\" }")
        .replace("credentials.x", "credentials.y");
    story.sandbox.environment.set("SUBJECT", "a-subject");
    let hosts = format!("hosts = [\"{evil_host}\"]");
    for (name, before, more, after, provider, part) in [
        ("a host of the login", "", hosts.as_str(), &good, "x", "the host 127.0.0.1:"),
        ("a new provider", "", "", &bad, "x", "of `x`, which"),
        ("a new provider's actor", "", "", &exchange(&own_host, &evil, actor), "x", "of `x`, which"),
        ("the id token", "", "", &exchange(&own_host, &evil, id_token), "x", "of `x`, which"),
        ("a new endpoint", &good, "", &bad, "x", "this value of `oauth.token_endpoint` of `x`"),
        ("a new host", &good, "", &exchange(&evil_host, &own, SUBJECT), "x", "the host 127.0.0.1:"),
        ("a new proxy", &good, "", &format!("{good}proxy = \"{evil}\"\n"), "x", "`oauth.proxy` of `x`"),
        ("a profile", &good, "", &format!("{good}{profile}"), "x", "`oauth.token_endpoint` of `x`"),
        ("a second exchange", &good, "", &format!("{good}{further}"), "y", "of `y`, which"),
    ] {
        story.sandbox.configure(&format!("{}{before}", config(&story.server, "", "")));
        let other = format!("{}{after}", config(&story.server, more, ""));
        let other = story.sandbox.write("other/authctl.toml", &other);
        let with_profile = if name == "a profile" { "p" } else { "" };
        story.sandbox.environment.set("AUTHCTL_PROFILE", with_profile);
        let other = other.to_str().unwrap();
        let sent = story.server.requests().len();
        for (variable, options) in [(other, &[][..]), ("", &["--config", other][..])] {
            story.sandbox.environment.set("AUTHCTL_CONFIG", variable);
            for command in [
                &["token", provider][..],
                &["token", provider, "--refresh"],
                &["headers", provider],
                &["exec", provider, "--", "env"],
                &["refresh", "--all"],
            ] {
                let output = story.sandbox.run(&[options, command].concat());
                let shown = story.server.secrets().into_iter().any(|secret| output.stdout.contains(&secret));
                assert!(!shown, "{name}: {command:?}: {output}");
            }
            let told = story.sandbox.run(&[options, &["token", provider]].concat()).fails(4);
            told.says("the login to `as` is not for")
                .says(part)
                .says("other/authctl.toml:")
                .says("nothing was sent");
        }
        for request in [story.evil.requests(), story.server.requests()[sent..].to_vec()].concat() {
            let is_exchange = request.parameter("grant_type").is_some_and(|grant| grant.contains("exchange"));
            assert!(!is_exchange, "{name}: {request:?}");
        }
        story.sandbox.environment.set("AUTHCTL_PROFILE", "");
    }
    assert!(story.evil.requests().is_empty());
}

/// F-BIND6
#[test]
fn an_exchange_of_your_own_file_works_and_a_login_with_another_file_is_for_its_exchanges() {
    let story = Story::new();
    let at = |endpoint: &str| {
        exchange(&story.server.domain(), &format!("{}{endpoint}", story.server.issuer()), SUBJECT)
    };
    let configured = |endpoint: &str| format!("{}{}", config(&story.server, "", ""), at(endpoint));
    story.sandbox.configure(&configured("/token"));
    story.sandbox.run(&["token", "x"]).ok();
    let other = story.sandbox.write("other/authctl.toml", &configured("/token"));
    story.sandbox.environment.set("AUTHCTL_CONFIG", other.to_str().unwrap());
    story.sandbox.run(&["token", "x", "--refresh"]).ok();
    // An exchange that only the other file has.
    story.sandbox.configure(&config(&story.server, "", ""));
    story.sandbox.run(&["token", "x", "--refresh"]).fails(4);
    story.sandbox.run(&["login", "as"]).ok();
    story.sandbox.run(&["token", "x", "--refresh"]).ok();
    story.sandbox.clock.advance(4000);
    story.sandbox.run(&["token", "x"]).ok();
    story.sandbox.write("other/authctl.toml", &configured("/elsewhere"));
    story.sandbox.run(&["token", "x"]).fails(4).says("`oauth.token_endpoint` of `x`");
}

/// F-BIND6: Records of earlier versions say nothing of exchanges either, and a refresh with another file adds none of its.
#[test]
fn a_record_of_before_is_exchanged_by_your_own_file_alone() {
    let story = Story::new();
    story.forget_what_was_recorded();
    let own = config(&story.server, "", "");
    let endpoint = format!("{}/token", story.server.issuer());
    let other = format!("{own}{}", exchange(&story.server.domain(), &endpoint, SUBJECT));
    story.sandbox.configure(&other);
    story.sandbox.run(&["token", "x"]).ok();
    story.sandbox.configure(&own);
    let path = story.sandbox.write("other/authctl.toml", &other);
    story.sandbox.environment.set("AUTHCTL_CONFIG", path.to_str().unwrap());
    story.sandbox.run(&["token", "x"]).fails(4).says("does not say which hosts it is for");
    story.sandbox.run(&["token", "as", "--refresh"]).ok();
    story.sandbox.run(&["token", "x"]).fails(4).says("the login to `as` is not for");
}

/// F-BIND6: A secret that `secret set` keeps is exchanged under the same rule.
#[test]
fn another_file_cannot_exchange_a_stored_secret_elsewhere() {
    let (server, evil) = (AuthorizationServer::start(), AuthorizationServer::start());
    let keyed = |endpoint: &str| {
        let exchange = exchange(&server.domain(), endpoint, "subject = { provider = \"k\" }");
        format!(
            "store = \"file\"\n[credentials.k]\ndomain = \"api.example\"\njwt = {{ stored = true }}\n{exchange}"
        )
    };
    let sandbox = Sandbox::new(&keyed(&format!("{}/token", server.issuer())));
    sandbox.run_with(&["secret", "set", "k", "jwt"], "canary\n").ok();
    let other = sandbox.write("other.toml", &keyed(&evil.issuer()));
    let told = sandbox.run(&["--config", other.to_str().unwrap(), "token", "x"]).fails(4);
    told.says("the stored `jwt` of `k` is not for").says("authctl secret set k jwt");
    assert!(evil.requests().is_empty());
    sandbox.run(&["token", "x"]);
    assert_eq!(server.requests_to("/token")[0].parameter("subject_token").as_deref(), Some("canary"));
}

//! Another config file adds no host.

use super::{Story, config};
use crate::support::{AuthorizationServer, Sandbox};

/// F-BIND6
#[test]
fn another_file_cannot_add_a_host() {
    let story = Story::new();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.swap(&hosts, "");
    story.nothing_leaks("AUTHCTL_CONFIG", &[]);
    let told = story.sandbox.run(&["token", "as"]).fails(4);
    told.clone().says("the login to `as` is not for the host 127.0.0.1:").says("other/authctl.toml:3 sets");
    told.says("~/config/config.toml").says("authctl login as");
    story.swap_back();
    let other = story.other(&hosts, "");
    story.nothing_leaks("--config", &["--config", &other]);
    let other = story.other("", "");
    story.sandbox.run(&["--config", &other, "token", "as"]).ok();
}

/// F-BIND6: Hosts are not the only way out: any endpoint, a proxy, another authority, a template.
#[test]
fn another_file_cannot_redirect_a_token() {
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
        story.nothing_leaks(name, &[]);
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
    story.nothing_leaks("AUTHCTL_PROFILE", &[]);
    story.sandbox.environment.set("AUTHCTL_PROFILE", "");
    story.nothing_leaks("--profile", &["--profile", "p"]);
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
fn a_host_from_the_users_file_may_be_used_by_other_files() {
    let story = Story::new();
    let hosts = format!("hosts = [\"{}\"]", story.evil.domain());
    story.sandbox.configure(&config(&story.server, &hosts, ""));
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
    story.swap(&hosts, "");
    story.sandbox.run(&["token", &story.evil.issuer()]).ok();
    story.sandbox.configure(&config(&story.server, "", ""));
    story.nothing_leaks("removed from the own file again", &[]);
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

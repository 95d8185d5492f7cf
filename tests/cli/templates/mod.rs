//! The templates: each parses, is valid, asks for what it needs, and yields the endpoints and quirks that are pinned here.

use authctl::config::provider_table::{CREDENTIAL_KEYS, Credential};
use authctl::config::templates::{self, Template, TemplateQuestion};
use authctl::provider::Kind;
use authctl::schema::{Setting, Shape};
use serde_json::json;

use crate::support::http::Reply;
use crate::support::{AuthorizationServer, Sandbox};

/// The output of `config show` for each template: its name, then the lines. Templates without a domain get `own.example`; if the
/// name is followed by a domain, the template gets that one.
const EXPECTED: &str = include_str!("expected.txt");

fn expected() -> Vec<(&'static str, Option<&'static str>, Vec<&'static str>)> {
    let mut expected = Vec::new();
    for block in EXPECTED.trim_end().split("\n\n") {
        let mut lines = block.lines();
        let heading = lines.next().unwrap();
        let (name, domain) =
            heading.split_once(' ').map_or((heading, None), |(name, domain)| (name, Some(domain)));
        expected.push((name, domain, lines.map(str::trim).collect()));
    }
    expected
}

fn every_template() -> impl Iterator<Item = Template> {
    templates::names().map(|name| templates::find(name).unwrap_or_else(|| panic!("{name} cannot be read")))
}

#[test]
fn every_template_says_what_it_is_and_where_to_register() {
    let names: Vec<&str> = templates::names().collect();
    assert!(names.len() >= 40 && names.is_sorted(), "{names:?}");
    let expected = expected();
    for template in every_template() {
        let name = template.name;
        assert!(expected.iter().any(|(expected, ..)| *expected == name), "{name} is not in expected.txt");
        assert!(template.register.as_ref().is_some_and(|page| !page.is_empty()), "{name}");
        assert!(!template.title.is_empty() && template.about.ends_with('.'), "{name}");
        let has_redirect = kind(&template).is_some_and(|kind| kind.grant() == Some("authorization_code"));
        assert_eq!(template.redirect.is_some(), has_redirect, "{name}: what to enter as the redirect URI");
        assert!(template.variable.as_ref().is_none_or(|variable| !variable.contains(' ')), "{name}");
    }
}

/// The redirect URI to register is the one that authctl sends, if its port is fixed.
#[test]
fn every_redirect_is_the_one_that_is_sent() {
    for template in every_template() {
        let credential = template.credential(Some("own.example"));
        let Some(sent) = written(&credential, "oauth.redirect_uri") else { continue };
        let said = template.redirect.clone().unwrap_or_default();
        assert!(said.starts_with(sent.trim_end_matches('/')), "{}: {said} is not {sent}", template.name);
    }
}

/// The kind of a template, by its grant.
fn kind(template: &Template) -> Option<&'static Kind> {
    let written = template.credential(Some("own.example")).kind?;
    let grant = written.table.table()?.get("grant_type").and_then(Setting::text).map(str::to_owned);
    Kind::named(&written.called).find(|kind| grant.as_deref().is_none_or(|grant| kind.has_grant(grant)))
}

/// What a template writes at a path, as a question would have it.
fn written(credential: &Credential, path: &str) -> Option<String> {
    let mut parts = path.split('.');
    let first = parts.next()?;
    let mut setting = match &credential.kind {
        Some(kind) if kind.called == first => kind.table.clone(),
        _ => credential.keys.get(first)?.clone(),
    };
    for part in parts {
        setting = setting.table()?.get(part)?.clone();
    }
    setting.strings().map(|words| words.join(" "))
}

/// Whether a question's key is one that the template's kind, or every credential, has.
fn is_known(question: &TemplateQuestion, kind: &Kind) -> bool {
    match question.key.split('.').collect::<Vec<_>>().as_slice() {
        [key] => CREDENTIAL_KEYS.iter().any(|known| known.name == *key),
        [name, key] => kind.is_named(name) && kind.all_keys().any(|known| known.name == *key),
        [name, key, _] => {
            let takes = |shape: Shape| matches!(shape, Shape::Secrets | Shape::Free);
            kind.is_named(name) && kind.all_keys().any(|known| known.name == *key && takes(known.shape))
        }
        _ => false,
    }
}

#[test]
fn every_question_is_for_a_known_key() {
    for template in every_template() {
        let kind = kind(&template).unwrap();
        let credential = template.credential(Some("own.example"));
        for (index, question) in template.questions.iter().enumerate() {
            let name = format!("{}: {}", template.name, question.key);
            assert!(is_known(question, kind), "{} has no key {name}", kind.name);
            assert!(
                template.questions[..index].iter().all(|other| other.key != question.key),
                "{name} twice"
            );
            assert!(
                question.help.ends_with('.') && !question.help.contains('{'),
                "{name}: {}",
                question.help
            );
            assert!(
                !question.optional || question.default.is_none(),
                "{name}: a question with a default is optional anyway"
            );
            // An empty answer means the value that the template has without one.
            if question.key != "domain" {
                let default = question.default.as_ref().map(|text| template.fill(text, Some("own.example")));
                assert_eq!(default, written(&credential, &question.key), "{name}");
            }
        }
        let own = template.credential(None);
        let asked = template.questions.iter().find(|question| question.key == "domain");
        let own = own.keys.get("domain").and_then(Setting::text);
        assert_eq!(own, asked.map_or(own, |question| question.default.as_deref()), "{}", template.name);
    }
}

/// The configuration that the answers make. Optional answers are left empty.
fn answered(template: &Template) -> String {
    let mut config = format!("[credentials.x]\ntemplate = \"{}\"\n", template.name);
    for question in
        template.questions.iter().filter(|question| !question.optional && question.default.is_none())
    {
        let answer = match question.key.as_str() {
            "domain" => "\"own.example\"",
            "oauth.issuer" => "\"https://issuer.example\"",
            "oauth.subject" => "{ provider = \"y\", token = \"refresh_token\" }",
            "oauth.service_account" => "{ file = \"key.json\" }",
            _ => "\"sample\"",
        };
        config.push_str(&format!("{} = {answer}\n", question.key));
    }
    config + "[credentials.y]\ndomain = \"y.example\"\njwt = \"sample\"\n"
}

#[test]
fn every_template_is_right_with_its_questions_answered() {
    for template in every_template() {
        let sandbox = Sandbox::new(&answered(&template));
        sandbox.run(&["config", "check"]).ok();
        let shown = sandbox.run(&["config", "show", "x"]).ok().stdout;
        let is_oauth = shown.contains("[credentials.x.oauth]") && !shown.contains("service_account");
        assert!(!is_oauth || shown.contains("\nclient_id = "), "{}: no client_id: {shown}", template.name);
        assert!(!shown.contains("{domain}"), "{}: {shown}", template.name);
    }
}

/// Every endpoint, host, scope and quirk, and nothing else.
#[test]
fn every_template_yields_what_is_expected() {
    for (name, domain, want) in expected() {
        let own = templates::find(name).unwrap().credential(None);
        let domain = domain.or((!own.keys.contains_key("domain")).then_some("own.example"));
        let domain = domain.map(|domain| format!("domain = \"{domain}\"\n")).unwrap_or_default();
        let sandbox = Sandbox::new(&format!("[credentials.x]\ntemplate = \"{name}\"\n{domain}"));
        let shown = sandbox.run(&["config", "show"]).ok().stdout;
        let is_news = |line: &&str| {
            !line.is_empty() && !line.starts_with("template = ") && !line.ends_with("= <not set>")
        };
        let shown: Vec<&str> = shown.lines().filter(is_news).collect();
        assert_eq!(shown, want, "{name}");
    }
}

#[test]
fn what_is_written_wins_over_the_template() {
    let sandbox = Sandbox::new(
        "[credentials.x]\ntemplate = \"github\"\nhosts = [\"ghe.example\"]\n[credentials.x.oauth]\nclient_id = \"id\"\nscopes = [\"gist\"]\nquirks = { plain_basic = true }\n",
    );
    let shown = sandbox.run(&["config", "show", "--origin"]).ok().stdout;
    for want in [
        "hosts = [\"ghe.example\"]",
        "scopes = [\"gist\"]",
        "plain_basic = true",
        "granted_scope_separator = \",\"",
        "# template github",
        "config.toml:6",
    ] {
        assert!(shown.contains(want), "{want}: {shown}");
    }
    let sandbox = Sandbox::new("[credentials.x]\ntemplate = \"githb\"\n");
    sandbox.run(&["token"]).fails(4).says("there is no template `githb`").says("did you mean \"github\"?");
}

#[test]
fn the_page_to_register_at_is_the_domains_own() {
    let config = |more: &str| format!("[credentials.x]\ntemplate = \"gitlab\"\n{more}");
    for (more, want) in [
        ("", "https://gitlab.com/-/user_settings/applications"),
        ("domain = \"git.example\"\n", "https://git.example/-/user_settings/applications"),
    ] {
        let output = Sandbox::new(&config(more)).run(&["login"]).fails(4);
        output.says(&format!("register an app at {want} and set client_id"));
    }
}

/// A template with the embedded server instead of the provider's.
fn at(server: &AuthorizationServer, name: &str, more: &str) -> Sandbox {
    let url = server.issuer();
    Sandbox::new(&format!(
        "store = \"file\"\n[credentials.x]\ntemplate = \"{name}\"\ndomain = \"{}\"\nscheme = \"http\"\nhosts = []\n[credentials.x.oauth]\nissuer = \"{url}\"\nauthorization_endpoint = \"{url}/authorize\"\ntoken_endpoint = \"{url}/token\"\nuserinfo_endpoint = \"{url}/userinfo\"\nrevocation_endpoint = \"{url}/revoke\"\nredirect_uri = \"http://127.0.0.1/callback\"\nclient_id = \"app\"\n{more}",
        server.domain()
    ))
}

/// Scopes are requested with commas (Linear, Strava) or returned as an array (Twitch).
#[test]
fn scopes_come_as_an_array() {
    for (name, asked) in [("linear", "read,write"), ("twitch", "read write"), ("strava", "read,write")] {
        let server = AuthorizationServer::start();
        server.set(|behaviour| {
            behaviour.client_secret = Some("s".to_owned());
            drop(behaviour.token_members.insert("scope".to_owned(), json!(["read", "write"])));
        });
        let sandbox = at(&server, name, "_client_secret = \"s\"\nscopes = [\"read\", \"write\"]\n");
        sandbox.run(&["login"]).ok();
        let authorization = server.requests_to("/authorize").remove(0);
        assert_eq!(authorization.parameter("scope").as_deref(), Some(asked), "{name}");
        let token = server.requests_to("/token").remove(0);
        assert_eq!(token.parameter("client_secret").as_deref(), Some("s"), "{name}");
        assert!(sandbox.run(&["status", "x"]).ok().stdout.contains("read write"), "{name}");
        sandbox.run(&["token", "--refresh"]).ok();
        // A member that is not a list of scopes makes the response invalid.
        server.set(|behaviour| drop(behaviour.token_members.insert("scope".to_owned(), json!([1]))));
        sandbox.run(&["token", "--refresh"]).fails(1).says("its `scope` is an array of more than strings");
    }
}

/// The user's token is nested and has its own type; its scopes are requested under another name.
#[test]
fn slacks_user_token() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| behaviour.client_secret = Some("s".to_owned()));
    let sandbox = at(&server, "slack", "_client_secret = \"s\"\nscopes = [\"users:read\", \"chat:write\"]\n");
    let user = json!({ "id": "U1", "access_token": "xoxp-canary", "token_type": "user", "scope": "chat:write,users:read" });
    server.fault(
        "/token",
        Reply::json(
            200,
            &json!({ "ok": true, "access_token": "xoxb-canary", "token_type": "bot", "authed_user": user }),
        ),
    );
    sandbox.run(&["login"]).ok();
    let authorization = server.requests_to("/authorize").remove(0);
    assert_eq!(authorization.parameter("user_scope").as_deref(), Some("chat:write,users:read"));
    assert_eq!(authorization.parameter("scope"), None);
    assert_eq!(sandbox.run(&["token"]).ok().text(), "xoxp-canary");
    server.fault("/token", Reply::json(200, &json!({ "ok": false, "error": "invalid_code" })));
    sandbox.run(&["login"]).fails(1).says("invalid_code");
}

/// Figma has a separate endpoint for refreshing, and can leave out the token type.
#[test]
fn figma_refreshes_at_its_own_endpoint() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| {
        behaviour.client_secret = Some("s".to_owned());
        drop(behaviour.token_members.insert("token_type".to_owned(), json!(null)));
    });
    let more = format!("_client_secret = \"s\"\nrefresh_endpoint = \"{}/refresh\"\n", server.issuer());
    let sandbox = at(&server, "figma", &more);
    sandbox.run(&["login"]).ok();
    assert!(
        server.requests_to("/token")[0]
            .header("authorization")
            .is_some_and(|value| value.starts_with("Basic "))
    );
    server.fault(
        "/refresh",
        Reply::json(200, &json!({ "access_token": "refreshed-canary", "expires_in": 60 })),
    );
    assert_eq!(sandbox.run(&["token", "--refresh"]).ok().text(), "refreshed-canary");
    let refresh = server.requests_to("/refresh").remove(0);
    assert_eq!(refresh.parameter("grant_type").as_deref(), Some("refresh_token"));
}

/// A template decides how a client with a secret authenticates; a client without a secret sends none.
#[test]
fn a_public_client_needs_no_secret_for_its_template() {
    for name in ["github", "zoom", "airtable"] {
        let server = AuthorizationServer::start();
        let sandbox = at(&server, name, "");
        sandbox.run(&["login"]).ok();
        let request = server.requests_to("/token").remove(0);
        assert_eq!(request.parameter("client_id").as_deref(), Some("app"), "{name}");
        assert!(request.header("authorization").is_none() && request.parameter("client_secret").is_none());
        // A method that the user writes is used.
        let sandbox = at(&server, name, "token_endpoint_auth_method = \"client_secret_basic\"\n");
        sandbox.run(&["login"]).fails(4).says("there is no `client_secret`");
    }
}

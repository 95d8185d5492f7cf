//! Every template is complete.

use authctl::config::templates;

use super::{every_template, expected, kind, written};
use crate::support::Sandbox;

#[test]
fn every_template_says_what_it_is_and_where_to_register() {
    let names: Vec<&str> = templates::names().collect();
    assert!(names.len() >= 40 && names.is_sorted(), "{names:?}");
    let expected = expected();
    for template in every_template() {
        let name = template.name;
        assert!(
            expected.iter().any(|(expected, ..)| *expected == name),
            "{name}: add it to tests/cli/templates/expected.txt"
        );
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

#[test]
fn the_config_file_overrides_the_template() {
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
    sandbox
        .run(&["token"])
        .fails(4)
        .says("the template `githb` does not exist")
        .says("did you mean \"github\"?");
}

#[test]
fn the_page_to_register_at_is_the_domains_own() {
    let config = |more: &str| format!("[credentials.x]\ntemplate = \"gitlab\"\n{more}");
    for (more, want) in [
        ("", "https://gitlab.com/-/user_settings/applications"),
        ("domain = \"git.example\"\n", "https://git.example/-/user_settings/applications"),
    ] {
        let output = Sandbox::new(&config(more)).run(&["login"]).fails(4);
        output.says(&format!("register an app at {want} and set `client_id`"));
    }
}

//! The templates' questions.

use authctl::config::provider_table::CREDENTIAL_KEYS;
use authctl::config::templates::{self, Template, TemplateQuestion};
use authctl::provider::Kind;
use authctl::schema::{Setting, Shape};

use super::{every_template, expected, kind, written};
use crate::support::Sandbox;

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
        let template = templates::find(name)
            .unwrap_or_else(|| panic!("{name} is in expected.txt, but not in src/config/templates.rs"));
        let own = template.credential(None);
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

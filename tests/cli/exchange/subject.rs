//! Subject tokens and exchange responses.

use serde_json::json;

use super::{EXCHANGE, exchanger};
use crate::support::{AuthorizationServer, Sandbox};

#[test]
fn the_example_of_rfc_8693_section_2_3_works() {
    let other = AuthorizationServer::start();
    let more = "subject = { env = \"SUBJECT\" }\nresource = \"https://backend.example.com/api\"\nsubject_token_type = \"urn:ietf:params:oauth:token-type:access_token\"";
    let sandbox = Sandbox::new(&format!("store = \"file\"\n{}", exchanger("rs", &other, more)));
    sandbox.environment.set("SUBJECT", "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC");
    sandbox.run(&["token"]).ok();
    let form = other.requests_to("/token")[0].form();
    let sent: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for pair in [
        ("grant_type", EXCHANGE),
        ("resource", "https://backend.example.com/api"),
        ("subject_token", "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ] {
        assert!(sent.contains(&pair), "{pair:?} is not in {sent:?}");
    }
    assert_eq!(sent.len(), 5, "and the client: {sent:?}");
}

#[test]
fn subject_tokens_come_from_variables_files_programs_and_stdin() {
    let other = AuthorizationServer::start();
    for (name, subject, actor) in [
        ("env", "{ env = \"SUBJECT\" }", ""),
        ("file", "{ file = \"../projected/token\" }", ""),
        ("command", "{ command = [\"echo\", \"of-the-program\"] }", ""),
        ("stdin", "{ stdin = true }", ""),
        ("actor", "{ env = \"SUBJECT\" }", "actor = { file = \"../projected/token\" }"),
    ] {
        let more = format!("subject = {subject}\n{actor}");
        let sandbox = Sandbox::new(&format!("store = \"file\"\n{}", exchanger("cloud", &other, &more)));
        sandbox.environment.set("SUBJECT", "of-the-variable");
        sandbox.write("projected/token", "  first\n");
        let sent = |parameter: &str| other.requests_to("/token").last().unwrap().parameter(parameter);
        sandbox.input.pipe("piped\n");
        sandbox.run(&["token"]).ok();
        let count = other.token_requests(EXCHANGE);
        let want = match name {
            "file" => "first",
            "command" => "of-the-program",
            "stdin" => "piped",
            _ => "of-the-variable",
        };
        assert_eq!(sent("subject_token").as_deref(), Some(want), "{name}");
        assert_eq!(sent("actor_token").as_deref(), (name == "actor").then_some("first"), "{name}");
        sandbox.input.pipe("piped\n");
        sandbox.run(&["token"]).ok();
        assert_eq!(other.token_requests(EXCHANGE), count, "{name}: cached for the same subject");
        // A new token in the file may belong to another subject.
        sandbox.write("projected/token", "second");
        sandbox.input.pipe("piped by another");
        sandbox.run(&["token"]).ok();
        let changed = usize::from(matches!(name, "file" | "stdin" | "actor"));
        assert_eq!(other.token_requests(EXCHANGE), count + changed, "{name}: F-LEAK9");
    }
    let sandbox = Sandbox::new(&exchanger("cloud", &other, "subject = { stdin = true }"));
    sandbox.input.pipe("");
    sandbox.run(&["token"]).fails(1).says("standard input contains no");
}

#[test]
fn unexpected_exchange_responses_are_rejected() {
    let jwt = "urn:ietf:params:oauth:token-type:jwt";
    for (name, config, members, said) in [
        (
            "another type",
            "requested_token_type = \"urn:x\"",
            json!({ "issued_token_type": jwt }),
            "not urn:x",
        ),
        ("no type", "", json!({ "issued_token_type": null }), "it has no `issued_token_type`"),
        ("X3", "", json!({ "access_token": null, "error": "invalid_target" }), "`invalid_target`"),
    ] {
        let other = AuthorizationServer::start();
        other.set(|behaviour| behaviour.token_members = members.as_object().unwrap().clone());
        let sandbox =
            Sandbox::new(&exchanger("x", &other, &format!("subject = {{ env = \"S\" }}\n{config}")));
        sandbox.environment.set("S", "s");
        let output = sandbox.run(&["token"]).fails(1);
        assert!(output.stderr.contains(said), "{name}: {output}");
    }
    let other = AuthorizationServer::start();
    other.set(|behaviour| {
        behaviour.token_members =
            json!({ "token_type": "N_A", "issued_token_type": jwt }).as_object().unwrap().clone();
    });
    let more = format!("subject = {{ env = \"S\" }}\nrequested_token_type = \"{jwt}\"");
    let sandbox = Sandbox::new(&format!("store = \"file\"\n{}", exchanger("x", &other, &more)));
    sandbox.environment.set("S", "s");
    sandbox.run(&["token"]).ok().says("must not be sent with a request");
    sandbox.run(&["headers"]).fails(1).says("must not be sent with a request");
}

//! AWS credentials for an ID token.

use serde_json::{Value, json};

use super::{logged_in, sts_answer};
use crate::support::http::{Reply, Server};
use crate::support::{AuthorizationServer, Sandbox};

fn with_sts(sts: &Server) -> (AuthorizationServer, Sandbox) {
    logged_in(&format!(
        "[credentials.as.helper]\naws_role = \"arn:aws:iam::123456789012:role/dev\"\naws_endpoint = \"{}/\"\n",
        sts.url()
    ))
}

#[test]
fn aws_credentials_for_an_id_token_are_cached_until_they_expire() {
    let sts = Server::start(|_| Reply::full(200, &[("content-type", "text/xml")], sts_answer(3600)));
    let (server, sandbox) = with_sts(&sts);
    let ask = |arguments: &[&str]| sandbox.run(&[&["helper", "aws"], arguments].concat());
    let first = ask(&[]).ok();
    let answer: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(answer["Version"], 1);
    assert_eq!(
        (&answer["AccessKeyId"], &answer["SecretAccessKey"], &answer["SessionToken"]),
        (&json!("ASIAEXAMPLE"), &json!("secret-canary"), &json!("session-canary"))
    );
    answer["Expiration"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let request = &sts.requests()[0];
    let id_token = sandbox.run(&["token", "--id-token"]).ok().text().to_owned();
    for (name, want) in [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", "arn:aws:iam::123456789012:role/dev"),
        ("RoleSessionName", "authctl"),
        ("DurationSeconds", "3600"),
        ("WebIdentityToken", id_token.as_str()),
    ] {
        assert_eq!(request.parameter(name).as_deref(), Some(want), "{name}");
    }
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"), "nothing in the URL");

    assert_eq!(ask(&[]).ok(), first, "kept");
    sandbox.run(&["token", "--refresh"]).ok();
    assert_eq!(ask(&[]).ok(), first, "a refresh changes nothing");
    assert_eq!(sts.requests().len(), 1);
    ask(&["--role", "arn:aws:iam::123456789012:role/other"]).ok();
    assert_eq!(sts.requests().len(), 2, "another role, other keys");
    sandbox.clock.advance(3600 - 240);
    ask(&[]).ok();
    assert_eq!(sts.requests().len(), 3, "refreshed before they expire");
    // Nobody can revoke them, so a logout only deletes them.
    sandbox.run(&["logout"]).ok();
    assert!(!server.requests().iter().any(|request| request.body.contains("secret-canary")));
    ask(&[]).fails(3);
}

#[test]
fn sts_responses_are_bounded_and_checked_f_size_f_hlp4() {
    let error = |code: &str, message: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    };
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]><x>&b;</x>";
    for (name, status, body, exit, says) in [
        (
            "denied",
            403,
            error("AccessDenied", "Not authorized"),
            1,
            "rejected the request with `AccessDenied`: `Not authorized`",
        ),
        ("steering text", 400, error("X", "\u{9b}31m"), 1, "\\u{9b}31m"),
        ("throttled", 400, error("Throttling", "Rate exceeded"), 5, "Throttling"),
        ("down", 503, error("ServiceUnavailable", ""), 5, "ServiceUnavailable"),
        ("no XML", 200, "{\"a\":1}".to_owned(), 1, "it is not XML (status 200, 7 bytes)"),
        ("a bomb", 200, bomb.to_owned(), 1, "it is not XML"),
        ("no keys", 200, "<a/>".to_owned(), 1, "its credentials are incomplete"),
        (
            "no end",
            200,
            sts_answer(60).replace("Expiration", "Elsewhere"),
            1,
            "its credentials are incomplete",
        ),
        (
            "keys of two lines",
            200,
            sts_answer(60).replace("secret-canary", "a\nb"),
            1,
            "its credentials are invalid",
        ),
        ("too long", 200, "x".repeat(2 << 20), 1, "is larger than"),
        ("a redirect", 302, String::new(), 1, "(status 302"),
    ] {
        let answer = body.clone();
        let sts = Server::start(move |_| {
            Reply::full(status, &[("location", "https://evil.example/")], answer.clone())
        });
        let (_server, sandbox) = with_sts(&sts);
        let output = sandbox.run(&["helper", "aws"]).fails(exit).says(says);
        assert!(!output.stderr.contains("canary"), "{name}: {output}");
        let id_token = sandbox.run(&["token", "--id-token"]).ok();
        assert!(!output.stderr.contains(id_token.text()), "{name}");
    }
}

#[test]
fn the_environment_sets_an_aws_region_and_no_other_host_f_bind3() {
    let (_server, sandbox) = logged_in("[credentials.as.helper]\naws_region = \"eu-central-1\"\n");
    sandbox.run(&["helper", "aws"]).fails(4).says("no AWS role is configured").says("`aws_role`");
    let (_server, sandbox) = logged_in("[credentials.as.helper]\naws_role = \"arn\"\n");
    sandbox.environment.set("AWS_REGION", "evil.example/");
    sandbox.run(&["helper", "aws"]).fails(4).says("`evil.example/` is not a valid AWS region");
}

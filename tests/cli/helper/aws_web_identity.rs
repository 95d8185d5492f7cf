//! Tokens for AWS's own tools.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{logged_in, sts_answer};
use crate::support::Sandbox;
use crate::support::http::{Reply, Server};

// F-AWS1
#[test]
fn aws_gets_only_a_jwt_from_a_provider_configured_for_it() {
    let sts = Server::start(|_| Reply::full(200, &[("content-type", "text/xml")], sts_answer(3600)));
    let role = ["helper", "aws", "--role", "arn:aws:iam::1:role/x"];
    let (_server, sandbox) = logged_in("");
    sandbox.environment.set("AWS_REGION", "eu-central-1");
    for arguments in [&role[..2], &role[..]] {
        let refused = sandbox.run(arguments).fails(4);
        refused.says("`as` is not configured for AWS").says("[credentials.as.helper]");
    }
    for session in ["aws_session = \"alice\"", "aws_duration = \"1h\""] {
        let (_server, sandbox) = logged_in(&format!("[credentials.as.helper]\n{session}\n"));
        sandbox.run(&role).fails(4).says("is not configured for AWS");
    }

    let aws =
        format!("helper.aws_role = \"arn:aws:iam::1:role/x\"\nhelper.aws_endpoint = \"{}/\"\n", sts.url());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let jwt = format!(
        "{}.{}.c2lnbmF0dXJl",
        part(&json!({ "alg": "RS256" })),
        part(&json!({ "iss": "https://ci.example", "sub": "job" }))
    );
    for (name, kind, secret, sent) in [
        ("an opaque token", "jwt = { env = \"S\" }", "opaque-canary", false),
        ("a JWT", "jwt = { env = \"S\" }", jwt.as_str(), true),
        ("a password that is a JWT", "basic = { username = \"u\", password = { env = \"S\" } }", &jwt, false),
        ("a key that is a JWT", "api_key = { env = \"S\" }", &jwt, false),
        ("a variable's opaque token", "environment.variable = \"S\"", "opaque-canary", false),
        ("a variable's JWT", "environment.variable = \"S\"", &jwt, true),
        ("a program's opaque token", "command = [\"/bin/sh\", \"-c\", \"echo opaque-canary\"]", "", false),
    ] {
        let before = sts.requests().len();
        let sandbox = Sandbox::new(&format!(
            "store = \"file\"\n[credentials.k]\ndomain = \"x.example\"\n{kind}\n{aws}"
        ));
        sandbox.environment.set("S", secret);
        let output = sandbox.run(&["helper", "aws"]);
        assert_eq!(sts.requests().len() - before, usize::from(sent), "{name}: {output}");
        match sent {
            true => assert_eq!(
                sts.requests()[before].parameter("WebIdentityToken").as_deref(),
                Some(secret),
                "{name}"
            ),
            false => assert!(output.status == 1 && !output.stderr.contains("canary"), "{name}: {output}"),
        }
    }
}

//! The endpoints for Google's and AWS's libraries.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Running, error, login};
use crate::support::http::{Reply, Server};
use crate::support::{AuthorizationServer, Sandbox};

#[cfg(target_os = "linux")]
#[test]
fn googles_libraries_get_this_users_tokens_without_a_capability() {
    let server = AuthorizationServer::start();
    server.set(|behaviour| drop(behaviour.claims.insert("email".to_owned(), json!("alice@example.com"))));
    let sandbox = Sandbox::with_server(&server.domain());
    login(&sandbox);
    let running =
        Running::start(&sandbox, &["--listen", "127.0.0.1:0", "--gce", "as", "--gce-project", "my-project"]);
    let host = running.host();
    let ask = |path: &str, headers: &str| {
        let (status, text) = running
            .exchange(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"));
        assert!(text.contains("metadata-flavor: Google"), "{text}");
        (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
    };
    let flavor = "Metadata-Flavor: Google\r\n";
    let account = "/computeMetadata/v1/instance/service-accounts/default";
    assert_eq!(ask("/", flavor).0, 200);
    assert_eq!(ask("/computeMetadata/v1/project/project-id", flavor), (200, "my-project".to_owned()));
    let (_, token) = ask(&format!("{account}/token"), flavor);
    let token: Value = serde_json::from_str(&token).unwrap();
    assert!(server.accepts(token["access_token"].as_str().unwrap()));
    assert!(token["expires_in"].as_i64().unwrap() > 3500);
    assert_eq!(ask(&format!("{account}/email"), flavor).1, "alice@example.com");
    let (_, all) = ask(&format!("{account}/?recursive=true"), flavor);
    assert_eq!(serde_json::from_str::<Value>(&all).unwrap()["email"], "alice@example.com");
    let (status, identity) = ask(&format!("{account}/identity?audience=app"), flavor);
    assert_eq!((status, identity.matches('.').count()), (200, 2), "{identity}");
    assert_eq!(ask(&format!("{account}/identity?audience=other"), flavor).0, 404);
    assert_eq!(
        ask(&format!("{}/bob@example.com/token", account.trim_end_matches("/default")), flavor).0,
        404
    );
    assert_eq!(ask("/computeMetadata/v1/universe/universe-domain", flavor).0, 404);
    assert_eq!(ask(&format!("{account}/token"), "").0, 403);
    assert_eq!(ask(&format!("{account}/token"), &format!("{flavor}Origin: http://x\r\n")).0, 403);
    let token = format!("GET /token/as HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    assert_eq!(running.exchange(&token).0, 401, "all other routes need the capability");
    if rustix::process::geteuid().is_root() {
        let mut curl = Command::new("setpriv");
        curl.args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "curl",
            "-sS",
            "-o",
            "/dev/null",
        ]);
        curl.args(["-w", "%{http_code}", "-H", "Metadata-Flavor: Google"]);
        let output = curl.arg(format!("http://{host}{account}/token")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "401", "another user");
    }
    running.end();
}

#[test]
fn awss_libraries_get_credentials() {
    let service = Server::start(|request| {
        assert_eq!(request.parameter("Action").as_deref(), Some("AssumeRoleWithWebIdentity"));
        Reply::full(
            200,
            &[("content-type", "text/xml")],
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAID</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey><SessionToken>canary-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        )
    });
    let helper = format!(
        "helper.aws_role = \"arn:aws:iam::1:role/r\"\nhelper.aws_endpoint = \"{}/\"\n",
        service.url()
    );
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let jwt =
        format!("{}.{}.c2ln", part(json!({ "alg": "RS256" })), part(json!({ "iss": "https://ci.example" })));
    let config = format!(
        "store = \"file\"\n[credentials.k]\ndomain = \"x.example\"\njwt = \"{jwt}\"\n{helper}[credentials.other]\ndomain = \"y.example\"\njwt = \"{jwt}\"\n"
    );
    let sandbox = Sandbox::new(&config);
    let running = Running::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    let (host, capability) = (running.host(), running.capability());
    let (status, text) = running.exchange(&format!(
        "GET /aws/k HTTP/1.1\r\nHost: {host}\r\nAuthorization: {capability}\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!(status, 200, "{text}");
    let keys: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        keys,
        json!({ "AccessKeyId": "ASIAID", "SecretAccessKey": "canary-secret", "Token": "canary-session", "Expiration": "2099-01-01T00:00:00Z" })
    );
    assert_eq!(service.requests().last().unwrap().parameter("WebIdentityToken"), Some(jwt));
    // F-AWS1: the client chooses no provider whose configuration does not name AWS.
    for target in ["/aws/other", "/aws/other?role=arn:aws:iam::1:role/r"] {
        let (status, body) = running.get(target, "");
        assert_eq!((status, error(&body).as_str()), (500, "config"), "{target}");
        assert!(body.contains("not configured for AWS"), "{body}");
    }
    assert_eq!(service.requests().len(), 1);
    running.end();
}

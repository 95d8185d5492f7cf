//! Tokens for clouds, without a secret.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::super::{call, claims, file, home, names, oauth, openssl, user_of};
use super::{EXCHANGE, grants};
use crate::parts::{Ended, Home, OidcProvider};

const ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An RSA key, and the key file that Google's console produces from it.
fn service_account(folder: &Path, token_uri: &str) -> String {
    let key = std::fs::read_to_string(folder.join("key.pem")).unwrap();
    json!({
        "type": "service_account", "project_id": "p", "private_key_id": "0123abcd", "private_key": key,
        "client_email": "robot@p.iam.gserviceaccount.example", "client_id": "1234567890",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    })
    .to_string()
}

/// Providers that sign their own assertions: with a key, for another subject, and with Google's key files.
fn jwt_bearer_providers(server: &OidcProvider, ec: &str, google: &Path, stolen: &Path) -> [String; 4] {
    let grant = "grant_type = \"jwt_bearer\"\nscopes = [\"read\", \"write\"]\n";
    [
        oauth(
            "robot",
            server,
            &format!("{grant}client_id = \"robot\"\nprivate_key = {{ file = \"{ec}\" }}\n"),
        ),
        oauth(
            "for-carol",
            server,
            &format!(
                "{grant}client_id = \"robot\"\nprivate_key = {{ file = \"{ec}\" }}\nclaims = {{ sub = \"carol\" }}\n"
            ),
        ),
        oauth("google", server, &format!("{grant}service_account = {{ file = \"{}\" }}\n", google.display())),
        oauth("stolen", server, &format!("{grant}service_account = {{ file = \"{}\" }}\n", stolen.display())),
    ]
}

#[test]
fn a_self_signed_assertion_gets_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem");
    openssl(folder, "ecparam -name prime256v1 -genkey -noout -out ec.pem");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (rsa, ec) = (path("key.pem"), path("ec.pem"));
    let server = OidcProvider::with(&json!({
        "assertionKeys": { "robot": ec, "robot@p.iam.gserviceaccount.example": rsa },
        "clients": [{ "client_id": "robot", "token_endpoint_auth_method": "none", "grant_types": [ASSERTION] }],
    }));
    let google = file(folder, "google.json", &service_account(folder, &format!("{}/token", server.issuer)));
    let stolen = file(folder, "stolen.json", &service_account(folder, "https://oauth2.googleapis.com/token"));
    let home = home(&jwt_bearer_providers(&server, &ec, &google, &stolen));
    let google_user = "robot@p.iam.gserviceaccount.example";
    for (name, user, issuer, algorithm, kid, parameters) in [
        ("robot", "robot", "robot", "ES256", None, &["assertion", "client_id", "grant_type", "scope"][..]),
        ("for-carol", "carol", "robot", "ES256", None, &["assertion", "client_id", "grant_type", "scope"]),
        ("google", google_user, google_user, "RS256", Some("0123abcd"), &["assertion", "grant_type"]),
    ] {
        let token = home.run(&["token", name]);
        assert_eq!(token.status, Some(0), "{name}: {token:#?}");
        assert_eq!(user_of(&server, &token), user, "{name}");
        let request = server.requests_to("/token").pop().unwrap();
        assert_eq!(names(&request), parameters, "{name}");
        let (header, claims) = (&request["assertion"]["header"], &request["assertion"]["claims"]);
        assert_eq!((&header["alg"], header["kid"].as_str()), (&json!(algorithm), kid), "{name}");
        assert_eq!(claims["iss"], issuer, "{name}");
        if name == "google" {
            assert_eq!(claims["scope"], "read write", "{name}");
            assert_eq!(claims["aud"], format!("{}/token", server.issuer), "{name}: its token_uri");
        } else {
            assert_eq!(claims["aud"], server.issuer.as_str(), "{name}: the issuer");
        }
        assert_eq!(home.run(&["token", name]).ok(), token, "{name}: kept");
        assert_ne!(home.run(&["token", name, "--refresh"]).ok(), token, "{name}: an assertion is used once");
    }
    assert_eq!(grants(&server), [ASSERTION; 6]);
    home.run(&["token", "stolen"]).fails(4).says("https://oauth2.googleapis.com/token");
    assert_eq!(server.requests_to("/token").len(), 6, "a key signs only for its own endpoint");
}

/// The environment that GitHub gives to a job's step.
fn in_a_job(home: &Home, ci: &OidcProvider, arguments: &[&str]) -> Output {
    let url = format!("{}/actions-token?api-version=2.0", ci.issuer);
    let mut command = home.command(arguments);
    command.env("ACTIONS_ID_TOKEN_REQUEST_URL", url).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the-jobs-own");
    command.output().unwrap()
}

#[test]
fn a_ci_job_gets_a_cloud_token_without_a_secret() {
    let ci = OidcProvider::start(3600);
    ci.control("set", Some(r#"{"actionsRequestToken":"the-jobs-own"}"#));
    let cloud = OidcProvider::with(&json!({ "trusted": [format!("{}/actions", ci.issuer)] }));
    let home = home(&[
        format!(
            "[credentials.actions]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.actions.github_actions]\naudience = \"{}\"\n",
            ci.domain(),
            cloud.issuer
        ),
        oauth("cloud", &cloud, "grant_type = \"token_exchange\"\nsubject = { provider = \"actions\" }\n"),
    ]);
    home.run(&["token", "cloud"]).fails(4).says("ACTIONS_ID_TOKEN_REQUEST_URL").says("id-token: write");

    let subject = Ended::from(in_a_job(&home, &ci, &["token", "actions"])).ok();
    assert_eq!(claims(subject.text())["aud"], cloud.issuer.as_str(), "Q1");
    let token = Ended::from(in_a_job(&home, &ci, &["token", "cloud"])).ok();
    assert_eq!(user_of(&cloud, &token), "repo:octo/app:ref:refs/heads/main");
    let request = cloud.requests_to("/token").pop().unwrap();
    assert_eq!(
        names(&request),
        ["grant_type", "subject_token", "subject_token_type"],
        "no client, no secret"
    );
    assert_eq!(request["parameters"]["subject_token_type"], "urn:ietf:params:oauth:token-type:jwt");
    assert_ne!(Ended::from(in_a_job(&home, &ci, &["token", "cloud"])).ok(), token, "the token is not cached");
    assert!(!home.folder.path().join(".local/state/authctl/records").exists(), "Q6");
    ci.control("set", Some(r#"{"actionsSubject":"repo:octo/app:pull_request"}"#));
    let pull_request = Ended::from(in_a_job(&home, &ci, &["token", "cloud"])).ok();
    assert_eq!(user_of(&cloud, &pull_request), "repo:octo/app:pull_request", "not the other's token");
    for said in [&subject, &token, &pull_request] {
        assert!(!said.stderr.contains("the-jobs-own") && !said.stderr.contains(subject.text()), "Q2");
    }
    let mut command = home.command(&["token", "cloud"]);
    let url = format!("{}/actions-token?api-version=2.0", ci.issuer);
    command.env("ACTIONS_ID_TOKEN_REQUEST_URL", url).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another-jobs");
    Ended::from(command.output().unwrap()).fails(1).says("it rejected the request");
}

#[test]
fn a_projected_file_is_read_for_every_exchange() {
    let ci = OidcProvider::start(3600);
    ci.control("set", Some(r#"{"actionsRequestToken":"the-jobs-own"}"#));
    let cloud = OidcProvider::with(&json!({ "trusted": [format!("{}/actions", ci.issuer)] }));
    let folder = tempfile::tempdir().unwrap();
    let projected = folder.path().join("token");
    let home = home(&[
        format!(
            "[credentials.pod]\ndomain = \"{}\"\nscheme = \"http\"\n[credentials.pod.environment]\nfile = \"{}\"\n",
            ci.domain(),
            projected.display()
        ),
        oauth("cloud", &cloud, "grant_type = \"token_exchange\"\nsubject = { provider = \"pod\" }\n"),
    ]);
    // As Kubernetes does it: the name is a link that is replaced.
    let replace = |version: &str| {
        let audience = url::form_urlencoded::byte_serialize(cloud.issuer.as_bytes()).collect::<String>();
        let url = format!("{}/actions-token?api-version=2.0&audience={audience}", ci.issuer);
        let (status, _, body) = call(&url, "Authorization: bearer the-jobs-own", &[]);
        assert_eq!(status, 200);
        let token = serde_json::from_str::<Value>(&body).unwrap()["value"].as_str().unwrap().to_owned();
        let written = file(folder.path(), version, &format!("{token}\n"));
        let link = folder.path().join("new");
        std::os::unix::fs::symlink(written, &link).unwrap();
        std::fs::rename(link, &projected).unwrap();
        token
    };
    home.run(&["token", "cloud"]).fails(1).says("cannot read the platform's token file");
    let sent = || {
        let request = cloud.requests_to("/token").pop().unwrap();
        request["parameters"]["subject_token"].as_str().unwrap().to_owned()
    };
    let first = replace("1");
    let token = home.run(&["token", "cloud"]).ok();
    assert_eq!(sent(), first);
    let second = replace("2");
    assert_ne!(second, first);
    let renewed = home.run(&["token", "cloud"]).ok();
    assert_ne!(renewed, token, "a token's own claims prove nothing: the server decides");
    assert_eq!(sent(), second, "Q3");
    assert_eq!(home.run(&["token", "cloud"]).ok(), renewed, "kept for the same file");
    assert_eq!(cloud.token_requests(EXCHANGE), 2);
}

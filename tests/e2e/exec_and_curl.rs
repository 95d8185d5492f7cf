//! Programs that use a token: the real curl and others, against a certified server's API.

use serde_json::json;

use crate::parts::{Ended, Home, OidcProvider};

fn home(server: &OidcProvider, more: &str) -> Home {
    Home::new(&format!(
        "store = \"file\"\n[credentials.op]\ndomain = \"{}\"\nscheme = \"{}\"\n[credentials.op.oauth]\nclient_id = \"app\"\nscopes = [\"openid\", \"profile\", \"offline_access\"]\nextra_params = {{ prompt = \"consent\" }}\n{more}",
        server.domain(),
        server.scheme()
    ))
}

/// Runs curl with the API's URL: returns its output and the response status.
fn curl(server: &OidcProvider, home: &Home, arguments: &[&str]) -> Ended {
    let url = format!("{}/api?page=1", server.issuer);
    home.run(&[&["curl", "op", "-sS", "-w", " %{http_code}"], arguments, &[&url]].concat())
}

/// Stores a token that looks valid but that the server rejects.
fn spoil(server: &OidcProvider, home: &Home, token_type: &str) {
    let answer =
        json!({ "access_token": "not-of-this-server", "token_type": token_type, "expires_in": 3600 });
    server.fault(&json!({ "status": 200, "body": answer }).to_string());
    assert_eq!(home.run(&["token", "--refresh"]).ok().text(), "not-of-this-server");
}

const HELLO: &str = "{\"hello\":\"alice\"} 200";

#[test]
fn curl_refreshes_a_rejected_token() {
    let server = OidcProvider::start(3600);
    let home = home(&server, "");
    curl(&server, &home, &[]).fails(3).says("authctl login op");
    home.login("walk.mjs", &[]).ok();
    assert_eq!(curl(&server, &home, &[]).ok().stdout, HELLO);
    spoil(&server, &home, "Bearer");
    let refreshes = server.token_requests("refresh_token");
    let renewed = curl(&server, &home, &["--json", "{}"]).ok();
    assert_eq!((renewed.stdout.as_str(), renewed.stderr.as_str()), (HELLO, ""));
    assert_eq!(server.token_requests("refresh_token"), refreshes + 1);
    assert_eq!(curl(&server, &home, &[]).ok().stdout, HELLO);
    assert_eq!(server.token_requests("refresh_token"), refreshes + 1, "and it is kept");
}

#[test]
fn curl_sends_a_dpop_proof_per_request() {
    let server = OidcProvider::with(&json!({ "requireNonce": true }));
    let home = home(&server, "use_dpop = true\n");
    home.login("walk.mjs", &[]).ok();
    for arguments in [&[][..], &["-X", "DELETE"], &["-d", "a=b"], &["-G", "-d", "a=b"], &["-F", "a=b"]] {
        assert_eq!(curl(&server, &home, arguments).ok().stdout, HELLO, "{arguments:?}");
    }
    server.control("set", Some(r#"{"apiNonce":"the-api-wants-this"}"#));
    let with_nonce = curl(&server, &home, &["-f"]).ok();
    assert_eq!((with_nonce.stdout.as_str(), with_nonce.stderr.as_str()), (HELLO, ""));
    assert_eq!(curl(&server, &home, &["-d", "a=b"]).ok().stdout, HELLO);
    let from_input = curl(&server, &home, &["-d", "@-"]).ok();
    assert!(from_input.stdout.ends_with(" 401"), "standard input is read once: {from_input:?}");
    assert_eq!(server.token_requests("refresh_token"), 0);
    // A new token and then a nonce, in one run.
    spoil(&server, &home, "DPoP");
    let refreshes = server.token_requests("refresh_token");
    assert_eq!(curl(&server, &home, &[]).ok().stdout, HELLO);
    assert_eq!(server.token_requests("refresh_token"), refreshes + 1);
}

#[test]
fn programs_use_tokens_of_their_environment_and_of_files() {
    let server = OidcProvider::start(3600);
    let home = home(&server, "");
    home.login("walk.mjs", &[]).ok();
    let url = format!("{}/api", server.issuer);
    let variable = format!("printf 'Authorization: Bearer %s\\n' \"$OP_TOKEN\" | curl -sS -H @- {url}");
    let file = format!("curl -sS -H @\"$HEADERS\" {url}");
    for (name, arguments, script) in
        [("a variable", &["op"][..], &variable), ("a file", &["--file", "HEADERS=op:header"], &file)]
    {
        let ended = home.run(&[&["exec"], arguments, &["--", "sh", "-c", script]].concat()).ok();
        assert_eq!(ended.stdout, "{\"hello\":\"alice\"}", "{name}");
    }
    let id_token = home.run(&["exec", "--env", "ID=op:id-token", "--", "printenv", "ID"]).ok();
    assert_eq!(id_token.text(), home.run(&["token", "--id-token"]).ok().text());
}

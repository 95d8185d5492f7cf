//! `inspect`: a token's contents, and the server's introspection response.

use serde_json::{Value, json};

use super::{home, oauth};
use crate::parts::OidcProvider;

#[test]
fn inspect_shows_a_real_tokens_introspection() {
    let server = OidcProvider::with(&json!({ "clients": [{
        "client_id": "web", "client_secret": "secret-canary-of-32-characters-0123",
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
    }] }));
    let keys = "client_id = \"web\"\n_client_secret = \"secret-canary-of-32-characters-0123\"\nscopes = [\"openid\", \"read\", \"offline_access\"]\nresource = \"https://a.example/\"\nextra_params = { prompt = \"consent\" }";
    let home = home(&[oauth("web", &server, keys)]);
    home.login("walk.mjs", &[]).ok();
    let token = home.run(&["token"]).ok();
    let output = home.run(&["inspect"]).ok();
    for shown in [
        "Header of the access token",
        "alg  RS256",
        "at+jwt",
        "https://a.example/",
        ", in 1 hour)",
        "signed by one of the server's keys",
    ] {
        assert!(output.stdout.contains(shown), "{shown}: {output:#?}");
    }
    assert!(!output.stdout.contains(token.text()));
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&home.run(&[&["inspect", "--json"], arguments].concat()).ok().stdout).unwrap()
    };
    let access = json(&[]);
    assert_eq!(access["signature"]["verified"], true);
    assert_eq!(access["claims"]["sub"], "alice");
    let id = json(&["--id-token"]);
    assert_eq!((&id["claims"]["aud"], &id["signature"]["verified"]), (&json!("web"), &json!(true)));

    // Without a resource the token is opaque: only the server can interpret it.
    let opaque = super::home(&[oauth(
        "web",
        &server,
        &keys.replace("resource = \"https://a.example/\"\n", "").replace(", \"read\"", ""),
    )]);
    opaque.login("walk.mjs", &[]).ok();
    let output: Value = serde_json::from_str(&opaque.run(&["inspect", "--json"]).ok().stdout).unwrap();
    assert_eq!((&output["format"], &output["introspection"]["active"]), (&json!("opaque"), &json!(true)));
    assert_eq!(output["introspection"]["client_id"], "web");
}

//! A client whose id is its document's URL, over TLS with the test's own authority.

use std::process::Command;

use serde_json::json;

use super::{last, login, silent};
use crate::grants::certificates::{make_certificates, tls};
use crate::interop::Service;
use crate::parts::{Ended, Home, OidcProvider};

#[test]
fn the_printed_client_metadata_document_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let authority = folder.path().join("authority.pem");
    let trusting = |mut command: Command| {
        command.env("SSL_CERT_FILE", &authority).env("NODE_EXTRA_CA_CERTS", &authority);
        Ended::from(command.output().unwrap())
    };
    let server = OidcProvider::with(&json!({
        "tls": tls(folder.path()), "secure": true, "documents": true, "registers": {}, "strictOffline": true,
    }));
    let host = Service::start("documents", &server, &json!({ "tls": tls(folder.path()) }));
    let id = format!("{}/authctl/client.json", host.origin);
    let home = Home::new(&format!("client_id_metadata = \"{id}\"\n"));

    // Before the document is hosted, the server reports that in the browser, and nothing is stored.
    let early =
        trusting(home.command(&["login", &server.issuer, "--browser", &super::walker(), "--timeout", "3s"]));
    early.fails(1);
    assert!(server.registered().is_empty(), "documents go before registrations");

    let document: serde_json::Value =
        serde_json::from_str(home.run(&["client-metadata"]).ok().text()).unwrap();
    assert_eq!(document["client_id"], id.as_str(), "C7");
    host.set(&json!({ "documents": { "/authctl/client.json": document } }));
    silent(&server, trusting(login(&home, &[&server.issuer])).ok())
        .says(&format!("Logged in to {}/ as alice", server.issuer))
        .says("and refreshes automatically");
    assert_eq!(last(&server, "/auth")["client_id"], id.as_str());
    assert_eq!(last(&server, "/token")["client_id"], id.as_str());
    trusting(home.command(&["refresh", &server.issuer])).ok();
    assert!(trusting(home.command(&["whoami", &server.issuer])).ok().stdout.contains("The user alice"));
    let fetched: Vec<_> = host.log().into_iter().filter(|entry| entry["status"] == 200).collect();
    assert!(!fetched.is_empty() && fetched.iter().all(|entry| entry["token"].is_null()), "{fetched:#?}");
    trusting(home.command(&["logout", &server.issuer])).ok().says("The server revoked the refresh token");
    assert!(server.registered().is_empty());
}

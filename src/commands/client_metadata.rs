//! `authctl client-metadata`

use crate::app::App;
use crate::error::Error;
use crate::oauth::client::AuthenticationMethod;
use crate::oauth::registration::{ClientIdUrl, ClientMetadata};

/// The redirect URIs; the port is chosen at each login (RFC 8252 section 7.3).
const REDIRECT_URIS: [&str; 3] =
    ["http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback"];

/// Print a client ID metadata document to publish
///
/// Servers that support these documents identify authctl by the document's URL, without registration. Publish it at an
/// https URL and set `client_id_metadata` in the config file to that URL.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// URL where you will publish it [default: `client_id_metadata` in the config file]
    #[arg(value_name = "URL")]
    url: Option<String>,
}

pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let url = match &args.url {
        Some(url) => url.parse::<ClientIdUrl>().map_err(|error| Error::usage(error.to_string()))?,
        None => app.config.client_id_metadata()?.ok_or_else(|| Error::Usage {
            message: "the document's URL is missing".to_owned(),
            hint: Some("pass the URL, or set `client_id_metadata` in the config file".to_owned()),
        })?,
    };
    let metadata = ClientMetadata {
        redirect_uris: REDIRECT_URIS.map(str::to_owned).into(),
        scope: None,
        method: AuthenticationMethod::None,
    };
    app.print_json(&metadata.document(&url))
}

//! `authctl client-metadata`

use crate::app::App;
use crate::error::Error;
use crate::oauth::client::AuthenticationMethod;
use crate::oauth::registration::{ClientIdUrl, ClientMetadata};

/// Where the browser returns, at whatever port is free (RFC 8252 section 7.3).
const REDIRECT_URIS: [&str; 3] =
    ["http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback"];

/// Print the client ID metadata document to host
///
/// Servers that take such documents know authctl by its URL, without registration. Host it at an https URL, and set
/// `client_id_metadata` in the configuration to that.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where it will be hosted; without it, `client_id_metadata` of the configuration
    #[arg(value_name = "URL")]
    url: Option<String>,
}

/// Prints the document.
///
/// # Errors
/// [`Error::Usage`] for a URL that none can be hosted at.
pub fn run(app: &App<'_>, args: &Args) -> Result<(), Error> {
    let url = match &args.url {
        Some(url) => url.parse::<ClientIdUrl>().map_err(|error| Error::usage(error.to_string()))?,
        None => app.config.client_id_metadata()?.ok_or_else(|| Error::Usage {
            message: "it is not known where the document will be hosted".to_owned(),
            hint: Some("name its URL, or set `client_id_metadata` in the configuration".to_owned()),
        })?,
    };
    let metadata = ClientMetadata {
        redirect_uris: REDIRECT_URIS.map(str::to_owned).into(),
        scope: None,
        method: AuthenticationMethod::None,
    };
    app.print_json(&metadata.document(&url))
}

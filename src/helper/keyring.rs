//! The command line of Python's `keyring`, which pip and uv run to get an index's password.

use super::error::HelperError;
use serde_json::json;

use super::host::{HostMatch, match_host, url_or_host};
use super::installed::files;
use super::protocol::Protocol;
use super::setup::Plan;
use super::token::with_login;
use crate::app::App;
use crate::app::installed::Installed;
use crate::error::{Error, Status};
use crate::session::acquire::AcquireRequest;
use crate::text::untrusted::Untrusted;
use crate::token::Credential;

/// Serve pip and uv: `get` of Python's `keyring` program
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operation: get
    #[arg(value_name = "OPERATION")]
    operation: Option<String>,
    /// The index's URL or host
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
    /// The user name in the index's URL
    #[arg(value_name = "USERNAME")]
    username: Option<String>,
    /// `creds` prints the user name too, as uv requires
    #[arg(long, value_parser = ["password", "creds"], default_value = "password", hide_default_value = true)]
    mode: String,
    /// `json` prints JSON, as pip 26 and later require
    #[arg(long, value_parser = ["plain", "json"], default_value = "plain", hide_default_value = true)]
    output: String,
}

impl Protocol for Args {
    const NAME: &'static str = "keyring";
    const PROGRAM: Option<&'static str> = Some("keyring");

    fn run(&self, app: &App<'_>) -> Result<(), Error> {
        match (self.operation.as_deref(), &self.service) {
            (Some("get"), Some(service)) => self.get(app, service),
            (Some("get"), None) | (None, _) => {
                Err(Error::usage("missing arguments: use `keyring get SERVICE [USERNAME]`"))
            }
            (Some("set" | "del"), _) => {
                Err(HelperError::NotStored { what: "other passwords", place: "index" }.into())
            }
            (Some(other), _) => {
                Err(HelperError::UnknownOperation { operation: Untrusted::new(other), operations: "`get`" }
                    .into())
            }
        }
    }

    fn installed(app: &App<'_>) -> Vec<Installed> {
        files::keyring(app)
    }

    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let mut plan =
            Plan::new("Make pip and uv ask authctl for index passwords, through a program named `keyring`");
        plan.link(app, "keyring")?;
        plan.then(
            "pip install --keyring-provider subprocess --index-url https://__token__@HOST/simple/ PACKAGE",
        );
        plan.then(
            "uv pip install --keyring-provider subprocess --index-url https://__token__@HOST/simple/ PACKAGE",
        );
        Ok(plan)
    }
}

impl Args {
    /// Prints nothing and exits with status 1 for an unknown service: pip and uv then ask, or continue without a password.
    fn get(&self, app: &App<'_>, service: &str) -> Result<(), Error> {
        let url = url_or_host(app, service);
        let found = url.map(|url| match_host(app, &url, self.username.as_deref())).transpose()?.flatten();
        let Some(HostMatch { provider, account }) = found else {
            return Err(Error::Reported(Status::Failed));
        };
        let options = AcquireRequest { account, ..AcquireRequest::default() };
        let issued = with_login(app, &provider, &options, false)?;
        let (username, password) = match &issued.credential {
            Credential::Bearer(_) | Credential::Headers(_) => {
                let given = self.username.as_deref().filter(|name| !name.is_empty());
                (given.unwrap_or(provider.helper.git_username()).to_owned(), issued.credential.bare())
            }
            Credential::Basic { username, .. } => (username.clone(), issued.credential.bare()),
            Credential::Dpop(..) | Credential::Untyped(_) => {
                return Err(HelperError::OtherCredential {
                    provider: provider.name.clone(),
                    wanted: "password",
                    hint: "use `authctl curl` or `authctl exec`: pip and uv can only send passwords",
                }
                .into());
            }
        };
        if self.output == "json" {
            let mut answer = json!({ "password": password.expose() });
            if self.mode == "creds" {
                answer["username"] = username.into();
            }
            return Ok(app.system.console.out(&format!("{answer}\n"))?);
        }
        let lines = if self.mode == "creds" {
            vec![username.as_str(), password.expose()]
        } else {
            vec![password.expose()]
        };
        if lines.iter().any(|line| line.chars().any(char::is_control)) {
            return Err(HelperError::ControlCharacter.into());
        }
        Ok(app.system.console.out(&(lines.join("\n") + "\n"))?)
    }
}

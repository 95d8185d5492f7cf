//! Terraform's credentials helper protocol, which OpenTofu uses too (Terraform, "Credentials Helpers").

use super::error::HelperError;
use serde_json::json;

use super::host::{match_host, url_of};
use super::installed::files;
use super::protocol::Protocol;
use super::setup::{Plan, SetupError, block};
use super::token::{input, with_login};
use crate::app::App;
use crate::app::installed::Installed;
use crate::error::Error;
use crate::session::acquire::AcquireRequest;
use crate::text::untrusted::Untrusted;
use crate::token::Credential;

/// Marks authctl's block in Terraform's configuration.
const LABEL: &str = "credentials helper";

/// Serve Terraform and OpenTofu: `get`, `store` and `forget` of their credentials helper protocol
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Arguments from Terraform's configuration, then the operation and the host
    #[arg(value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

impl Protocol for Args {
    const NAME: &'static str = "terraform";
    const PROGRAM: Option<&'static str> = Some("terraform-credentials-authctl");

    fn run(&self, app: &App<'_>) -> Result<(), Error> {
        let [.., verb, host] = self.arguments.as_slice() else {
            return Err(HelperError::NoOperation("get, store or forget, and a host").into());
        };
        match verb.as_str() {
            "get" => get(app, host),
            "store" => {
                // Reading the token keeps Terraform from failing with a broken pipe.
                input(app)?;
                Err(HelperError::NotStored { what: "tokens from `terraform login`", place: "host" }.into())
            }
            "forget" => match found(app, host)? {
                Some(matched) => {
                    let name = &matched.provider.name;
                    let note =
                        format!("authctl: {name} stays logged in: run `authctl logout {name}` to log out");
                    app.system.console.note(note);
                    Ok(())
                }
                None => Ok(()),
            },
            other => Err(HelperError::UnknownOperation {
                operation: Untrusted::new(other),
                operations: "get, store or forget",
            }
            .into()),
        }
    }

    fn installed(app: &App<'_>) -> Vec<Installed> {
        files::terraform(app)
    }

    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let mut plan = Plan::new("Make Terraform ask authctl for tokens");
        let home = plan.home(app)?;
        plan.link_at(app, home.join(".terraform.d/plugins/terraform-credentials-authctl"))?;
        let file = app.system.environment.variable("TF_CLI_CONFIG_FILE").map(std::path::PathBuf::from);
        let lines = ["credentials_helper \"authctl\" {".to_owned(), "}".to_owned()];
        plan.edit(file.unwrap_or_else(|| home.join(".terraformrc")), |text, undo| {
            if !undo && text.is_some_and(has_another) {
                return Err(SetupError::OneHelper);
            }
            block(text, LABEL, &lines, undo)
        })?;
        Ok(plan)
    }
}

/// Whether the configuration has another helper's block.
fn has_another(text: &str) -> bool {
    let without = block(Some(text), LABEL, &[], true).ok().flatten().unwrap_or_default();
    let is_ours = without != text;
    !is_ours && without.lines().any(|line| line.trim_start().starts_with("credentials_helper"))
}

fn found(app: &App<'_>, host: &str) -> Result<Option<super::host::HostMatch>, Error> {
    match url_of("https", host) {
        Some(url) => match_host(app, &url, None),
        None => Ok(None),
    }
}

/// Prints an empty object for an unknown host, which is not an error.
fn get(app: &App<'_>, host: &str) -> Result<(), Error> {
    let answer = match found(app, host)? {
        None => json!({}),
        Some(matched) => {
            let options = AcquireRequest { account: matched.account, ..AcquireRequest::default() };
            let issued = with_login(app, &matched.provider, &options, false)?;
            match &issued.credential {
                Credential::Bearer(token) => json!({ "token": token.expose() }),
                Credential::Headers(_) => json!({ "token": issued.credential.bare().expose() }),
                _ => {
                    return Err(HelperError::OtherCredential {
                        provider: matched.provider.name.clone(),
                        wanted: "bearer token",
                        hint: "use `authctl curl` or `authctl exec`: Terraform can only send bearer tokens",
                    }
                    .into());
                }
            }
        }
    };
    Ok(app.system.console.out(&format!("{answer}\n"))?)
}

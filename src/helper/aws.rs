//! AWS's `credential_process`: exchanges the provider's token for a role's credentials (AWS SDKs and Tools Reference Guide).

use serde_json::{Value, json};

use super::installed::files;
use super::protocol::Protocol;
use super::setup::{Plan, block, command_line, ini_value};
use crate::app::App;
use crate::app::args::{AccountArg, ProviderArg};
use crate::app::installed::Installed;
use crate::error::Error;
use crate::name::parameter;
use crate::session::Open;
use crate::session::aws::{AwsCredentials, Role, credentials, is_configured};
use crate::text::shell;

/// Serve the AWS CLI and SDKs as a `credential_process`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArg,
    #[command(flatten)]
    account: AccountArg,
    /// The role's ARN, instead of the configured role
    #[arg(long, value_name = "ARN", value_parser = parameter)]
    role: Option<String>,
}

impl Protocol for Args {
    const NAME: &'static str = "aws";

    fn run(&self, app: &App<'_>) -> Result<(), Error> {
        let Open { provider, session } = app.open(self.provider.name(app)?.as_ref())?;
        let role = Role::of(&session, &provider, self.role.as_deref())?;
        let credentials = credentials(&session, &provider, self.account.account.as_ref(), &role)?;
        Ok(app.system.console.out(&format!("{}\n", process_output(&credentials)))?)
    }

    fn installed(app: &App<'_>) -> Vec<Installed> {
        files::aws(app)
    }

    fn plan(&self, app: &App<'_>) -> Result<Plan, Error> {
        let provider = app.provider(self.provider.name(app)?.as_ref())?;
        let mut plan = Plan::new("Add an AWS profile that gets its credentials from authctl");
        let mut words = plan.command(app)?;
        words.extend(["helper".to_owned(), "aws".to_owned(), provider.name.to_string()]);
        words.extend(self.account.account.iter().map(|account| format!("--account={}", account.as_str())));
        words.extend(self.role.iter().map(|role| format!("--role={role}")));
        // `--undo` removes the old profile even if the new one cannot be written.
        let command = plan.or_refuse(command_line(&words).and_then(|command| ini_value(&command)));
        let mut lines =
            vec![format!("[profile authctl-{}]", provider.name), format!("credential_process = {command}")];
        lines.extend(provider.helper.aws.region.iter().map(|region| format!("region = {region}")));
        let file = app.system.environment.variable("AWS_CONFIG_FILE").map(std::path::PathBuf::from);
        let path = file.map_or_else(|| plan.home(app).map(|home| home.join(".aws/config")), Ok)?;
        let label = format!("profile {}", provider.name);
        plan.edit(path, |text, undo| block(text, &label, &lines, undo))?;
        if !is_configured(&provider.helper.aws) {
            let role = self.role.as_deref().unwrap_or("ARN");
            let assignment = shell::word(&format!("helper.aws_role={role}"));
            plan.then(format!("authctl provider set {} {assignment}", provider.name));
        }
        plan.then(format!("aws --profile authctl-{} sts get-caller-identity", provider.name));
        Ok(plan)
    }
}

/// Returns the output of a `credential_process`. Without an expiry, the AWS tools treat credentials as permanent.
fn process_output(credentials: &AwsCredentials) -> Value {
    json!({
        "Version": 1,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.expose(),
        "SessionToken": credentials.session_token.expose(),
        "Expiration": credentials.expires_at.to_string(),
    })
}

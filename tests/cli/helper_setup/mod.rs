//! `authctl helper PROGRAM --setup|--write|--undo`: changes are shown, made and undone.

mod changes;
mod files;
mod names;
mod ownership;

use crate::support::Sandbox;

const CONFIG: &str = "store = \"file\"\n[credentials.reg]\ntemplate = \"gitlab\"\ndomain = \"git.example\"\nhosts = [\"reg.example:5000\"]\noauth.client_id = \"x\"\n[credentials.aws]\ndomain = \"x.example\"\njwt = \"token-canary\"\nhelper = { aws_role = \"arn:aws:iam::1:role/x\", aws_region = \"eu-central-1\" }\n";

/// Every file in the home except authctl's own.
fn files(sandbox: &Sandbox) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    sandbox.files().into_iter().filter(|(path, _)| !path.ends_with("config/config.toml")).collect()
}

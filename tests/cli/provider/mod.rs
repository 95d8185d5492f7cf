//! `authctl provider`: list, show, add, set, remove, templates, and the questions of the wizard.

mod add;
mod edit;
mod wizard;

use crate::support::Sandbox;

fn config(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("config/config.toml")).unwrap()
}

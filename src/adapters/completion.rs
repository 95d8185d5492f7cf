//! Completions that ask the configuration: provider names.

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::config::Config;
use crate::config::layers::Options;

/// The names that provider arguments have in every command.
const PROVIDERS: [&str; 4] = ["provider", "providers", "gce", "proxy"];

/// The command line with completions of what only the configuration knows.
#[must_use]
pub fn attach(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|argument| {
        if PROVIDERS.contains(&argument.get_id().as_str()) {
            argument.add(ArgValueCandidates::new(providers))
        } else {
            argument
        }
    });
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, attach))
}

fn providers() -> Vec<CompletionCandidate> {
    let config = Config::load(&super::system(), &Options::default());
    config.credentials.keys().map(|name| CompletionCandidate::new(name.as_str())).collect()
}

//! Answers a shell that asks for completions, from the configuration and the store's index alone. It never asks the network
//! or a keyring, and reports no error, because the user is still typing.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, ValueCompleter};

use crate::commands::completions::shells::SHELLS;
use crate::commands::completions::typed::Typed;
use crate::commands::completions::values::{COMPLETED, Values};
use crate::ports::System;

/// Prints completions if a shell asks for them, and returns whether one does.
pub fn answer(arguments: &[OsString], command_line: fn() -> clap::Command, system: &System) -> bool {
    let environment = &system.environment;
    let shell = environment.variable("COMPLETE").unwrap_or_default();
    let name = Path::new(&shell).file_stem().map(OsStr::to_string_lossy).unwrap_or_default();
    if SHELLS.completer(&name).is_none() {
        return false;
    }
    // The shells' scripts run `authctl -- WORDS…`. The word at the index is unfinished, or else the last one.
    let words: Vec<OsString> = arguments.iter().skip_while(|word| *word != "--").skip(1).cloned().collect();
    let index = environment.variable("_CLAP_COMPLETE_INDEX").and_then(|index| index.parse().ok());
    let end = index.unwrap_or(words.len().saturating_sub(1));
    let before = words.into_iter().take(end).collect();
    let context = Arc::new(Context { before, command_line, system: system.clone() });
    let folder = environment.current_folder();
    let _ = CompleteEnv::with_factory(|| attach(command_line(), &context))
        .shells(SHELLS)
        .bin("authctl")
        .completer("authctl")
        .try_complete(arguments, folder.as_deref());
    true
}

/// The input for completing values.
struct Context {
    /// The words before the cursor.
    before: Vec<OsString>,
    command_line: fn() -> clap::Command,
    system: System,
}

/// Adds a completer to each argument whose values authctl knows.
fn attach(command: clap::Command, context: &Arc<Context>) -> clap::Command {
    let command = command.mut_args(|argument| {
        let known = COMPLETED.iter().find(|(name, _)| argument.get_id() == name);
        match known {
            Some(&(_, values)) => {
                argument.add(ArgValueCompleter::new(Completer { context: Arc::clone(context), values }))
            }
            None => argument,
        }
    });
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |command| attach(command, context)))
}

struct Completer {
    context: Arc<Context>,
    values: Values,
}

impl ValueCompleter for Completer {
    fn complete(&self, written: &OsStr) -> Vec<CompletionCandidate> {
        let Some(written) = written.to_str() else { return Vec::new() };
        let Context { before, command_line, system } = &*self.context;
        let mut values =
            (self.values)(&Typed::read(before, *command_line, system), written).unwrap_or_default();
        values.retain(|value| value.get_value().to_str().is_some_and(|value| fits(value, written)));
        values
    }
}

/// Whether a value starts with the typed text and is a single word in every shell. Account names come from servers.
fn fits(value: &str, written: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "@._+-:/%,=".contains(c);
    value.starts_with(written) && value.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::ValueHint;

    use super::*;
    use crate::cli::command;

    /// Arguments whose values authctl cannot know.
    const FREE: &[&str] = &[
        "action",
        "arguments",
        "audience",
        "browser",
        "capability",
        "challenge",
        "client_id",
        "command",
        "connection",
        "dpop_nonce",
        "from",
        "gce_project",
        "host",
        "listen",
        "method",
        "min_ttl",
        "old_command",
        "operation",
        "resource",
        "role",
        "scope",
        "service",
        "timeout",
        "to",
        "url",
        "username",
    ];

    #[test]
    fn every_argument_is_completed_or_free() {
        fn collect(command: &clap::Command, found: &mut BTreeSet<String>) {
            for argument in command.get_arguments() {
                let takes = argument.get_num_args().is_none_or(|count| count.takes_values());
                let known = argument.get::<ArgValueCompleter>().is_some()
                    || !argument.get_possible_values().is_empty()
                    || argument.get_value_hint() != ValueHint::Unknown;
                if takes && !known {
                    found.insert(argument.get_id().to_string());
                }
            }
            command.get_subcommands().for_each(|inner| collect(inner, found));
        }
        let context =
            Context { before: Vec::new(), command_line: command, system: crate::adapters::system() };
        let mut command = attach(command(), &Arc::new(context));
        command.build();
        let mut found = BTreeSet::new();
        collect(&command, &mut found);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), FREE);
    }

    #[test]
    fn values_that_a_shell_would_interpret_are_not_offered() {
        for (value, want) in [
            ("me@example.com", true),
            ("me", true),
            ("m$(id)", false),
            ("m`id`", false),
            ("m e", false),
            ("m;id", false),
            ("you", false),
        ] {
            assert_eq!(fits(value, "m"), want, "{value}");
        }
    }
}

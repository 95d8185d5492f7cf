//! What a change of the configuration file is, line by line, by the masking rule: a line that goes may hold a secret.

use super::display::{self, Line, ShownProvider};
use super::merged::Config;
use crate::ports::Environment;
use crate::schema::Origin;
use crate::text::difference::changed_lines;
use crate::text::untrusted::escaped;

/// The lines of a file as it is that are not in it as it was, and the other way round.
#[must_use]
pub fn changes(before: &Config, after: &Config, environment: &dyn Environment) -> String {
    changed_lines(&written(before, environment), &written(after, environment))
}

/// All that a file says, one key a line.
fn written(config: &Config, environment: &dyn Environment) -> String {
    let mut text = String::new();
    write(&mut text, "", &display::top(config, environment));
    for (name, credential) in &config.credentials {
        let ShownProvider { keys, kind } = display::provider(credential, environment);
        text.push_str(&format!("[credentials.{name}]\n"));
        write(&mut text, "", &keys);
        if let Some((kind, lines)) = kind {
            write(&mut text, &format!("{}.", escaped(&kind)), &lines);
        }
    }
    text
}

fn write(text: &mut String, under: &str, lines: &[Line]) {
    let unwritten = Origin::Default.to_string();
    for Line { key, shown, .. } in lines.iter().filter(|line| line.origin != unwritten) {
        text.push_str(&format!("{under}{key} = {}\n", shown.toml()));
    }
}

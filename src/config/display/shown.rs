//! What is shown of a configuration, as text and as JSON.

use crate::name::ProviderName;
use crate::text::style::{FAINT, STRONG, styled};
use crate::text::untrusted::escaped;

/// A line of the shown configuration: a key with what is shown of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The key; a secret's begins with `_`.
    pub key: String,
    pub shown: Shown,
    pub origin: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    Value(serde_json::Value),
    /// What stands for a secret: `<set>` and its like.
    Mask(String),
}

impl Shown {
    /// The value in TOML, or the mask.
    #[must_use]
    pub fn toml(&self) -> String {
        match self {
            Self::Value(value) => toml_text(value),
            Self::Mask(mask) => mask.clone(),
        }
    }

    /// The value, or the mask as a string.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Mask(mask) => mask.clone().into(),
        }
    }
}

/// What is shown of a provider: its own keys, and those of its kind under the name that the kind is called by.
#[derive(Debug)]
pub struct ShownProvider {
    /// The keys beside the kind.
    pub keys: Vec<Line>,
    pub kind: Option<(String, Vec<Line>)>,
}

impl ShownProvider {
    /// Formats the provider as a config file, optionally with each value's origin.
    #[must_use]
    pub fn text(&self, name: &ProviderName, origin: bool) -> String {
        let mut text = format!("{}\n", styled(STRONG, format!("[credentials.{name}]")));
        write_lines(&mut text, &self.keys, origin);
        if let Some((kind, lines)) = &self.kind {
            text.push_str(&format!("\n{}\n", styled(STRONG, format!("[credentials.{name}.{kind}]"))));
            write_lines(&mut text, lines, origin);
        }
        text
    }

    #[must_use]
    pub fn json(&self, origin: bool) -> serde_json::Value {
        let mut shown = object(&self.keys, origin);
        if let Some((kind, lines)) = &self.kind {
            shown.insert(kind.clone(), object(lines, origin).into());
        }
        shown.into()
    }
}

#[must_use]
pub fn object(lines: &[Line], origin: bool) -> serde_json::Map<String, serde_json::Value> {
    let value = |line: &Line| match origin {
        true => serde_json::json!({ "value": line.shown.json(), "origin": line.origin }),
        false => line.shown.json(),
    };
    lines.iter().map(|line| (line.key.clone(), value(line))).collect()
}

/// Adds lines to a text, their origins in a column of comments.
pub fn write_lines(text: &mut String, lines: &[Line], origin: bool) {
    let width = lines.iter().map(|line| line.key.len() + line.shown.toml().len()).max().unwrap_or(0).min(60);
    for line in lines {
        let shown = format!("{} = {}", line.key, line.shown.toml());
        let comment = if origin { styled(FAINT, format!("  # {}", line.origin)) } else { String::new() };
        let padding = if origin { (width + 3).saturating_sub(shown.chars().count()) } else { 0 };
        text.push_str(&format!("{shown}{}{comment}\n", " ".repeat(padding)));
    }
}

/// A value in TOML's notation, its strings escaped for a terminal.
fn toml_text(value: &serde_json::Value) -> String {
    use serde_json::Value as Json;
    match value {
        Json::String(text) if text.starts_with('<') && text.ends_with('>') => escaped(text),
        Json::String(text) => format!("\"{}\"", escaped(text).replace('"', "\\\"")),
        Json::Array(items) => format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name} = {}", toml_text(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

//! A configuration text as TOML: every value with the place where it is written.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::schema::{Origin, Problem, Setting, SourceFile, Table, Value};

/// A configuration text that could be parsed.
#[derive(Debug)]
pub struct Document {
    pub root: Table,
}

/// Parses a text.
///
/// # Errors
/// Every syntax error, by its position alone: a syntax error can have a secret beside it.
pub fn parse(source: &Arc<SourceFile>) -> Result<Document, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    if errors.is_empty() {
        return Ok(Document { root: table(source, root.get_ref()) });
    }
    let problems = errors.iter().map(|error| {
        let at = error.span().unwrap_or(0..0);
        let origin = Origin::File { source: Arc::clone(source), key: at.clone(), value: at };
        Problem::new(format!("invalid TOML: {}", error.message()), &origin).without_excerpt()
    });
    Err(problems.collect())
}

fn table(source: &Arc<SourceFile>, members: &DeTable<'_>) -> Table {
    members
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), setting(source, key.span(), value)))
        .collect()
}

fn setting(source: &Arc<SourceFile>, key: std::ops::Range<usize>, value: &Spanned<DeValue<'_>>) -> Setting {
    let origin = Origin::File { source: Arc::clone(source), key: key.clone(), value: value.span() };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number of that size"), Value::Integer),
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| setting(source, key.clone(), item)).collect())
        }
        DeValue::Table(members) => Value::Table(table(source, members)),
    };
    Setting::new(value, origin)
}

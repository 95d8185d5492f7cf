//! The masking rule: whether a secret is set is shown, and never the secret.

use super::shown::Shown;
use crate::ports::Environment;
use crate::schema::{Setting, Table, Value, secret_reference};
use crate::text::untrusted::escaped;

pub(super) struct Mask<'a> {
    pub environment: &'a dyn Environment,
}

impl Mask<'_> {
    /// Whether a secret is set, and how: never what it is.
    pub fn secret(&self, setting: &Setting) -> String {
        match &setting.value {
            value if value.is_empty() => "<not set>".to_owned(),
            Value::Table(table) if secret_reference("", setting).is_some() => self.reference(table),
            Value::Text(_) => "<set>".to_owned(),
            other => format!("<wrong: {}>", other.type_name()),
        }
    }

    fn reference(&self, table: &Table) -> String {
        let Some((kind, value)) = table.iter().next() else { return "<not set>".to_owned() };
        let text = escaped(value.text().unwrap_or_default());
        match kind.as_str() {
            "env" if self.environment.variable(value.text().unwrap_or_default()).is_none() => {
                format!("<not set: env {text}>")
            }
            "env" => format!("<set: env {text}>"),
            "file" => format!("<set: file {text}>"),
            "command" => format!(
                "<set: command {}>",
                escaped(value.strings().unwrap_or_default().first().unwrap_or(&""))
            ),
            _ => "<stored>".to_owned(),
        }
    }

    /// Shows a value that is not secret.
    pub fn plain(&self, setting: &Setting) -> Option<Shown> {
        plain(setting).map(Shown::Value)
    }
}

fn plain(setting: &Setting) -> Option<serde_json::Value> {
    match &setting.value {
        Value::Text(text) => Some(without_userinfo(text).into()),
        Value::Integer(number) => Some((*number).into()),
        Value::Boolean(flag) => Some((*flag).into()),
        Value::Array(items) => Some(items.iter().filter_map(plain).collect::<Vec<_>>().into()),
        Value::Table(table) => {
            let members = table.iter().filter(|(name, _)| !name.starts_with('_'));
            Some(serde_json::Value::Object(
                members.filter_map(|(name, member)| Some((name.clone(), plain(member)?))).collect(),
            ))
        }
        Value::Other(_) => None,
    }
}

/// Masks the text before the last `@`, unless it clearly is not a user name and password. This also covers a proxy's URL with
/// a typing error.
fn without_userinfo(text: &str) -> String {
    let Some((_, rest)) = text.rsplit_once('@') else { return text.to_owned() };
    let harmless = match url::Url::parse(text) {
        // `https://host/users/@me`; but in `http://u:1/x@host` the password only looks like a port.
        Ok(url) => {
            url.username().is_empty() && url.password().is_none() && url.has_host() && url.port().is_none()
        }
        Err(_) => !text.contains([':', '/']),
    };
    match text.split_once("://") {
        _ if harmless => text.to_owned(),
        Some((scheme, _)) => format!("{scheme}://<set>@{rest}"),
        None => format!("<set>@{rest}"),
    }
}

//! `KEY=VALUE` of the command line as a key of a provider's table.

use toml_edit::{Array, InlineTable, Value};

use super::error::EditError;
use crate::config::provider_table::CREDENTIAL_KEYS;
use crate::provider::Kind;
use crate::schema::{Key, Shape, near};
use crate::text::untrusted::Untrusted;

/// A key of a credential with its value, as it will be written.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The path of the key in the credential: `domain`, or the kind and its key.
    pub path: Vec<String>,
    pub value: Value,
}

impl Assignment {
    /// Reads `KEY=VALUE`. A key that is not one of the credential's own is the kind's. A secret is named by reference.
    ///
    /// # Errors
    /// [`EditError::NoValue`], [`EditError::Key`], [`EditError::Value`], [`EditError::Secret`].
    pub fn parse(text: &str, kind: &str) -> Result<Self, EditError> {
        let (name, written) = text.split_once('=').ok_or_else(|| EditError::NoValue(Untrusted::new(text)))?;
        let (path, key) = find_key(name.trim(), kind)?;
        Ok(Self { value: typed(&path.join("."), key, written.trim())?, path })
    }

    /// A secret that is kept in the token store.
    ///
    /// # Errors
    /// [`EditError::Key`] for an unknown key, [`EditError::Value`] for one that is not secret.
    pub fn stored(name: &str, kind: &str) -> Result<Self, EditError> {
        let (path, key) = find_key(name, kind)?;
        if !key.is_secret() {
            return Err(EditError::Value { key: path.join("."), expected: key.shape.expectation() });
        }
        Ok(Self { path, value: Value::from(InlineTable::from_iter([("stored", true)])) })
    }

    /// A text, as its key wants it.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of(name: &str, text: &str, kind: &str) -> Result<Self, EditError> {
        let (path, key) = find_key(name, kind)?;
        Ok(Self { value: typed(&path.join("."), key, text)?, path })
    }
}

/// The key of a name: `domain`, `oauth.client_id`, or `client_id` of the kind.
///
/// # Errors
/// [`EditError::Key`].
pub fn find_key(name: &str, kind: &str) -> Result<(Vec<String>, &'static Key), EditError> {
    let mut parts: Vec<&str> = name.split('.').collect();
    let first = parts.first().copied().unwrap_or_default();
    let own = |name: &str| CREDENTIAL_KEYS.iter().copied().find(|key| key.name == name);
    if let Some(key) = own(first) {
        let nested = match (key.shape, parts.get(1)) {
            (Shape::Table(keys), Some(inner)) => keys.iter().copied().find(|key| key.name == *inner),
            (_, Some(_)) => None,
            (_, None) => Some(key),
        };
        let path = parts.iter().map(|&part| part.to_owned()).collect();
        return nested.map(|key| (path, key)).ok_or_else(|| unknown(name, kind));
    }
    // A name without a dot is a key, even where a kind has the same name.
    if parts.len() == 1 || !Kind::exists(first) {
        parts.insert(0, kind);
    }
    let [called, key_name] = parts[..] else { return Err(unknown(name, kind)) };
    let key_name = key_name.trim_start_matches('_');
    let key = Kind::keys_of(called).find(|key| key.name == key_name).ok_or_else(|| unknown(name, kind))?;
    Ok((vec![called.to_owned(), key_name.to_owned()], key))
}

fn unknown(name: &str, kind: &str) -> EditError {
    let last = name.rsplit('.').next().unwrap_or_default();
    let known = Kind::keys_of(kind).chain(CREDENTIAL_KEYS.iter().copied()).map(|key| key.name);
    EditError::Key { name: Untrusted::new(name), hint: near(last, known).map(|name| name.to_owned()) }
}

/// A value as its key wants it.
fn typed(path: &str, key: &Key, text: &str) -> Result<Value, EditError> {
    let wrong = || EditError::Value { key: path.to_owned(), expected: key.shape.expectation() };
    let as_toml = || text.parse::<Value>().map_err(|_| wrong());
    let words = || text.split_whitespace().collect::<Array>();
    Ok(match key.shape {
        Shape::Secret if text.starts_with('{') => as_toml()?,
        Shape::Secret => return Err(EditError::Secret(path.to_owned())),
        Shape::Text | Shape::Choice(_) | Shape::Duration => Value::from(text),
        Shape::Boolean => Value::from(text.parse::<bool>().map_err(|_| wrong())?),
        Shape::Strings | Shape::Scopes if !text.starts_with(['[', '{']) => words().into(),
        _ => as_toml()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::KINDS;

    #[test]
    fn a_key_beside_a_value_never_shows_a_secret_f_leak1() {
        let read = |text: &str| match Assignment::parse(text, "oauth") {
            Ok(assignment) => {
                format!("{}={}", assignment.path.join("."), assignment.value.to_string().trim())
            }
            Err(error) => error.to_string(),
        };
        for (text, want) in [
            ("domain=a.example", "domain=\"a.example\""),
            ("client_id=x", "oauth.client_id=\"x\""),
            ("oauth.client_id=x=y", "oauth.client_id=\"x=y\""),
            ("use_dpop=true", "oauth.use_dpop=true"),
            ("use_dpop=yes", "`oauth.use_dpop` must be true or false"),
            ("scopes=a b", "oauth.scopes=[\"a\", \"b\"]"),
            ("hosts=[\"a\", \"b\"]", "hosts=[\"a\", \"b\"]"),
            ("_client_secret={ env = \"X\" }", "oauth.client_secret={ env = \"X\" }"),
            (
                "client_secret=canary",
                "`oauth.client_secret` is a secret, and other users can see command-line arguments",
            ),
            ("clientid=x", "unknown key `clientid`"),
            ("api_key.header=X-Key", "api_key.header=\"X-Key\""),
            ("helper.aws_role=arn", "helper.aws_role=\"arn\""),
            ("helper.nothing=x", "unknown key `helper.nothing`"),
            ("extra_params={ a = \"b\" }", "oauth.extra_params={ a = \"b\" }"),
            ("extra_params=x", "`oauth.extra_params` must be a table of strings"),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
        assert!(Assignment::stored("client_secret", "oauth").is_ok());
        assert!(Assignment::stored("client_id", "oauth").is_err());
    }

    /// `--kind jwt --secret jwt` was refused with a suggestion of the same key.
    #[test]
    fn every_key_of_every_kind_is_found_by_its_bare_name() {
        for kind in KINDS {
            for key in kind.all_keys() {
                let path = vec![kind.name.to_owned(), key.name.to_owned()];
                for name in [key.name.to_owned(), path.join(".")] {
                    assert_eq!(find_key(&name, kind.name).unwrap().0, path, "{name} of {}", kind.name);
                }
            }
        }
    }
}

//! The kind, or the grant, that a merged credential has.

use super::provider_table::Credential;
use crate::provider::environment::APP_SERVICE_VARIABLE;
use crate::provider::{Kind, kind_names};
use crate::schema::{Origin, Problem, Setting, Table, Value, near};
use crate::text::untrusted::escaped;

/// The kind that a merged credential has, with its keys.
///
/// # Errors
/// The problem, if the kind is missing or unknown.
pub(super) fn choose_kind(
    path: &str,
    credential: &Credential,
    app_service: bool,
) -> Result<(&'static Kind, String, Setting), Problem> {
    let Some(written) = &credential.kind else {
        if app_service {
            let table =
                Setting::new(Value::Table(Table::new()), Origin::Variable(APP_SERVICE_VARIABLE.to_owned()));
            return Ok((&crate::provider::environment::KIND, "app_service".to_owned(), table));
        }
        let kinds: Vec<&str> = kind_names().into_iter().collect();
        let problem = Problem::new(format!("`{path}` has no provider kind"), &credential.origin);
        return Err(problem.hint(format!("add one of {}", kinds.join(", "))));
    };
    let mut variants = Kind::named(&written.called);
    let grant = written.table.table().and_then(|table| table.get("grant_type"));
    let kind = match grant.and_then(Setting::text) {
        None => variants.next(),
        Some(grant) => variants.find(|kind| kind.has_grant(grant)),
    };
    match (kind, grant) {
        (Some(kind), _) => Ok((kind, written.called.clone(), written.table.clone())),
        (None, Some(grant)) => {
            Err(unknown_grant(path, grant, Kind::named(&written.called).filter_map(Kind::grant)))
        }
        (None, None) => Err(Problem::new(
            format!("unknown provider kind `{}`", escaped(&written.called)),
            &credential.origin,
        )),
    }
}

fn unknown_grant<'a>(path: &str, grant: &Setting, known: impl Iterator<Item = &'a str> + Clone) -> Problem {
    let name = grant.text().unwrap_or_default();
    let list = known.clone().collect::<Vec<_>>().join(", ");
    let reason = match name {
        // RFC 9700 section 2.4: "MUST NOT be used".
        "password" => {
            "is not supported: it would give authctl your password (RFC 9700, section 2.4)".to_owned()
        }
        // RFC 9700 section 2.1.2.
        "implicit" | "token" => {
            "is not supported: it would put the token in the browser's history (RFC 9700, section 2.1.2)"
                .to_owned()
        }
        _ => "is not a known grant".to_owned(),
    };
    let problem = Problem::new(format!("`{path}.oauth.grant_type` {reason}"), &grant.origin).showing_value();
    problem.hint(
        near(name, known)
            .map_or_else(|| format!("the grants are {list}"), |near| format!("did you mean \"{near}\"?")),
    )
}

//! How a later layer is laid over an earlier one.

use crate::config::provider_table::{CREDENTIAL_KEYS, Credential, WrittenKind};
use crate::provider::Kind;
use crate::schema::{Origin, Setting, Table, Value};

/// Lays a later layer's credential over an earlier one. Its keys win; its kind replaces another kind, and is laid key by
/// key over the same kind. Tables of free parameters are laid member by member; all else is replaced whole.
pub fn lay_over(base: &mut Credential, over: Credential) {
    let merges = |name: &str| CREDENTIAL_KEYS.iter().any(|key| key.name == name && key.shape.merges());
    lay_keys(&mut base.keys, over.keys, merges);
    base.problems.extend(over.problems);
    base.registration = over.registration.or(base.registration.take());
    base.client_issuer = over.client_issuer.or(base.client_issuer.take());
    if !matches!(over.origin, Origin::Default) {
        base.origin = over.origin;
    }
    base.kind = match (base.kind.take(), over.kind) {
        (Some(below), Some(above)) if below.canonical() == above.canonical() => {
            Some(merge_kinds(below, above))
        }
        (below, above) => above.or(below),
    };
}

fn merge_kinds(mut below: WrittenKind, above: WrittenKind) -> WrittenKind {
    let merges = |name: &str| Kind::keys_of(&above.called).any(|key| key.name == name && key.shape.merges());
    if let (Value::Table(base), Value::Table(over)) = (&mut below.table.value, above.table.value) {
        lay_keys(base, over, merges);
    }
    WrittenKind { called: above.called, table: Setting::new(below.table.value, above.table.origin) }
}

fn lay_keys(base: &mut Table, over: Table, merges: impl Fn(&str) -> bool) {
    for (name, setting) in over {
        match (base.get_mut(&name), &setting.value) {
            (Some(Setting { value: Value::Table(members), .. }), Value::Table(new)) if merges(&name) => {
                members.extend(new.clone());
            }
            _ => drop(base.insert(name, setting)),
        }
    }
}

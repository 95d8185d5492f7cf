//! Identifies the user who logged in and selects the account.

use super::Session;
use crate::config::Provider;
use crate::name::AccountName;
use crate::provider::Grant;
use crate::session::acquire::credential;
use crate::store::index::Index;
use crate::text::untrusted::Untrusted;
use serde_json::{Map, Value};

/// The account belongs to another person than the one who logged in.
#[derive(Debug, thiserror::Error)]
#[error("the account `{account}` belongs to {present}, and you logged in as {new}; nothing was changed")]
pub struct OtherPerson {
    pub(super) account: AccountName,
    pub(super) present: Untrusted,
    pub(super) new: Untrusted,
}

/// The user who logged in, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) subject: Option<String>,
    pub(super) label: Option<String>,
}

/// Identifies the user by the ID token, or else by userinfo. The login succeeds even if userinfo fails.
pub(super) fn identify(session: &Session<'_>, provider: &Provider, grant: &Grant) -> Identity {
    if let Some(claims) = &grant.claims {
        return Identity { subject: Some(claims.subject().to_owned()), label: label(claims.all()) };
    }
    let context = session.context(&provider.name);
    let credential = credential(&grant.tokens.access_token, grant.tokens.token_type, grant.prover.clone());
    let Some(credential) = credential else { return Identity::default() };
    match provider.source.userinfo(&context, &credential, None) {
        Ok(claims) => {
            let text = |name: &str| match claims.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            Identity {
                subject: text("sub").or_else(|| text("id")).or_else(|| text("account_id")),
                label: label(&claims),
            }
        }
        Err(_) => Identity::default(),
    }
}

/// The user's name, from the claims that servers use for it.
fn label(claims: &Map<String, Value>) -> Option<String> {
    let names = [
        "preferred_username",
        "email",
        "login",
        "username",
        "nickname",
        "upn",
        "name",
        "display_name",
        "sub",
    ];
    names
        .iter()
        .find_map(|name| claims.get(*name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
}

/// The login's account: the named one, the same person's, or a new one. A login never overwrites another person's
/// account.
pub(super) fn account_for(
    index: &Index,
    named: Option<&AccountName>,
    identity: &Identity,
) -> Result<AccountName, OtherPerson> {
    let others = |account: &AccountName| {
        index.entries.iter().find(|entry| {
            let both_known = entry.subject.is_some() && identity.subject.is_some();
            entry.account == *account && both_known && entry.subject != identity.subject
        })
    };
    if let Some(account) = named {
        let called = |label: &Option<String>, subject: &Option<String>| {
            Untrusted::new(label.clone().or_else(|| subject.clone()).unwrap_or_default())
        };
        return match others(account) {
            None => Ok(account.clone()),
            Some(entry) => Err(OtherPerson {
                account: account.clone(),
                present: called(&entry.label, &entry.subject),
                new: called(&identity.label, &identity.subject),
            }),
        };
    }
    if identity.subject.is_some()
        && let Some(same) = index.entries.iter().find(|entry| entry.subject == identity.subject)
    {
        return Ok(same.account.clone());
    }
    let proposed = identity.label.as_deref().and_then(AccountName::proposed);
    let proposed = proposed.unwrap_or_else(AccountName::unnamed);
    let numbered = (2..1000).map(|number| proposed.numbered(number));
    let free = std::iter::once(proposed.clone()).chain(numbered).find(|account| others(account).is_none());
    Ok(free.unwrap_or(proposed))
}

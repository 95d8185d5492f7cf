//! Checks logins: when the tokens expire, and whether they can be refreshed.

use jiff::Timestamp;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::store::Stored;
use crate::config::Provider;
use crate::provider::subject_token::{Source, TokenKind};
use crate::session::login::missing;
use crate::store::index::Entry;
use crate::text::humanize::relative;
use crate::text::untrusted::escaped;
use crate::token::TokenType;

const TOPIC: Topic = Topic::Provider;

pub(super) fn check(examination: &Examination<'_>, provider: &Provider, stored: &[Stored]) -> Vec<Finding> {
    let name = &provider.name;
    let of_provider: Vec<&Stored> = stored.iter().filter(|stored| stored.provider == *name).collect();
    let mut findings = Vec::new();
    if of_provider.is_empty() && provider.source.is_interactive() {
        findings
            .push(Finding::note(TOPIC, name.as_str(), "not logged in").fix(format!("authctl login {name}")));
    }
    for stored in of_provider {
        findings.extend(account(examination, provider, stored));
    }
    findings.extend(chains(examination, provider, stored));
    findings
}

fn account(examination: &Examination<'_>, provider: &Provider, stored: &Stored) -> Vec<Finding> {
    let (name, entry) = (&provider.name, &stored.entry);
    let subject = format!("{name} ({})", entry.account);
    let login = format!("authctl login {name}");
    let mut findings = Vec::new();
    if !provider.source.binding().fits(&entry.binding) {
        findings.push(
            Finding::warning(
                TOPIC,
                subject.clone(),
                "the login belongs to another server or client than the configured one",
            )
            .why("authctl sends tokens only to the server that they belong to")
            .fix(login.clone()),
        );
    }
    findings.push(life(entry, &subject, &login, examination.app.system.clock.now()));
    if entry.in_flight.is_some() {
        findings.push(
            Finding::warning(TOPIC, subject.clone(), "a refresh was sent, but its result is unknown")
                .why("another process is refreshing, or a refresh was interrupted")
                .fix(format!("authctl token {name}; if that fails: {login}")),
        );
    }
    let missing = missing(&provider.source.scopes(), &entry.scopes);
    if !missing.is_empty() && !entry.scopes.is_empty() {
        findings.push(
            Finding::warning(
                TOPIC,
                subject.clone(),
                format!("the configured scopes {missing} were not granted"),
            )
            .why("the server or the user denied them, or they were added to the config file after the login")
            .fix(login.clone()),
        );
    }
    if let Some(record) = &stored.record
        && record.dpop_key.is_none()
        && record.tokens().any(|token| token.token_type == TokenType::Dpop)
    {
        findings.push(
            Finding::problem(TOPIC, subject, "its tokens are bound to a key that is missing")
                .why("servers reject them without a proof signed with that key (RFC 9449)")
                .fix(login),
        );
    }
    findings
}

/// Reports when the login's token expires.
fn life(entry: &Entry, subject: &str, login: &str, now: Timestamp) -> Finding {
    let who = match &entry.label {
        Some(label) if label != entry.account.as_str() => format!("{} ({})", entry.account, escaped(label)),
        _ => entry.account.to_string(),
    };
    match entry.expires_at {
        _ if entry.login_needed => Finding::note(TOPIC, subject, "a new login is required")
            .why("the server rejected the last refresh")
            .fix(login),
        Some(end) if end <= now && !entry.refreshable => {
            Finding::note(TOPIC, subject, format!("the access token expired {}", relative(end, now)))
                .why("no refresh token is stored")
                .fix(login)
        }
        Some(end) if entry.refreshable => {
            if end <= now {
                return Finding::ok(
                    TOPIC,
                    subject,
                    format!("{who} is logged in; the access token refreshes at next use"),
                );
            }
            let when = relative(end, now);
            Finding::ok(
                TOPIC,
                subject,
                format!("{who} is logged in; the access token expires {when} and refreshes automatically"),
            )
        }
        Some(end) => Finding::ok(
            TOPIC,
            subject,
            format!(
                "{who} is logged in; the access token expires {} and cannot be refreshed",
                relative(end, now)
            ),
        ),
        None => {
            Finding::ok(TOPIC, subject, format!("{who} is logged in; the access token's expiry is unknown"))
        }
    }
}

/// Checks the subject tokens that other providers supply. The configuration check covers whether these exist.
fn chains(examination: &Examination<'_>, provider: &Provider, stored: &[Stored]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for wanted in provider.source.subject_tokens() {
        let Source::Provider { name, kind, .. } = &wanted.source else { continue };
        let role = wanted.role.name();
        let subject = provider.name.as_str();
        let entry = stored.iter().find(|stored| stored.provider == *name).map(|stored| &stored.entry);
        findings.push(match (examination.app.config.provider(name), entry) {
            (Err(_), _) => Finding::problem(
                TOPIC,
                subject,
                format!("its {role} comes from `{name}`, whose configuration is not valid"),
            )
            .fix("authctl config check")
            .status(crate::error::Status::Config),
            (Ok(needed), None) if needed.source.is_interactive() => Finding::note(
                TOPIC,
                subject,
                format!("its {role} comes from `{name}`, but you are not logged in there"),
            )
            .fix(format!("authctl login {name}")),
            (Ok(_), Some(entry)) if *kind == TokenKind::Refresh && !entry.refreshable => Finding::warning(
                TOPIC,
                subject,
                format!("its {role} is the refresh token from `{name}`, which has none"),
            )
            .fix(format!("add offline_access to {name}'s scopes, then: authctl login {name}")),
            (Ok(_), _) => Finding::ok(TOPIC, subject, format!("its {role} comes from `{name}`")),
        });
    }
    findings
}

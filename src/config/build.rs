//! A merged credential becomes a provider: over its template, checked, and read by its kind.

use std::rc::Rc;

use super::discovered;
use super::helper::HelperSettings;
use super::merged::{Config, ConfigError};
use super::provider::Provider;
use super::provider_table::{CREDENTIAL_KEYS, Credential};
use crate::name::ProviderName;
use crate::oauth::endpoint::{UrlRefused, authority, host_url};
use crate::provider::BuildContext;
use crate::provider::environment::APP_SERVICE_VARIABLE;
use crate::provider::{Kind, kind_names};
use crate::schema::{Layer, Origin, Problem, Section, Setting, Table, Value, check, near};
use crate::text::untrusted::escaped;

/// More links than this are a mistake.
const LONGEST_CHAIN: usize = 8;

impl Config {
    /// A provider, if all that concerns it is right.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn provider(&self, name: &ProviderName) -> Result<Rc<Provider>, ConfigError> {
        let provider = self.alone(name).map_err(ConfigError)?;
        match self.broken_chain(&provider, &mut vec![name.clone()]) {
            Some(problem) => Err(ConfigError(vec![problem])),
            None => Ok(provider),
        }
    }

    /// A provider, whatever is wrong with the providers whose tokens it needs.
    fn alone(&self, name: &ProviderName) -> Result<Rc<Provider>, Vec<Problem>> {
        self.built.get_or_build(name, || self.build(name))
    }

    /// What is wrong with the chain of providers that one needs tokens of: one that is not configured, or that in the end
    /// needs itself.
    fn broken_chain(&self, provider: &Provider, chain: &mut Vec<ProviderName>) -> Option<Problem> {
        for wanted in provider.source.subject_tokens() {
            let Some(needed) = wanted.provider() else { continue };
            let written = self.credentials.get(&provider.name).and_then(|credential| {
                credential
                    .kind
                    .as_ref()?
                    .table
                    .table()?
                    .get(wanted.role.name())
                    .map(|setting| &setting.origin)
            });
            let origin = written.unwrap_or(&Origin::Default);
            let key = format!("credentials.{}.oauth.{}", provider.name, wanted.role.name());
            let is_loop = chain.contains(needed);
            chain.push(needed.clone());
            let path = chain.iter().map(ProviderName::as_str).collect::<Vec<_>>().join(" → ");
            if is_loop {
                let problem = Problem::new(format!("`{key}` needs itself: {path}"), origin);
                return Some(problem.hint("let one of them get its token from elsewhere"));
            }
            if chain.len() > LONGEST_CHAIN {
                return Some(Problem::new(format!("`{key}` makes the chain too long: {path}"), origin));
            }
            if !self.credentials.contains_key(needed) {
                let problem = Problem::new(
                    format!("`{key}` names the provider `{needed}`, which is not configured"),
                    origin,
                );
                let known = self.credentials.keys().map(ProviderName::as_str);
                return Some(match near(needed.as_str(), known) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem,
                });
            }
            // What else is wrong with it is told when it is used.
            if let Some(problem) =
                self.alone(needed).ok().and_then(|needed| self.broken_chain(&needed, chain))
            {
                return Some(problem);
            }
            chain.pop();
        }
        None
    }

    fn build(&self, name: &ProviderName) -> Result<Provider, Vec<Problem>> {
        let Some(credential) = self.credentials.get(name) else {
            return Err(vec![Problem::new(
                format!("the provider `{name}` is not configured"),
                &Origin::Default,
            )]);
        };
        let path = format!("credentials.{name}");
        let mut problems = credential.problems.clone();
        let (section, found) = check(&path, &credential.keys, &credential.origin, CREDENTIAL_KEYS, false);
        problems.extend(found);
        let scheme = section.text("scheme").unwrap_or("https").to_owned();
        let (hosts, host_problems) = hosts(&section, &scheme);
        problems.extend(host_problems);
        let chosen = choose_kind(&path, credential, self.app_service);
        let (kind, called, table) = match chosen {
            Ok(chosen) => chosen,
            Err(problem) => {
                problems.push(problem);
                return Err(problems);
            }
        };
        let table = without_foreign_client(
            table,
            credential.client_issuer.as_deref(),
            &format!("{scheme}://{}", hosts.first().map_or("", String::as_str)),
        );
        let empty = Table::new();
        let members = table.table().unwrap_or(&empty);
        let keys: Vec<_> = kind.all_keys().collect();
        let (kind_section, found) =
            check(&format!("{path}.{called}"), members, &table.origin, &keys, kind.open);
        problems.extend(found);
        let build_context = BuildContext {
            name: name.clone(),
            scheme: scheme.clone(),
            domain: hosts.first().cloned().unwrap_or_default(),
            kind_name: called,
            defined_by_environment: credential.origin.layer() == Layer::Environment,
            registration: credential.registration.clone(),
            home: self.home.clone(),
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let helper = HelperSettings::read(
            section.section("helper").unwrap_or(&Section::new(&path, &credential.origin)),
        )?;
        let source = (kind.build)(&kind_section, &build_context)?;
        let narrowing = self.narrowing.get(name).cloned().unwrap_or_default();
        Ok(Provider { name: name.clone(), scheme, hosts, kind, source, narrowing, helper })
    }
}

/// The keys of a kind without a discovered client that another issuer than the configured one knows.
fn without_foreign_client(mut table: Setting, client_issuer: Option<&str>, derived_issuer: &str) -> Setting {
    let (Value::Table(keys), Some(client_issuer)) = (&mut table.value, client_issuer) else { return table };
    let same = match keys.get("issuer").and_then(Setting::text) {
        Some(issuer) => issuer == client_issuer,
        // The metadata may add a final slash to an issuer that nobody wrote.
        None => client_issuer.trim_end_matches('/') == derived_issuer,
    };
    if !same {
        keys.retain(|key, setting| !discovered::is_client_key(key) || !discovered::is_discovered(setting));
    }
    table
}

/// The hosts of a credential, normalised: `domain` first.
fn hosts(section: &Section, scheme: &str) -> (Vec<String>, Vec<Problem>) {
    let (mut hosts, mut problems) = (Vec::new(), Vec::new());
    let written = section.text("domain").map(|domain| ("domain", domain.to_owned()));
    for (key, text) in
        written.into_iter().chain(section.strings("hosts").into_iter().map(|host| ("hosts", host)))
    {
        match host_url(scheme, &text) {
            Ok(url) => hosts.push(authority(&url)),
            Err(UrlRefused::NotAHost(_)) => problems
                .push(section.problem(key, "must be a host, with a port if need be, and nothing else")),
            Err(error) => {
                problems.push(section.url_problem(key, &format!("is no host: {error}"), error.is_secret()))
            }
        }
    }
    (hosts, problems)
}

/// The kind that a merged credential has, with its keys.
///
/// # Errors
/// The problem, when there is none or it is not known.
fn choose_kind(
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
        let problem = Problem::new(format!("`{path}` has no token provider"), &credential.origin);
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
            format!("the token provider `{}` does not exist", escaped(&written.called)),
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
            "is refused: it gives this program your password for the provider (RFC 9700, section 2.4)"
                .to_owned()
        }
        // RFC 9700 section 2.1.2.
        "implicit" | "token" => {
            "is refused: it puts the token into the browser's history (RFC 9700, section 2.1.2)".to_owned()
        }
        _ => "is not known".to_owned(),
    };
    let problem = Problem::new(format!("`{path}.oauth.grant_type` {reason}"), &grant.origin).showing_value();
    problem.hint(
        near(name, known)
            .map_or_else(|| format!("the grants are {list}"), |near| format!("did you mean \"{near}\"?")),
    )
}

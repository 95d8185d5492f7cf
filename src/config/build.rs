//! A merged credential becomes a provider: over its template, checked, and read by its kind.

use std::rc::Rc;

use super::discovered;
use super::helper::HelperSettings;
use super::kind_choice::choose_kind;
use super::merged::Config;
use super::provider::Provider;
use super::provider_table::CREDENTIAL_KEYS;
use crate::name::ProviderName;
use crate::oauth::endpoint::{UrlRefused, authority, host_url};
use crate::provider::BuildContext;
use crate::schema::{Layer, Origin, Problem, Section, Setting, Table, Value, check};

impl Config {
    /// A provider, whatever is wrong with the providers whose tokens it needs.
    pub(super) fn alone(&self, name: &ProviderName) -> Result<Rc<Provider>, Vec<Problem>> {
        self.built.get_or_build(name, || self.build(name))
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
                .push(section.problem(key, "must be a host, optionally with a port, and nothing else")),
            Err(error) => problems.push(section.url_problem(
                key,
                &format!("is not a valid host: {error}"),
                error.is_secret(),
            )),
        }
    }
    (hosts, problems)
}

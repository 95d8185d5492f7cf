//! A merged credential becomes a provider: over its template, checked, and read by its kind.

use super::credentials::{CREDENTIAL_KEYS, Credential};
use super::{Config, Provider, credentials, merge, templates};
use crate::name::ProviderName;
use crate::oauth::endpoint::{EndpointUrl, authority};
use crate::provider::Place;
use crate::setting::{Origin, Problem, Section, Setting, Table, Value, check, near};

impl Config {
    /// Checks a provider's keys and reads them.
    pub(super) fn build(&self, name: &ProviderName) -> Result<Provider, Vec<Problem>> {
        let Some(credential) = self.credentials.get(name) else {
            return Err(vec![Problem::new(
                format!("the provider `{name}` is not configured"),
                &Origin::Default,
            )]);
        };
        let path = format!("credentials.{name}");
        let mut problems = credential.problems.clone();
        let table = Setting::new(Value::Table(credential.keys.clone()), credential.origin.clone());
        problems.extend(check(&path, &table, CREDENTIAL_KEYS));
        let section = Section::new(&path, &credential.keys, &credential.origin);
        let scheme = section.text("scheme").unwrap_or("https").to_owned();
        let (hosts, host_problems) = hosts(&section, &scheme);
        problems.extend(host_problems);
        let chosen = credentials::choose_kind(&path, credential, self.app_service);
        let (kind, called, table) = match chosen {
            Ok(chosen) => chosen,
            Err(problem) => {
                problems.push(problem);
                return Err(problems);
            }
        };
        let keys: Vec<_> = kind.all_keys().collect();
        let kind_path = format!("{path}.{called}");
        problems.extend(check(&kind_path, &table, &keys));
        let empty = Table::new();
        let place = Place {
            name: name.clone(),
            scheme,
            domain: hosts.first().cloned().unwrap_or_default(),
            called,
            registration: credential.registration.clone(),
            home: self.home.clone(),
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let section = Section::new(&kind_path, table.table().unwrap_or(&empty), &table.origin);
        let source = (kind.build)(&section, &place)?;
        let narrowing = self.narrowing.get(name).cloned().unwrap_or_default();
        Ok(Provider { name: name.clone(), hosts, kind, source, narrowing })
    }
}

/// The hosts of a credential, normalised: `domain` first.
fn hosts(section: &Section<'_>, scheme: &str) -> (Vec<String>, Vec<Problem>) {
    let (mut hosts, mut problems) = (Vec::new(), Vec::new());
    let written = section.text("domain").map(|domain| ("domain", domain.to_owned()));
    for (key, text) in
        written.into_iter().chain(section.strings("hosts").into_iter().map(|host| ("hosts", host)))
    {
        match EndpointUrl::configured(&format!("{scheme}://{text}/")) {
            Ok(url)
                if url.url().path() == "/"
                    && url.url().query().is_none()
                    && !text.contains(['/', '?', '#']) =>
            {
                hosts.push(authority(url.url()));
            }
            Ok(_) => problems
                .push(section.problem(key, "must be a host, with a port if need be, and nothing else")),
            Err(error) => {
                problems.push(section.url_problem(key, &format!("is no host: {error}"), error.is_secret()))
            }
        }
    }
    (hosts, problems)
}

/// Lays a credential over the template that it names, if it names one.
pub(super) fn apply_template(credential: &mut Credential) {
    let Some(named) = credential.keys.get("template").cloned() else { return };
    let Some(name) = named.text() else { return };
    let Some(template) = templates::find(name) else {
        let known: Vec<&str> = templates::names().collect();
        let message = format!("there is no template `{}`", crate::foreign::escaped(name));
        let hint = near(name, known.iter().copied()).map_or_else(
            || format!("the templates are {}", known.join(", ")),
            |near| format!("did you mean \"{near}\"?"),
        );
        credential.problems.push(Problem::new(message, &named.origin).hint(hint).showing_value());
        return;
    };
    let domain = credential.keys.get("domain").and_then(Setting::text).map(str::to_owned);
    let mut base = template.credential(domain.as_deref());
    credential.registration.clone_from(&template.register);
    merge::lay_over(&mut base, std::mem::take(credential));
    *credential = base;
}

//! The AWS role whose credentials are requested, and the service that issues them.

use std::time::Duration;

use super::error::AwsError;
use crate::config::Provider;
use crate::config::helper::{Aws, is_region};
use crate::oauth::endpoint::EndpointUrl;
use crate::session::Session;
use crate::store::record::TokenKey;
use crate::text::untrusted::Untrusted;

/// Whether a provider's configuration mentions AWS. The session name and duration do not count, because they have
/// defaults.
pub fn is_configured(aws: &Aws) -> bool {
    aws.role.is_some() || aws.region.is_some() || aws.endpoint.is_some()
}

/// A role, and the security token service that issues its credentials.
#[derive(Debug, Clone)]
pub struct Role {
    pub(super) arn: String,
    pub(super) endpoint: EndpointUrl,
    pub(super) session: String,
    pub(super) duration: Duration,
}

impl Role {
    /// The configured role, or `named`, at the configured service or the service of the configured region. Without a
    /// configured region, AWS's own variables select one: they contain no address, so the environment cannot send a
    /// token elsewhere. A caller may name another role only for a provider whose configuration mentions AWS.
    pub fn of(session: &Session<'_>, provider: &Provider, named: Option<&str>) -> Result<Self, AwsError> {
        let Aws { role, region, endpoint, session: session_name, duration } = &provider.helper.aws;
        if !is_configured(&provider.helper.aws) {
            return Err(AwsError::NotConfigured(provider.name.clone()));
        }
        let arn = named.map(str::to_owned).or_else(|| role.clone());
        let variable = |name: &str| session.system.environment.variable(name).filter(|text| !text.is_empty());
        let region =
            region.clone().or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
        Ok(Self {
            arn: arn.ok_or_else(|| AwsError::NoRole(provider.name.clone()))?,
            endpoint: match endpoint {
                Some(endpoint) => endpoint.clone(),
                None => service_of(region.as_deref())?,
            },
            session: session_name.clone(),
            duration: *duration,
        })
    }

    /// The key that its credentials are stored under.
    pub(super) fn key(&self) -> TokenKey {
        let part = |text: &str| vec![text.to_owned()];
        TokenKey::default()
            .with("aws_role", &part(&self.arn))
            .with("aws_endpoint", &part(self.endpoint.url().as_str()))
            .with("aws_session", &part(&self.session))
            .with("aws_duration", &part(&self.duration.as_secs().to_string()))
    }
}

/// A region's security token service, or the global one without a region.
fn service_of(region: Option<&str>) -> Result<EndpointUrl, AwsError> {
    let host = match region {
        None => "sts.amazonaws.com".to_owned(),
        Some(region) if !is_region(region) => return Err(AwsError::Region(Untrusted::new(region))),
        Some(region) if region.starts_with("cn-") => format!("sts.{region}.amazonaws.com.cn"),
        Some(region) => format!("sts.{region}.amazonaws.com"),
    };
    EndpointUrl::configured(&format!("https://{host}/")).map_err(|_| AwsError::Region(Untrusted::new(host)))
}

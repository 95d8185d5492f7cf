//! The form parameters that token requests share.

use std::collections::BTreeMap;

use super::oauth_client::OAuthClient;
use crate::oauth::form::Form;
use crate::provider::context::Context;
use crate::provider::error::ProviderError;
use crate::provider::request::TokenRequest;
use crate::schema::SecretSource;

impl OAuthClient {
    /// Adds the configured additional parameters, which never replace one of the protocol's.
    pub fn add_free(
        &self,
        context: &Context<'_>,
        parameters: &BTreeMap<String, SecretSource>,
        form: &mut Form,
    ) -> Result<(), ProviderError> {
        for (name, source) in parameters {
            form.set(name, self.resolve(context, source)?.expose());
        }
        Ok(())
    }

    pub fn token_form(&self, context: &Context<'_>, request: &TokenRequest) -> Result<Form, ProviderError> {
        let mut form = Form::default();
        self.add_free(context, &self.token_params, &mut form)?;
        self.add_resource(request, &mut form);
        Ok(form)
    }

    pub fn add_audience(&self, request: &TokenRequest, form: &mut Form) {
        for audience in self.audience(request) {
            form.add("audience", audience);
        }
    }

    /// Adds `resource`, the same in every request (RFC 8707 section 2.2), unless the server rejects it.
    pub fn add_resource(&self, request: &TokenRequest, form: &mut Form) {
        for resource in self.resource(request).iter().filter(|_| !self.quirks.no_resource) {
            form.add("resource", resource);
        }
    }
}

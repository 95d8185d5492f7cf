//! The configuration as it will be once a login is saved: what it discovered is laid over in memory.

use std::sync::Arc;

use super::discovered::{self, DiscoveredProvider};
use super::document::parse_file;
use super::merge;
use super::merged::Config;
use super::templates::apply_template;
use super::toml_document::parse;
use crate::ports::System;
use crate::schema::{Layer, SourceFile, Table, Value};
use crate::store::StoreError;

impl Config {
    /// This configuration with what a login discovered, of which nothing is written.
    ///
    /// # Errors
    /// [`StoreError`] if the file of the discovered providers cannot be read.
    pub fn with_discovered(
        &self,
        system: &System,
        provider: &DiscoveredProvider,
    ) -> Result<Self, StoreError> {
        if provider.url.is_none() && provider.client.is_none() {
            return Ok(self.clone());
        }
        let path = discovered::path(system);
        let source = Arc::new(SourceFile {
            layer: Layer::Discovered,
            name: path.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            path,
            text: discovered::text_with(system, provider)?,
        });
        let mut config = self.clone();
        // It was just written as TOML.
        let credentials = parse(&source).map(|document| parse_file(&document).base.credentials);
        let Some(mut credential) = credentials.unwrap_or_default().remove(&provider.name) else {
            return Ok(config);
        };
        discovered::take_state(&mut credential);
        if let Some(mut present) = config.credentials.remove(&provider.name) {
            keep_higher_layers(&mut present.keys);
            if let Some(Value::Table(keys)) = present.kind.as_mut().map(|kind| &mut kind.table.value) {
                keep_higher_layers(keys);
            }
            present.client_issuer = None;
            merge::lay_over(&mut credential, present);
        }
        apply_template(&mut credential);
        config.credentials.insert(provider.name.clone(), credential);
        Ok(config)
    }
}

/// Removes what the discovered layer and a template say, which lies below it.
fn keep_higher_layers(keys: &mut Table) {
    keys.retain(|_, setting| {
        if let Value::Table(members) = &mut setting.value
            && !members.is_empty()
        {
            // Its members may come from several layers.
            keep_higher_layers(members);
            return !members.is_empty();
        }
        setting.origin.layer() > Layer::Discovered
    });
}

//! The result of discovery for a server.

use crate::oauth::metadata::Metadata;

#[derive(Debug, Clone, Default)]
pub(crate) struct Discovered {
    /// The current metadata.
    pub(crate) metadata: Option<Metadata>,
    /// Cached metadata of any age, if the current metadata could not be fetched. authctl uses only its flags and its
    /// issuer: an attacker who blocks discovery must not disable the check of `iss` (F-CB22).
    pub(crate) earlier: Option<Metadata>,
    /// Whether the cache was skipped.
    pub(crate) fresh: bool,
    /// Why discovery failed, if no metadata is cached and the server does publish some.
    pub(crate) failure: Option<String>,
}

//! The issuers that an ID token may have.

#[derive(Debug, Clone, Copy)]
pub struct AcceptedIssuer<'a> {
    /// The issuer, as its metadata spells it.
    pub issuer: &'a str,
    /// A second issuer that some servers use: a quirk.
    pub other: Option<&'a str>,
    /// `{tenantid}` in the issuer stands for the token's own `tid`: a quirk of Microsoft Entra.
    pub tenant: bool,
}

impl AcceptedIssuer<'_> {
    pub(super) fn accepts(&self, found: &str, tenant: Option<&str>) -> bool {
        found == self.expected(tenant) || Some(found) == self.other
    }

    pub(super) fn expected(&self, tenant: Option<&str>) -> String {
        match tenant {
            Some(tenant) if self.tenant && is_tenant(tenant) => self.issuer.replace("{tenantid}", tenant),
            _ => self.issuer.to_owned(),
        }
    }
}

/// The tenant id is inserted into a URL for the comparison, so it must not contain slashes.
fn is_tenant(tenant: &str) -> bool {
    tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

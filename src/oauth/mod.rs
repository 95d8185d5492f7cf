//! The OAuth 2.0 and OpenID Connect protocols: values in, values out, no input or output.
//!
//! | standard | file |
//! |---|---|
//! | RFC 6749 sections 4.1.1, 4.1.2; RFC 9207 | [`authorization`] |
//! | RFC 6749 sections 4.1.3, 4.4, 5, 6 | [`token_endpoint`] |
//! | RFC 6749 section 2.3 | [`client`] |
//! | RFC 6749 appendix B | [`form`] |
//! | RFC 6750 section 3, RFC 9110 section 11.6.1 | [`challenge`] |
//! | RFC 7009 | [`revocation`] |
//! | RFC 7636 | [`pkce`] |
//! | RFC 8414, OpenID Connect Discovery 1.0 | [`metadata`] |
//! | RFC 7515, 7517, 7518 | [`jose`] |
//! | OpenID Connect Core 1.0 sections 2, 3.1.3 | [`id_token`] |
//! | OpenID Connect Core 1.0 section 5.3 | [`userinfo`] |

pub mod address;
pub mod authorization;
pub mod challenge;
pub mod client;
pub mod endpoint;
pub mod form;
pub mod id_token;
pub mod jose;
pub mod json;
pub mod metadata;
pub mod pkce;
pub mod quirks;
pub mod revocation;
pub mod token_endpoint;
pub mod userinfo;

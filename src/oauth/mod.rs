//! The OAuth 2.0 and OpenID Connect protocols: values in, values out, no input or output.
//!
//! | standard | file |
//! |---|---|
//! | RFC 6749 sections 4.1.1, 4.1.2; RFC 9207 | [`authorization`], [`redirect`] |
//! | RFC 6749 sections 4.1.3, 4.4, 5, 6; RFC 8693 section 2.2 | [`token_endpoint`], [`answer`] |
//! | RFC 6749 section 2.3, RFC 7523 section 2.2 | [`client`] |
//! | RFC 6749 appendix B | [`form`] |
//! | RFC 6750 section 3, RFC 9110 section 11.6.1 | [`challenge`] |
//! | RFC 7009 | [`revocation`] |
//! | RFC 7662 | [`introspection`] |
//! | RFC 8628 | [`device`], [`polling`] |
//! | RFC 8705 | [`certificate`] |
//! | RFC 9101 | [`jar`] |
//! | RFC 9126 | [`par`] |
//! | RFC 9449 | [`dpop`] |
//! | RFC 7591, RFC 7592, client ID metadata documents | [`registration`] |
//! | RFC 7636 | [`pkce`] |
//! | RFC 8414, OpenID Connect Discovery 1.0 | [`metadata`] |
//! | RFC 6749 section 6, RFC 9700 section 4.14 | [`rotation`] |
//! | RFC 9728 | [`resource_metadata`] |
//! | RFC 7515, 7517, 7518, 7519 | [`jwt`], [`jose`], [`signing_key`] |
//! | OpenID Connect Core 1.0 sections 2, 3.1.3 | [`id_token`] |
//! | OpenID Connect RP-Initiated Logout 1.0 | [`end_session`] |
//! | OpenID CIBA Core 1.0 | [`ciba`] |
//! | OpenID Connect Core 1.0 section 5.3 | [`userinfo`] |

pub mod address;
pub mod answer;
pub mod authorization;
pub mod certificate;
pub mod challenge;
pub mod ciba;
pub mod client;
pub mod device;
pub mod dpop;
pub mod end_session;
pub mod endpoint;
pub mod form;
pub mod id_token;
pub mod introspection;
pub mod jar;
pub mod jose;
pub mod json;
pub mod jwt;
pub mod metadata;
pub mod par;
pub mod pkce;
pub mod polling;
pub mod quirks;
pub mod redirect;
pub mod registration;
pub mod resource_metadata;
pub mod revocation;
pub mod rotation;
pub mod signing_key;
pub mod token_endpoint;
pub mod userinfo;

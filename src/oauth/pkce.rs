//! Proof Key for Code Exchange (RFC 7636), with S256 only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ports::Random;
use crate::secret::CodeVerifier;

/// 256 random bits in base64url: 43 characters of the unreserved set.
pub fn random_text(random: &dyn Random) -> String {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    random.fill(&mut *bytes);
    URL_SAFE_NO_PAD.encode(*bytes)
}

/// A new verifier: "a high-entropy cryptographic random string" of 43 to 128 characters (RFC 7636 section 4.1).
pub fn verifier(random: &dyn Random) -> CodeVerifier {
    CodeVerifier::new(random_text(random))
}

/// The challenge of a verifier: `BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))` (RFC 7636 section 4.2).
pub fn challenge(verifier: &CodeVerifier) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.expose().as_bytes()))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Bytes that count up: no two texts are the same.
    #[derive(Default)]
    pub struct Counting(AtomicU8);

    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for byte in buffer {
                *byte = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            }
        }
    }

    #[test]
    fn the_pkce_challenge_matches_rfc_7636_appendix_b() {
        let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn pkce_verifiers_are_43_unreserved_characters_and_differ() {
        let random = Counting::default();
        let (one, two) = (verifier(&random), verifier(&random));
        assert_ne!(one.expose(), two.expose());
        assert_eq!(one.expose().len(), 43);
        assert!(one.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
    }
}

//! Sealed records: XChaCha20-Poly1305, with the record's name and binding as associated data.
//!
//! A sealed record consists of two lines of text and the sealed bytes:
//!
//! ```text
//! authctl sealed record 1
//! {"binding":{…},"name":"github+default+0123456789abcdef"}
//! nonce (24 bytes), ciphertext, tag (16 bytes)
//! ```
//! Both lines with their line feeds are the associated data, so one record cannot replace another.
//! Both lines with their line feeds are the associated data, so that a record cannot be put in another's place.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::binding::Binding;
use crate::ports::Random;
use crate::store::record::RecordName;

const MAGIC: &str = "authctl sealed record ";
/// The format's version. A later version is refused and left unchanged.
const VERSION: u32 = 1;
/// The length of an XChaCha20 nonce, which is long enough to be random.
const NONCE: usize = 24;

/// A 256-bit key.
pub type SealingKey = Zeroizing<[u8; 32]>;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("it is not a sealed record")]
    NotSealed,
    #[error("it was sealed by a newer authctl (format {0})")]
    Newer(u32),
    /// Its header names another record.
    #[error("it is a different record")]
    Misplaced,
    /// The key does not open it, or it was modified.
    #[error("it was modified, or encrypted with a different key")]
    Tampered,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    binding: Binding,
    name: RecordName,
}

pub fn seal(
    key: &SealingKey,
    name: &RecordName,
    binding: &Binding,
    text: &[u8],
    random: &dyn Random,
) -> Vec<u8> {
    let head = Head { binding: binding.clone(), name: name.clone() };
    let head = serde_json::to_string(&head).unwrap_or_default();
    let mut sealed = format!("{MAGIC}{VERSION}\n{head}\n").into_bytes();
    let mut nonce = [0_u8; NONCE];
    random.fill(&mut nonce);
    let payload = Payload { msg: text, aad: &sealed };
    // Encryption fails only for messages of 256 GiB and more.
    let ciphertext = cipher(key).encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&ciphertext);
    sealed
}

/// Opens a sealed record, which must be the named one.
pub fn open(
    key: &SealingKey,
    name: &RecordName,
    binding: &Binding,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (head, associated, rest) = split(sealed)?;
    if head.name != *name || head.binding != *binding {
        return Err(SealError::Misplaced);
    }
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(SealError::NotSealed)?;
    let payload = Payload { msg: ciphertext, aad: associated };
    let opened = cipher(key).decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Tampered)?;
    Ok(Zeroizing::new(opened))
}

/// The binding that a sealed record claims, which is not trusted until the record was opened with it.
pub fn claimed_binding(sealed: &[u8]) -> Result<Binding, SealError> {
    split(sealed).map(|(head, _, _)| head.binding)
}

/// Wraps keys with another key, for the use that `associated` names: the nonce, then the ciphertext.
pub fn wrap(key: &SealingKey, associated: &str, keys: &[u8], random: &dyn Random) -> Vec<u8> {
    let mut nonce = [0_u8; NONCE];
    random.fill(&mut nonce);
    let payload = Payload { msg: keys, aad: associated.as_bytes() };
    let ciphertext = cipher(key).encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
    [nonce.as_slice(), &ciphertext].concat()
}

/// Unwraps keys; `None` if they were wrapped with another key or for another use, or were modified.
pub fn unwrap(key: &SealingKey, associated: &str, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = wrapped.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: ciphertext, aad: associated.as_bytes() };
    cipher(key).decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
}

fn cipher(key: &SealingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(**key))
}

/// The parsed header, the header's two lines, and the bytes after them.
fn split(sealed: &[u8]) -> Result<(Head, &[u8], &[u8]), SealError> {
    let line_end = |from: usize| {
        let at = sealed.get(from..)?.iter().position(|&byte| byte == b'\n')?;
        Some(from + at)
    };
    let first = line_end(0).ok_or(SealError::NotSealed)?;
    let second = line_end(first + 1).ok_or(SealError::NotSealed)?;
    let magic = std::str::from_utf8(&sealed[..first]).ok().and_then(|line| line.strip_prefix(MAGIC));
    let version: u32 = magic.and_then(|version| version.parse().ok()).ok_or(SealError::NotSealed)?;
    if version != VERSION {
        return Err(SealError::Newer(version));
    }
    let head = serde_json::from_slice(&sealed[first + 1..second]).map_err(|_| SealError::NotSealed)?;
    Ok((head, &sealed[..=second], &sealed[second + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn only_an_unchanged_record_under_its_own_name_decrypts_f_sto1() {
        let key = SealingKey::new([1; 32]);
        let binding = Binding::default().with(Binding::ISSUER, "https://as.example");
        let name = RecordName::of_secret(&"github".parse().unwrap(), "x", &binding);
        let sealed = seal(&key, &name, &binding, b"canary", &Fixed);
        assert_eq!(*open(&key, &name, &binding, &sealed).unwrap(), b"canary");
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&key, &name, &binding, &changed).is_err(), "changed at {at}");
            assert!(open(&key, &name, &binding, &sealed[..at]).is_err(), "cut at {at}");
        }
        let other = Binding::default().with(Binding::ISSUER, "https://evil.example");
        assert_eq!(open(&key, &name, &other, &sealed), Err(SealError::Misplaced));
        assert_eq!(open(&SealingKey::new([2; 32]), &name, &binding, &sealed), Err(SealError::Tampered));
        let newer = [b"authctl sealed record 2\n", &sealed[24..]].concat();
        assert_eq!(open(&key, &name, &binding, &newer), Err(SealError::Newer(2)));
        assert_eq!(claimed_binding(&sealed).unwrap(), binding);
    }
}

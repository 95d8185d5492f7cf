//! The keys of sealed records, and the text format of the key file (`docs/store-format.md`).

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::SecretText;
use crate::store::error::StoreError;
use crate::store::sealed::cipher::SealingKey;
use crate::store::sealed::key_source::KeySource;

/// The first lines of the key file. The first form held one unprotected key.
const MAGIC_1: &str = "authctl store key 1";
const MAGIC_2: &str = "authctl store key 2";
/// The cost of trying a passphrase (RFC 9106 section 4: the second recommended choice).
pub(super) const KDF: Kdf = Kdf { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
/// The most that a file may require: a hostile one must not exhaust the machine (F-STO6).
pub(super) const MOST: Kdf = Kdf { memory_kib: 1 << 20, passes: 16, lanes: 16 };
/// The most keys in a file: each interrupted change leaves one.
pub(super) const MOST_KEYS: usize = 16;
pub(super) const SALT: usize = 16;

/// Why a file with other content is not read.
pub(super) const NOT_A_KEY: &str = "it is not an authctl key";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kdf {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

/// The second line of the key file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kdf: Option<Kdf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) salt: Option<String>,
    /// The keys one after the other, the current one first; sealed unless the source is `file`.
    pub(super) keys: String,
}

/// A store's keys: new records are sealed with the first, old ones may still need the others.
#[derive(Clone)]
pub struct Keys(pub(super) Zeroizing<Vec<u8>>);

impl Keys {
    pub(super) fn parse(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        let whole = !bytes.is_empty() && bytes.len().is_multiple_of(32) && bytes.len() <= 32 * MOST_KEYS;
        whole.then_some(Self(bytes))
    }

    pub(super) fn new(random: &dyn crate::ports::Random) -> Self {
        let mut key = Zeroizing::new(vec![0; 32]);
        random.fill(&mut key);
        Self(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = SealingKey> + '_ {
        self.0.chunks_exact(32).filter_map(|key| Some(SealingKey::new(key.try_into().ok()?)))
    }

    pub fn current(&self) -> SealingKey {
        self.iter().next().unwrap_or_else(|| SealingKey::new([0; 32]))
    }

    /// Adds a new current key before the existing ones. After too many interrupted changes, the newest of their keys is
    /// used again instead, because a record may still need any of the others.
    pub fn followed_by_new(&self, random: &dyn crate::ports::Random) -> Self {
        if self.0.len() >= 32 * MOST_KEYS {
            return self.clone();
        }
        let new = Self::new(random);
        Self(Zeroizing::new([new.0.as_slice(), &self.0].concat()))
    }

    pub fn current_alone(&self) -> Self {
        Self(Zeroizing::new(self.0[..32].to_vec()))
    }
}

pub(super) fn parse(bytes: &[u8], place: &str) -> Result<Stored, StoreError> {
    let corrupt = |reason: &str| StoreError::corrupt(place, reason);
    let text = std::str::from_utf8(bytes).ok();
    let (magic, rest) = text.and_then(|text| text.split_once('\n')).ok_or_else(|| corrupt(NOT_A_KEY))?;
    match magic {
        MAGIC_1 => Ok(Stored {
            source: KeySource::File.name().to_owned(),
            kdf: None,
            salt: None,
            keys: rest.trim().to_owned(),
        }),
        MAGIC_2 => serde_json::from_str(rest).map_err(|_| corrupt(NOT_A_KEY)),
        _ => Err(corrupt("it is not a key of this authctl version")),
    }
}

pub(super) fn associated_data(source: &str) -> String {
    format!("{MAGIC_2} {source}")
}

pub(super) fn encode(stored: &Stored) -> SecretText {
    SecretText::new(format!("{MAGIC_2}\n{}\n", serde_json::to_string(stored).unwrap_or_default()))
}

pub(super) fn derive(kdf: Kdf, salt: &[u8], passphrase: &SecretText) -> Option<SealingKey> {
    let params = Params::new(kdf.memory_kib, kdf.passes, kdf.lanes, Some(32)).ok()?;
    let mut key = SealingKey::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *key)
        .ok()?;
    Some(key)
}

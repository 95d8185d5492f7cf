//! Where the key of sealed records comes from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::time::Duration;
use zeroize::Zeroizing;

use crate::ports::{Processes, Program};
use crate::store::error::StoreError;
use crate::store::sealed::cipher::SealingKey;

/// How long a program may take to print the key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeySource {
    /// The key file itself. This protects only copies of the records that do not include the file.
    #[default]
    File,
    /// A passphrase that the user types, stored in the kernel's keyring for a while.
    Passphrase,
    /// A program that prints 32 bytes in base64.
    Command(Vec<String>),
}

impl KeySource {
    /// The name in the configuration and the key file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Passphrase => "passphrase",
            Self::Command(_) => "command",
        }
    }
}

pub(super) fn printed(processes: &dyn Processes, command: &[String]) -> Result<SealingKey, StoreError> {
    let withheld = BTreeSet::new();
    let program = Program { command, timeout: COMMAND_TIMEOUT, withheld: &withheld, input: None };
    let text = processes.output(&program)?;
    let bytes = STANDARD.decode(text.expose().trim()).map(Zeroizing::new).unwrap_or_default();
    let key: Result<[u8; 32], _> = bytes.as_slice().try_into();
    key.map(SealingKey::new).map_err(|_| StoreError::NoKeyPrinted)
}

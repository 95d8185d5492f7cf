//! Stored records, which an attacker may have modified.

use super::world::Fixed;
use crate::binding::Binding;
use crate::name::ProviderName;
use crate::secret::SecretText;
use crate::store::record::{Record, RecordName};
use crate::store::sealed::cipher::{SealingKey, claimed_binding, open, seal, unwrap, wrap};

/// The text of the only sealed record that opens.
const TEXT: &[u8] = b"the text of the record";

fn place() -> Option<(SealingKey, RecordName, Binding)> {
    let binding = Binding::default().with(Binding::ISSUER, "https://as.example");
    let provider: ProviderName = "demo".parse().ok()?;
    let name = RecordName::of_secret(&provider, "client_secret", &binding);
    Some((SealingKey::new([7; 32]), name, binding))
}

/// A sealed record, a wrapped key, or a record's text. Modified ones must not open, and reading and writing a record
/// must not change it.
pub(super) fn record(data: &[u8]) {
    let Some((key, name, binding)) = place() else { return };
    let sealed = seal(&key, &name, &binding, TEXT, &Fixed);
    assert_eq!(open(&key, &name, &binding, data).is_ok(), data == sealed, "a record that was changed opens");
    if let Ok(claimed) = claimed_binding(data) {
        let _ = open(&key, &name, &claimed, data);
    }
    let wrapped = wrap(&key, "the use", TEXT, &Fixed);
    assert_eq!(unwrap(&key, "the use", data).is_some(), data == wrapped, "a key that was changed opens");

    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(value) = serde_json::from_str::<Record>(text) else { return };
    let Ok(provider) = value.provider.parse::<ProviderName>() else { return };
    let name = value.name(&provider);
    assert!(RecordName::stored(name.as_str().to_owned()).is_some(), "{name} is not a name for a store");
    if let Ok(decoded) = Record::decode(&SecretText::new(text), &name) {
        let written = decoded.encode();
        let again = Record::decode(&written, &name).map(|record| record.encode().expose().to_owned());
        assert_eq!(again.ok().as_deref(), Some(written.expose()), "a record is not read back as it was");
    }
}

//! The message bus: a single message, and a whole session with a hostile bus.

use crate::store::keyring::secret_service::wire::{Call, Kind, Message, Reader, Writer, message_length};

/// One message: its length, its header, and its body, which is read as every kind of body that a keyring sends.
pub(super) fn message(data: &[u8]) {
    if let Some(head) = data.first_chunk() {
        let length = message_length(head);
        assert!(length.is_err() || Message::parse(data).is_err() || length == Ok(data.len()));
    }
    let Ok(message) = Message::parse(data) else { return };
    let read = |signature: &str, read: &dyn Fn(&mut Reader<'_>)| {
        if let Ok(mut body) = message.body(signature) {
            read(&mut body);
        }
    };
    read("o", &|body| drop(body.text()));
    read("v", &|body| {
        let _ = body.variant("b").and_then(|()| body.boolean());
    });
    read("aoao", &|body| drop(body.array(4, Reader::text).and_then(|_| body.array(4, Reader::text))));
    read("(oayays)", &|body| drop(body.structure().and_then(|()| body.text()).and_then(|_| body.bytes())));
    if let Ok(mut body) = message.body(&message.signature) {
        let _ = body.skip_variant();
    }
    // A message that authctl writes must be read back unchanged.
    let mut body = Writer::default();
    body.dictionary(&[(&message.path, &message.error)]);
    let written = Call {
        destination: "org.example",
        path: &message.path,
        interface: "org.example.Interface",
        member: &message.member,
        signature: "a{ss}",
        body,
    }
    .message(message.reply_to);
    let again = Message::parse(&written);
    assert!(again.is_ok(), "authctl cannot read its own message: {:?}", &written[..]);
    let Ok(again) = again else { return };
    assert_eq!((&again.path, &again.member, again.kind), (&message.path, &message.member, Kind::Other));
    let entries =
        again.body("a{ss}").and_then(|mut body| body.array(8, |entry| Ok((entry.text()?, entry.text()?))));
    assert_eq!(entries, Ok(vec![(message.path.clone(), message.error.clone())]));
}

/// A keyring on a bus that answers every connection with the same bytes and then closes it.
#[cfg(target_os = "linux")]
pub(super) fn session(data: &[u8]) {
    use std::collections::HashMap;

    use keyring_core::api::CredentialStoreApi as _;

    use crate::store::keyring::secret_service::SecretService;

    let Some(address) = answering::with(data) else { return };
    let keyring = SecretService::new(address);
    let told = |error: keyring_core::Error| {
        super::harmless::assert_harmless("the keyring's error", &error.to_string())
    };
    if let Err(error) = keyring.search(&HashMap::from([("service", "authctl")])) {
        told(error);
    }
    if let Ok(entry) = keyring.build("authctl", "name", None) {
        entry.get_secret().map(drop).unwrap_or_else(told);
        entry.get_attributes().map(drop).unwrap_or_else(told);
        entry.delete_credential().unwrap_or_else(told);
    }
    keyring.unlock().unwrap_or_else(told);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn session(_: &[u8]) {}

/// The bus of this thread.
#[cfg(target_os = "linux")]
mod answering {
    use std::io::{Read as _, Write as _};
    use std::net::Shutdown;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener};
    use std::sync::{Arc, Mutex, PoisonError};

    /// A socket accepts this much without waiting for its reader.
    const LONGEST: usize = 64 << 10;

    struct Bus {
        address: String,
        answer: Arc<Mutex<Vec<u8>>>,
    }

    thread_local! {
        static BUS: Option<Bus> = start().ok();
    }

    /// The address of a bus that sends `answer`.
    pub(super) fn with(answer: &[u8]) -> Option<String> {
        if answer.len() > LONGEST {
            return None;
        }
        BUS.with(|bus| {
            let bus = bus.as_ref()?;
            *bus.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer.to_vec();
            Some(bus.address.clone())
        })
    }

    fn start() -> std::io::Result<Bus> {
        let name = format!("authctl-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        let answer = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&answer);
        std::thread::Builder::new().spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let answer = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let _ = connection.write_all(&answer);
                let _ = connection.shutdown(Shutdown::Write);
                // Read the requests, so that the client never writes to a closed connection.
                let _ = std::io::copy(&mut connection.take(1 << 20), &mut std::io::sink());
            }
        })?;
        let address = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
        Ok(Bus { address: format!("unix:abstract={address}"), answer })
    }
}

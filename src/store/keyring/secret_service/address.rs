//! The address of the session's message bus (D-Bus specification, "Server Addresses"), and whether the process there
//! may receive a secret.
//!
//! The address comes from the environment and can be stale. Another user who binds a socket there would receive every
//! record (F-KR6), so the bus must run as this user or root, and have the GUID in the address.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::process::{Uid, geteuid};

use crate::store::keyring::secret_service::error::{BusError, UntrustedBus};
use crate::text::untrusted::escaped;

/// A message bus address that is a Unix socket.
#[derive(Debug)]
pub(crate) struct Address {
    text: String,
    socket: Result<SocketAddrUnix, Errno>,
    guid: Option<Vec<u8>>,
}

impl Address {
    /// The Unix sockets in a list of addresses, in the order to try them.
    pub(crate) fn list(addresses: &str) -> impl Iterator<Item = Self> {
        addresses.split(';').filter_map(Self::parse)
    }

    fn parse(text: &str) -> Option<Self> {
        let parameters = text.trim().strip_prefix("unix:")?;
        let parameter = |name: &str| {
            let mut pairs = parameters.split(',').filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.find(|(present, _)| *present == name)?;
            Some(percent_encoding::percent_decode_str(value).collect::<Vec<u8>>())
        };
        let socket = match (parameter("path"), parameter("abstract")) {
            (Some(path), _) => SocketAddrUnix::new(path),
            (None, Some(name)) => SocketAddrUnix::new_abstract_name(&name),
            (None, None) => return None,
        };
        Some(Self { text: escaped(text.trim()), socket, guid: parameter("guid") })
    }

    /// Connects, unless another user's process listens there.
    pub(crate) fn connect(&self, time: Duration) -> Result<UnixStream, BusError> {
        let stream = self.connect_socket(time).map_err(|error| match error {
            Errno::AGAIN => BusError::TimedOut,
            error => BusError::NoBus(error.to_string()),
        })?;
        let peer = socket_peercred(&stream).map(|peer| peer.uid);
        self.check_owner(peer, geteuid()).map(|()| stream).map_err(BusError::from)
    }

    /// Gives up after `time` if the listener accepts no more connections.
    fn connect_socket(&self, time: Duration) -> Result<UnixStream, Errno> {
        let address = self.socket.as_ref().map_err(|error| *error)?;
        let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        set_socket_timeout(&socket, Timeout::Send, Some(time))?;
        net::connect(&socket, address)?;
        Ok(UnixStream::from(socket))
    }

    /// A bus must run as this user or root. If the system does not say which user runs it, it is refused.
    fn check_owner(&self, peer: Result<Uid, Errno>, own: Uid) -> Result<(), UntrustedBus> {
        let address = || self.text.clone();
        match peer {
            Ok(peer) if peer == own || peer.is_root() => Ok(()),
            Ok(peer) => Err(UntrustedBus::OtherUser { address: address(), user: user(peer) }),
            Err(reason) => Err(UntrustedBus::UnknownUser { address: address(), reason }),
        }
    }

    /// Checks the bus's answer to `AUTH`: `OK` and its GUID, without the line ending (D-Bus specification, "OK
    /// Command").
    pub(crate) fn check_answer(&self, line: &[u8]) -> Result<(), UntrustedBus> {
        let address = || self.text.clone();
        let mut words = line.split(|byte| *byte == b' ');
        if words.next() != Some(b"OK") {
            return Err(UntrustedBus::Rejected { address: address() });
        }
        let found = words.next().unwrap_or_default();
        match &self.guid {
            Some(guid) if !guid.eq_ignore_ascii_case(found) => {
                Err(UntrustedBus::OtherGuid { address: address() })
            }
            _ => Ok(()),
        }
    }
}

/// A user's name and ID, as in `alice (uid 1000)`.
fn user(uid: Uid) -> String {
    let uid = uid.as_raw();
    match nix::unistd::User::from_uid(uid.into()) {
        Ok(Some(user)) => format!("{} (uid {uid})", escaped(&user.name)),
        _ => format!("with uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(address: &Address) -> Vec<u8> {
        let socket = address.socket.as_ref().unwrap();
        socket.path_bytes().or(socket.abstract_name()).unwrap().to_vec()
    }

    #[test]
    fn only_unix_sockets_are_addresses_and_keep_their_order() {
        for (name, text, want) in [
            ("a path", "unix:path=/run/user/1/bus", &["/run/user/1/bus"][..]),
            ("an abstract name", "unix:abstract=/tmp/dbus-x", &["/tmp/dbus-x"]),
            ("escapes", "unix:path=/a%20b%2cc", &["/a b,c"]),
            ("a list", "tcp:host=h,port=1;unix:path=/a;;unix:abstract=b,guid=0a", &["/a", "b"]),
            ("no socket", "unix:tmpdir=/tmp;autolaunch:;unix:;unixexec:path=x", &[]),
            ("nothing", "", &[]),
        ] {
            let sockets: Vec<Vec<u8>> = Address::list(text).map(|address| socket(&address)).collect();
            let want: Vec<Vec<u8>> = want.iter().map(|socket| socket.as_bytes().to_vec()).collect();
            assert_eq!(sockets, want, "{name}");
        }
        // A path need not be UTF-8.
        assert_eq!(socket(&Address::parse("unix:path=/%ff").unwrap()), b"/\xff");
    }

    /// F-KR6
    #[test]
    fn only_this_user_and_root_may_run_the_bus() {
        let address = Address::parse("unix:path=/b\u{1b}us").unwrap();
        let (own, other) = (Uid::from_raw(1000), Uid::from_raw(0x7fff_fff0));
        for (name, peer, refused) in [
            ("this user", Ok(own), ""),
            ("root", Ok(Uid::ROOT), ""),
            ("another user", Ok(other), "belongs to the user with uid 2147483632"),
            ("not told", Err(Errno::NOPROTOOPT), "cannot tell which user"),
        ] {
            let said =
                address.check_owner(peer, own).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(refused) && said.is_empty() == refused.is_empty(), "{name}: {said}");
            assert!(!said.contains('\u{1b}'), "{name}: {said}");
        }
        // Root is given no bus of another user either.
        assert!(address.check_owner(Ok(other), Uid::ROOT).is_err());
        assert!(user(Uid::ROOT).contains("root (uid 0)"));
    }

    /// F-KR6
    #[test]
    fn the_bus_must_have_the_guid_that_its_address_names() {
        for (name, address, line, want) in [
            ("same", "unix:path=/b,guid=0aff", "OK 0aff", true),
            ("same in capitals", "unix:path=/b,guid=0AFF", "OK 0aff", true),
            ("another", "unix:path=/b,guid=0aff", "OK 0afe", false),
            ("longer", "unix:path=/b,guid=0aff", "OK 0aff0", false),
            ("none in the answer", "unix:path=/b,guid=0aff", "OK", false),
            ("empty in the address", "unix:path=/b,guid=", "OK 0aff", false),
            ("none in the address", "unix:path=/b", "OK 0aff", true),
            ("rejected", "unix:path=/b", "REJECTED EXTERNAL", false),
            ("another word", "unix:path=/b", "OKAY", false),
            ("nothing", "unix:path=/b", "", false),
        ] {
            let accepted = Address::parse(address).unwrap().check_answer(line.as_bytes()).is_ok();
            assert_eq!(accepted, want, "{name}");
        }
    }
}

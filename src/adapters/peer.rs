//! The user at the other end of a connection, according to the kernel.

use std::net::SocketAddr;

use crate::ports::peer::{Peer, Peers};

pub struct KernelTable;

impl Peers for KernelTable {
    fn user(&self, other: SocketAddr, here: SocketAddr) -> Peer {
        user(other, here)
    }
}

/// Whether a user may use the socket: this one, or root, who can read everything anyway.
#[cfg(unix)]
pub(super) fn may_ask(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

#[cfg(target_os = "linux")]
pub(super) fn user(other: SocketAddr, here: SocketAddr) -> Peer {
    // A client with a dual-stack socket is listed in the IPv6 table.
    let found = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = std::io::BufReader::new(std::fs::File::open(table).ok()?);
        owner(table, other, here)
    });
    match found {
        None => Peer::Unknown,
        Some(user) if user == rustix::process::geteuid().as_raw() => Peer::Own,
        Some(0) => Peer::Root,
        Some(user) if crate::os::users::may_stand_for_another(user) => Peer::Unknown,
        Some(user) => Peer::Other(user),
    }
}

/// Other systems do not say.
#[cfg(not(target_os = "linux"))]
pub(super) fn user(_: SocketAddr, _: SocketAddr) -> Peer {
    Peer::Unknown
}

/// The owner of the socket that is connected from one address to another, in a table as in proc(5). A socket that its
/// process has closed has no inode and is listed as root's: nobody holds it.
#[cfg(target_os = "linux")]
fn owner(table: impl std::io::BufRead, from: SocketAddr, to: SocketAddr) -> Option<u32> {
    table.lines().skip(1).map_while(Result::ok).find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let &[_, local, remote, _, _, _, _, user, _, inode, ..] = columns.as_slice() else {
            return None;
        };
        let is_it = inode != "0" && is(local, from) && is(remote, to);
        is_it.then(|| user.parse().ok()).flatten()
    })
}

/// Whether the kernel's notation of an address, in words of its own byte order, matches this address.
#[cfg(target_os = "linux")]
fn is(written: &str, address: SocketAddr) -> bool {
    let words = |bytes: &[u8]| {
        let words =
            bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        words.map(|word| format!("{word:08X}")).collect::<String>()
    };
    let Some((host, port)) = written.split_once(':') else { return false };
    if u16::from_str_radix(port, 16) != Ok(address.port()) {
        return false;
    }
    match address.ip() {
        std::net::IpAddr::V4(ip) => {
            host == words(&ip.octets()) || host == words(&ip.to_ipv6_mapped().octets())
        }
        std::net::IpAddr::V6(ip) => host == words(&ip.octets()),
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_connection_is_found_f_cb20() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
        let line = |local: &str, remote: &str, state: &str, inode: &str| {
            format!(
                "{head}   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0 20\n"
            )
        };
        let from = "127.0.0.1:40000".parse().unwrap();
        let to = "127.0.0.1:8080".parse().unwrap();
        let (client, server) = ("0100007F:9C40", "0100007F:1F90");
        let mapped = |address: &str| format!("0000000000000000FFFF0000{address}");
        for (name, table, want) in [
            ("the client", line(client, server, "01", "7"), Some(1000)),
            ("by IPv6", line(&mapped(client), &mapped(server), "01", "7"), Some(1000)),
            ("a client that has said all it wants to say", line(client, server, "05", "7"), Some(1000)),
            ("the server's own end", line(server, client, "01", "7"), None),
            ("closed by its process", line(client, server, "05", "0"), None),
            ("another port", line("0100007F:9C41", server, "01", "7"), None),
            ("nothing", head.to_owned(), None),
            ("nonsense", "x\ny z\n".to_owned(), None),
        ] {
            if cfg!(target_endian = "little") {
                assert_eq!(owner(table.as_bytes(), from, to), want, "{name}");
            }
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(here).unwrap();
        let (_accepted, other) = listener.accept().unwrap();
        assert_eq!(user(other, here), Peer::Own);
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(user(other, here), Peer::Own, "it still waits for the answer");
        drop(client);
        assert_eq!(user(other, here), Peer::Unknown, "nobody holds it any more");
    }
}

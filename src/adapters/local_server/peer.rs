//! Whose the other end of a connection is.

use std::net::SocketAddr;

/// Whether a user may ask on the socket: this one, or root, who could read everything anyway.
#[cfg(unix)]
pub(super) fn may_ask(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

/// Whether the other end of a connection on the loopback interface is a process of this user, as the kernel says.
#[cfg(target_os = "linux")]
pub(super) fn is_own_user(other: SocketAddr, here: SocketAddr) -> bool {
    let user = rustix::process::geteuid().as_raw();
    // A client with a socket of both families is listed with those of IPv6.
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .find_map(|table| owner(&table, other, here))
        == Some(user)
}

/// Elsewhere nobody says so.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_own_user(_: SocketAddr, _: SocketAddr) -> bool {
    false
}

/// The owner of the connected socket from one address to another, in a table as proc(5) describes it. A socket whose
/// process closed it is listed as root's: it is none that is connected.
#[cfg(target_os = "linux")]
fn owner(table: &str, from: SocketAddr, to: SocketAddr) -> Option<u32> {
    const ESTABLISHED: &str = "01";
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let &[_, local, remote, state, _, _, _, user, _, inode, ..] = columns.as_slice() else {
            return None;
        };
        let is_it = state == ESTABLISHED && inode != "0" && is(local, from) && is(remote, to);
        is_it.then(|| user.parse().ok()).flatten()
    })
}

/// Whether the kernel's way to write an address, in words of its own byte order, means this one.
#[cfg(target_os = "linux")]
fn is(written: &str, address: SocketAddr) -> bool {
    let words = |bytes: &[u8]| {
        let words =
            bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        words.map(|word| format!("{word:08X}")).collect::<String>()
    };
    let Some((host, port)) = written.split_once(':') else { return false };
    let host_is = match address.ip() {
        std::net::IpAddr::V4(ip) => {
            host == words(&ip.octets()) || host == words(&ip.to_ipv6_mapped().octets())
        }
        std::net::IpAddr::V6(ip) => host == words(&ip.octets()),
    };
    host_is && u16::from_str_radix(port, 16) == Ok(address.port())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_connection_is_found() {
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
            ("the server's own end", line(server, client, "01", "7"), None),
            ("closed by its process", line(client, server, "04", "7"), None),
            ("an orphan", line(client, server, "01", "0"), None),
            ("another port", line("0100007F:9C41", server, "01", "7"), None),
            ("nothing", head.to_owned(), None),
            ("nonsense", "x\ny z\n".to_owned(), None),
        ] {
            if cfg!(target_endian = "little") {
                assert_eq!(owner(&table, from, to), want, "{name}");
            }
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(here).unwrap();
        let (_accepted, other) = listener.accept().unwrap();
        assert!(is_own_user(other, here));
        drop(client);
        assert!(!is_own_user(other, here), "it is closed, and nobody's");
    }
}

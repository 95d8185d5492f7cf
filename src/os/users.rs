//! User IDs that stand for unknown users in a user namespace.

/// Whether the kernel uses this ID for every user outside of this user namespace, such as everybody outside of a
/// container.
pub fn may_stand_for_another(user: u32) -> bool {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let overflow = read("/proc/sys/kernel/overflowuid").trim().parse().unwrap_or(65534);
    user == overflow && !knows_every_user(&read("/proc/self/uid_map"))
}

/// Whether a user namespace maps all of the machine's users, by its map in the form of user_namespaces(7).
fn knows_every_user(map: &str) -> bool {
    map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_namespace_knows_every_user() {
        for (name, map, want) in [
            ("the machine's own", "         0          0 4294967295\n", true),
            ("a container's", "         0     100000      65536\n", false),
            ("a sandbox's", "      1000       1000          1\n", false),
            ("unreadable", "", false),
        ] {
            assert_eq!(knows_every_user(map), want, "{name}");
        }
    }
}

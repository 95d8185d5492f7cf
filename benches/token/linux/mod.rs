//! Measures `authctl token` against other programs, as whole processes: `cargo bench --bench token`.
//!
//! All subjects run in the same rounds, in a new order each round. The result is the median of the ratios within a
//! round, because absolute times depend on the machine and its load. The message bus with gnome-keyring is private, the
//! homes are empty, the server is on loopback.
//!
//! ```text
//! cargo bench --bench token                     the table in docs/performance.md
//! cargo bench --bench token -- --rounds 200     more rounds (60 by default)
//! cargo bench --bench token -- --only cached    one part: cached, refreshed, crowded or at-once
//! cargo bench --bench token -- --endurance      10,000 reads one after the other, 50 times 40 at once
//! AUTHCTL_STATIC=PATH cargo bench --bench token  a static build beside the ordinary one
//! ```

mod cases;
mod homes;
#[path = "../../../tests/cli/support/http/mod.rs"]
mod http;
mod measure;
#[path = "../../../tests/e2e/parts/mod.rs"]
mod parts;

use keyring_core::api::CredentialStoreApi as _;

use self::cases::{at_once, cached, crowded, endurance, refreshed};

pub fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let rounds = arguments.iter().position(|argument| argument == "--rounds");
    let rounds = rounds.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(60);
    if arguments.iter().any(|argument| argument == "--endurance") {
        return endurance();
    }
    println!("| what | compared with | ratio | wanted |\n|---|---|---|---|");
    let only = arguments.iter().position(|argument| argument == "--only");
    let only = only.and_then(|at| arguments.get(at + 1));
    let is_wanted = |part: &str| only.is_none_or(|only| only == part);
    if is_wanted("cached") {
        cached(rounds);
    }
    if is_wanted("refreshed") {
        refreshed(rounds);
    }
    if is_wanted("crowded") {
        crowded(rounds);
    }
    if is_wanted("at-once") {
        at_once(rounds);
    }
    let _ =
        std::fs::remove_dir_all(std::env::temp_dir().join(format!("authctl-bench-{}", std::process::id())));
}

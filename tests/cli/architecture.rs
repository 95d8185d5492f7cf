//! The direction of the house: no module uses one above it.

use std::path::Path;

/// The modules from the top down; those of one line may use each other.
const LEVELS: &[&[&str]] = &[
    &["fuzzing"],
    &["adapters"],
    &["cli"],
    &["commands", "helper", "app"],
    &["error"],
    &["session"],
    &["config", "format", "discovery", "provider"],
    &["loopback", "secret_source"],
    &["store"],
    &["oauth"],
    &["ports"],
    &["token", "schema"],
    &["name", "binding", "os"],
    &["secret", "text", "advice", "failpoint"],
];

fn level(module: &str) -> usize {
    let found = LEVELS.iter().position(|level| level.contains(&module));
    found.unwrap_or_else(|| panic!("the module `{module}` has no level"))
}

#[test]
fn every_use_points_downward() {
    let mut problems = Vec::new();
    let mut seen = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let root = folders[0].clone();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(&root).unwrap();
            let module =
                inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
            if path.extension().is_none_or(|ending| ending != "rs") || matches!(module, "main" | "lib") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices("crate::") {
                let used: String =
                    text[at + 7..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                seen += 1;
                if !used.is_empty() && level(&used) < level(module) {
                    problems.push(format!("{} uses crate::{used}", inside.display()));
                }
            }
        }
    }
    assert!(seen > 100, "the uses were not found");
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn the_packages_have_a_budget() {
    let lock = include_str!("../../Cargo.lock");
    let count = lock.matches("[[package]]").count();
    assert!(count <= 360, "{count} packages in Cargo.lock: what does the new one bring along?");
}

//! The architecture holds: dependencies point downward, no files use each other in a circle, and files stay small.
//!
//! Everything is read from the tokens of the source files, so that a `use` in a group, a `super::`, a path in the middle of
//! an expression and one inside a macro all count. Unit tests do not.

mod picture;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use self::source::{File, files};

/// The layers from the top down, each with what it does. A module uses those in lower layers only, and not its neighbours.
const LAYERS: &[(&[&str], &str)] = &[
    (&["fuzzing"], "hostile input for every parser; compiled for tests"),
    (&["adapters"], "the real machine behind the ports; used by `main` and the tests"),
    (&["cli"], "the command line, and the dispatch to a command"),
    (&["commands", "helper"], "one file per subcommand, one per protocol of another program"),
    (&["app"], "what commands and helpers share"),
    (&["error"], "where a failure becomes an exit status and a hint"),
    (&["session"], "the use cases: get a token, log in, log out"),
    (&["config", "format"], "TOML and variables become providers; tokens become output"),
    (&["provider"], "where tokens come from: one file per kind or grant"),
    (&["discovery", "loopback", "secret_source"], "what providers work with"),
    (&["store"], "records, each bound to where it may be sent"),
    (&["oauth"], "the protocol: values in, values out"),
    (&["ports"], "the network, browser, clock, terminal and everything else outside"),
    (&["token", "schema"], "tokens, and the keys of configuration tables"),
    (&["name", "binding", "os"], "names, bindings, and what the operating system is asked directly"),
    (
        &["secret", "text", "failpoint", "advice"],
        "secrets, text that must be escaped, advice on errors, injected faults",
    ),
];

/// Files may be longer than this only if they are among the few that may, and say why in their first comment.
const LONG_FILE: usize = 350;
const MOST_LONG_FILES: usize = 3;
/// Half of all files are not longer than this.
const MEDIAN_FILE: usize = 110;
const LONGEST_FUNCTION: usize = 60;

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|(modules, _)| modules.contains(&module));
    found.unwrap_or_else(|| panic!("the module `{module}` is in no layer: add it to LAYERS"))
}

/// Each use of a module that is not in a lower layer, as `user -> used`.
fn upward_uses(files: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| !file.module.is_empty()) {
        let user = &file.module[0];
        for path in &file.uses {
            let used = path.first().filter(|used| *used != user);
            // A path that names no module is an item of lib.rs.
            let is_downward = used.is_none_or(|used| {
                LAYERS.iter().any(|(modules, _)| modules.contains(&used.as_str()))
                    && layer(used) > layer(user)
            });
            if !is_downward {
                problems.push(format!("{} -> {}", file.path, path.join("::")));
            }
        }
    }
    problems
}

/// Files that use each other in a circle, as the path that leads around it.
fn circles(files: &[File]) -> Vec<String> {
    let by_module: BTreeMap<&[String], usize> =
        files.iter().enumerate().map(|(at, file)| (file.module.as_slice(), at)).collect();
    let owner = |path: &[String]| (0..=path.len()).rev().find_map(|end| by_module.get(&path[..end]).copied());
    let edges: Vec<BTreeSet<usize>> = files
        .iter()
        .enumerate()
        .map(|(at, file)| {
            file.uses.iter().filter_map(|path| owner(path)).filter(|&used| used != at).collect()
        })
        .collect();
    let mut found = BTreeSet::new();
    for start in 0..files.len() {
        if let Some(circle) = shortest_way(&edges, start) {
            let smallest = (0..circle.len()).min_by_key(|&at| circle[at]).unwrap_or_default();
            let turned = circle[smallest..].iter().chain(&circle[..smallest]);
            let names: Vec<&str> = turned.map(|&at| files[at].path.as_str()).collect();
            found.insert(format!("{} -> {}", names.join(" -> "), names[0]));
        }
    }
    found.into_iter().collect()
}

/// The shortest way from a file back to itself.
fn shortest_way(edges: &[BTreeSet<usize>], start: usize) -> Option<Vec<usize>> {
    let mut from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut waiting = std::collections::VecDeque::from([start]);
    while let Some(at) = waiting.pop_front() {
        for &next in &edges[at] {
            if next == start {
                let mut way = vec![at];
                while way[way.len() - 1] != start {
                    way.push(from[&way[way.len() - 1]]);
                }
                way.reverse();
                return Some(way);
            }
            if let std::collections::btree_map::Entry::Vacant(unseen) = from.entry(next) {
                unseen.insert(at);
                waiting.push_back(next);
            }
        }
    }
    None
}

#[test]
fn every_use_points_downward() {
    let files = files("src");
    let seen: usize = files.iter().map(|file| file.uses.len()).sum();
    assert!(seen > 1_000, "only {seen} uses were found");
    let problems = upward_uses(&files);
    assert!(problems.is_empty(), "{} uses point upward or sideways: {problems:#?}", problems.len());
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let problems = circles(&files("src"));
    assert!(problems.is_empty(), "{} circles: {problems:#?}", problems.len());
}

/// Every form in which one file can use another is found, and each wrong one is reported.
#[test]
fn every_form_of_use_is_read() {
    for (name, text, want) in [
        ("a use", "use crate::cli::Cli;", "cli::Cli"),
        ("a group", "use crate::{name::Name, cli::{run}};", "cli::run"),
        ("another name", "use crate::cli as command_line;", "cli"),
        ("a re-export", "pub use crate::cli::Cli;", "cli::Cli"),
        ("everything", "use crate::cli::*;", "cli"),
        ("super", "use super::super::cli::Cli;", "cli::Cli"),
        ("an expression", "fn f() { crate::cli::run(); }", "cli::run"),
        ("a type", "fn f(_: &super::super::cli::Cli) {}", "cli::Cli"),
        ("a macro", "fn f() { println!(\"{}\", crate::cli::NAME) }", "cli::NAME"),
        ("a visibility", "pub(in crate::store) fn f() {}", ""),
        ("a comment", "// crate::cli::run\n", ""),
        ("a string", "const X: &str = \"crate::cli::run\";", ""),
        ("a unit test", "#[cfg(test)]\nmod tests { use crate::cli::Cli; }", ""),
    ] {
        let file = File::parse("store/record.rs", text);
        let problems = upward_uses(std::slice::from_ref(&file));
        let wanted: Vec<String> = Some(want)
            .filter(|want| !want.is_empty())
            .map(|want| format!("store/record.rs -> {want}"))
            .into_iter()
            .collect();
        assert_eq!(problems, wanted, "{name}");
    }
}

#[test]
fn every_circle_is_found() {
    let file = |path: &str, text: &str| File::parse(path, text);
    for (name, files, want) in [
        ("none", vec![file("a.rs", "use crate::b::B;"), file("b.rs", "")], vec![]),
        (
            "two files",
            vec![file("a.rs", "use crate::b::B;"), file("b.rs", "use super::a::A;")],
            vec!["a.rs -> b.rs -> a.rs"],
        ),
        (
            "a module and its child",
            vec![file("a/mod.rs", "mod b;\nuse b::B;"), file("a/b.rs", "use super::A;")],
            vec!["a/mod.rs -> a/b.rs -> a/mod.rs"],
        ),
        (
            "a module that only declares its child",
            vec![file("a/mod.rs", "mod b;"), file("a/b.rs", "use super::A;")],
            vec![],
        ),
        (
            "three files",
            vec![
                file("a.rs", "use crate::b::B;"),
                file("b.rs", "fn f() { crate::c::g() }"),
                file("c.rs", "use crate::{a::A};"),
            ],
            vec!["a.rs -> b.rs -> c.rs -> a.rs"],
        ),
    ] {
        assert_eq!(circles(&files), want, "{name}");
    }
}

/// The domain reports through values and the prompter; only the layers at the top write to the terminal.
#[test]
fn only_the_top_layers_use_the_console() {
    let domain = layer("session");
    let mut problems = Vec::new();
    for file in files("src").iter().filter(|file| !file.module.is_empty()) {
        let is_domain = (domain..layer("ports")).contains(&layer(&file.module[0]));
        if is_domain && file.mentions("console") {
            problems.push(file.path.clone());
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn files_and_functions_stay_small() {
    let mut problems = Vec::new();
    let mut lengths = Vec::new();
    let mut long = Vec::new();
    for file in ["src", "tests", "benches", "fuzz/fuzz_targets"].into_iter().flat_map(files) {
        lengths.push(file.lines);
        if file.lines > LONG_FILE {
            long.push(format!("{} has {} lines", file.path, file.lines));
            if !file.says_why_it_is_long {
                problems
                    .push(format!("{} has {} lines and does not say why in its head", file.path, file.lines));
            }
        }
        for (function, lines) in &file.functions {
            if *lines > LONGEST_FUNCTION {
                problems.push(format!("{}: `{function}` has {lines} lines", file.path));
            }
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    if median > MEDIAN_FILE {
        problems.push(format!("the median file has {median} lines"));
    }
    if long.len() > MOST_LONG_FILES {
        problems.push(format!("{} files are longer than {LONG_FILE} lines: {long:#?}", long.len()));
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn the_packages_have_a_budget() {
    let lock = include_str!("../../../Cargo.lock");
    let count = lock.matches("[[package]]").count();
    assert!(count <= 360, "{count} packages in Cargo.lock: what does the new one bring along?");
}

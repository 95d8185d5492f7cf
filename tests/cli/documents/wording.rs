//! Turns of phrase that no native writer of technical English uses stay out of the program, its tests and its documents.
//!
//! A hit means "rewrite the sentence", not "swap the word".

use std::path::PathBuf;

use super::page::project;

/// This file, whose list is not prose.
const OURS: &str = "tests/cli/documents/wording.rs";

/// What the tests install, what fuzzing found, and a text that others wrote.
const SKIPPED: &[&str] = &["node_modules", "venv", "kubectl", "corpus", "debian/copyright"];

/// What not to write, and what to write instead. A phrase begins and ends at the end of a word.
const PHRASES: &[(&str, &str)] = &[
    ("in the place of", "instead of"),
    ("in its place", "instead"),
    ("cannot be had", "is not available"),
    ("can be had", "is available"),
    ("mend", "fix"),
    ("mended", "fixed"),
    ("mends", "fixes"),
    ("anew", "again"),
    ("is none of", "is not one of"),
    ("belongs into", "belongs in"),
    ("belong into", "belong in"),
    ("in nobody's arguments", "out of every process's arguments"),
    ("what is needed of", "name what is needed"),
    ("what is known of", "name what is known"),
    ("what is cached of", "its cached …"),
    ("is there already", "already exists"),
    ("are there already", "already exist"),
    ("that is meant", "selected"),
    ("is meant", "is selected"),
    ("so gets", "reword"),
    ("of elsewhere", "external"),
    ("of yours", "your …"),
    ("of theirs", "their …"),
    ("one file a", "one file per"),
    ("whoever", "anyone who"),
    ("whom", "who, or the host that"),
    ("beforehand", "first"),
    ("no more than that it", "reword"),
    ("knows no more", "no longer knows"),
    ("takes no more", "no longer takes"),
    ("what became of", "the result of"),
    ("further scopes", "additional scopes"),
    ("further hosts", "additional hosts"),
    ("by hand what", "reword"),
    ("is no name", "is not a valid name"),
    ("is no valid", "is not a valid"),
    ("the token ends", "the token expires"),
    ("the session ends", "the session expires"),
];

/// The phrases of a text, each with its line.
fn found(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (phrase, better) in PHRASES {
            let is_word = |position: usize| {
                let inside = |character: char| character.is_alphanumeric() || character == '_';
                !line[..position].ends_with(inside) && !line[position + phrase.len()..].starts_with(inside)
            };
            if line.match_indices(phrase).any(|(position, _)| is_word(position)) {
                found.push((at + 1, *phrase, *better));
            }
        }
    }
    found
}

#[test]
fn documents_and_source_are_written_in_plain_english() {
    let mut problems = Vec::new();
    let mut read = 0;
    let folders = [
        "src",
        "tests",
        "docs",
        "benches",
        "examples",
        "fuzz/fuzz_targets",
        "packaging",
        "completions",
        ".github",
    ];
    let pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Cargo.toml", "justfile"];
    let mut left: Vec<PathBuf> = folders.iter().chain(&pages).map(|name| project().join(name)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            left.extend(entries.filter(|entry| !SKIPPED.iter().any(|name| entry.ends_with(name))));
            continue;
        }
        let name = path.strip_prefix(project()).unwrap().display().to_string();
        let Some(text) = std::fs::read_to_string(&path).ok().filter(|_| name != OURS) else { continue };
        read += 1;
        problems.extend(
            found(&text)
                .into_iter()
                .map(|(line, phrase, better)| format!("{name}:{line}: “{phrase}”: {better}")),
        );
    }
    assert!(read > 300, "only {read} files were read");
    assert!(problems.is_empty(), "{} places: {problems:#?}", problems.len());
}

#[test]
fn documents_wording_is_found_as_whole_words() {
    for (text, want) in [
        ("Use this file in the place of the default", vec!["in the place of"]),
        ("Recommended amendments", vec![]),
        ("mend_it", vec![]),
        ("Mend it.", vec!["mend"]),
        ("a file of yours\nasked anew", vec!["of yours", "anew"]),
    ] {
        let phrases: Vec<&str> = found(text).into_iter().map(|(_, phrase, _)| phrase).collect();
        assert_eq!(phrases, want, "{text}");
    }
}

//! Turns of phrase that no native writer of technical English uses stay out of the program, its tests and its documents.
//!
//! A hit means "rewrite the sentence", not "swap the word".

use std::path::PathBuf;

use super::page::project;

/// This file, whose list is not prose.
const OURS: &str = "tests/cli/documents/wording.rs";

/// What the tests install, what fuzzing found, and a text that others wrote.
const SKIPPED: &[&str] = &["node_modules", "venv", "kubectl", "corpus", "debian/copyright"];

/// What not to write, and what to write instead. A phrase begins and ends at the end of a word. Its words are joined,
/// so that a search for the phrase does not find the list.
const PHRASES: &[(&str, &str)] = &[
    ("in_the_place_of", "instead of"),
    ("in_its_place", "instead"),
    ("cannot_be_had", "is not available"),
    ("can_be_had", "is available"),
    ("mend", "fix"),
    ("mended", "fixed"),
    ("mends", "fixes"),
    ("anew", "again"),
    ("is_none_of", "is not one of"),
    ("belongs_into", "belongs in"),
    ("belong_into", "belong in"),
    ("in_nobody's_arguments", "out of every process's arguments"),
    ("what_is_needed_of", "name what is needed"),
    ("what_is_known_of", "name what is known"),
    ("what_is_cached_of", "its cached …"),
    ("is_there_already", "already exists"),
    ("are_there_already", "already exist"),
    ("that_is_meant", "selected"),
    ("is_meant", "is selected"),
    ("so_gets", "reword"),
    ("of_elsewhere", "external"),
    ("of_yours", "your …"),
    ("of_theirs", "their …"),
    ("one_file_a", "one file per"),
    ("whoever", "anyone who"),
    ("whom", "who, or the host that"),
    ("beforehand", "first"),
    ("no_more_than_that_it", "reword"),
    ("knows_no_more", "no longer knows"),
    ("takes_no_more", "no longer takes"),
    ("what_became_of", "the result of"),
    ("further_scopes", "additional scopes"),
    ("further_hosts", "additional hosts"),
    ("by_hand_what", "reword"),
    ("is_no_name", "is not a valid name"),
    ("is_no_valid", "is not a valid"),
    ("the_token_ends", "the token expires"),
    ("the_session_ends", "the session expires"),
];

/// The phrases of a text, each with its line.
fn found(text: &str) -> Vec<(usize, String, &'static str)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (phrase, better) in PHRASES {
            let phrase = phrase.replace('_', " ");
            let is_word = |position: usize| {
                let inside = |character: char| character.is_alphanumeric() || character == '_';
                !line[..position].ends_with(inside) && !line[position + phrase.len()..].starts_with(inside)
            };
            if line.match_indices(&phrase).any(|(position, _)| is_word(position)) {
                found.push((at + 1, phrase, *better));
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
        ("Use it in the_place of the default", vec![]),
        ("Recommended amendments", vec![]),
        ("mend_it", vec![]),
        ("Mend it.", vec!["mend"]),
    ] {
        let phrases: Vec<String> = found(text).into_iter().map(|(_, phrase, _)| phrase).collect();
        assert_eq!(phrases, want, "{text}");
    }
}

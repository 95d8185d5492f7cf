//! `docs/threat-model.md` and the tests stay in step: every threat on the page names tests that exist and carry its id, and
//! every id in the source and in the tests has a row on the page.
//!
//! A test carries an id by its name (`f_cb5` anywhere in it), in a comment directly above it, or in its body, such as in the
//! name of a table's row. On the page a test is written as `cli NAME`: the test target (`unit` for the library's own tests),
//! then the name of its function.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::page::project;

const PAGE: &str = "docs/threat-model.md";
/// This file, whose examples are not citations.
const OURS: &str = "tests/cli/documents/threats.rs";
/// A row of the page.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    id: String,
    line: usize,
    tests: Vec<String>,
}

/// A Rust file, by its path in the project.
struct File {
    path: String,
    text: String,
}

/// The tests and the ids that the source files contain.
#[derive(Debug, Default)]
struct Cited {
    /// Each test, with the ids that it carries.
    tests: BTreeMap<String, BTreeSet<String>>,
    /// Each id, with the first place that cites it.
    ids: BTreeMap<String, String>,
}

/// The rows of the page: `| <a id="f-cb5"></a>F-CB5 | … | … | TESTS |`.
fn rows(page: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, line) in page.lines().enumerate() {
        let Some((anchor, rest)) =
            line.strip_prefix("| <a id=\"").and_then(|rest| rest.split_once("\"></a>"))
        else {
            continue;
        };
        let mut cells = rest.trim_end_matches(" |").split(" | ");
        let id = cells.next().unwrap().trim().to_owned();
        assert_eq!(anchor, id.to_lowercase(), "{PAGE}:{}: the anchor is not the id's", at + 1);
        let tests = cells.last().unwrap_or_default().split('`').skip(1).step_by(2);
        rows.push(Row { id, line: at + 1, tests: tests.map(str::to_owned).collect() });
    }
    rows
}

/// The ids in a text: `F-CB5`, `F-429`.
fn ids_in_text(text: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for (at, _) in text.match_indices("F-") {
        let is_inside_a_word =
            text[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '-');
        let rest = &text[at + 2..];
        let end = rest.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit()).unwrap_or(rest.len());
        if !is_inside_a_word && end > 1 {
            ids.push(format!("F-{}", &rest[..end]));
        }
    }
    ids
}

/// The ids in the name of a function: `f_cb5`. An id without a number counts only if the page has it.
fn ids_in_name(name: &str, known: &BTreeSet<String>) -> Vec<String> {
    let words: Vec<&str> = name.split('_').collect();
    let ids = words.windows(2).filter(|pair| pair[0] == "f").filter_map(|pair| {
        let id = format!("F-{}", pair[1].to_uppercase());
        let family = pair[1].trim_end_matches(|c: char| c.is_ascii_digit());
        let is_numbered = family.len() < pair[1].len()
            && family.len() > 1
            && family.chars().all(|c| c.is_ascii_lowercase());
        (is_numbered || known.contains(&id)).then_some(id)
    });
    ids.collect()
}

/// The test target of a file: `unit` for `src/oauth/redirect.rs`, `cli` for `tests/cli/serve.rs`.
fn target_of(path: &str) -> Option<&str> {
    let mut parts = path.strip_suffix(".rs")?.split('/');
    match parts.next()? {
        "src" => Some("unit"),
        "tests" => parts.next(),
        _ => None,
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Reads a file: its tests with their ids, and every id that it cites.
fn read(file: &File, known: &BTreeSet<String>, cited: &mut Cited) {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut cite = |id: &str, at: usize| {
        cited.ids.entry(id.to_owned()).or_insert_with(|| format!("{}:{}", file.path, at + 1));
    };
    let target = target_of(&file.path);
    for (at, line) in lines.iter().enumerate() {
        ids_in_text(line).iter().for_each(|id| cite(id, at));
        let code = line.trim_start();
        let function = code.strip_prefix("async ").unwrap_or(code).strip_prefix("fn ");
        let Some(name) = function.and_then(|rest| rest.split(['(', '<']).next()) else {
            continue;
        };
        let mut ids: BTreeSet<String> = ids_in_name(name, known).into_iter().collect();
        ids.iter().for_each(|id| cite(id, at));
        let above = lines[..at].iter().rev().map(|line| line.trim_start());
        let above: Vec<&str> =
            above.take_while(|line| !line.is_empty() && *line != "}" && !line.ends_with('{')).collect();
        let is_test = above.iter().any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"));
        let Some(target) = target.filter(|_| is_test) else { continue };
        let end = lines[at..].iter().position(|below| *below == format!("{}}}", &line[..indent(line)]));
        let body = &lines[at..at + end.unwrap_or(0)];
        ids.extend(above.iter().chain(body).flat_map(|line| ids_in_text(line)));
        cited.tests.entry(format!("{target} {name}")).or_default().extend(ids);
    }
}

/// Every mismatch, as one line each.
fn problems(rows: &[Row], files: &[File]) -> Vec<String> {
    let known: BTreeSet<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut cited = Cited::default();
    files.iter().for_each(|file| read(file, &known, &mut cited));
    let mut problems = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let (id, place) = (&row.id, format!("{PAGE}:{}", row.line));
        let carriers: Vec<&str> =
            cited.tests.iter().filter(|(_, ids)| ids.contains(id)).map(|(name, _)| name.as_str()).collect();
        let carriers = format!(
            "tests that carry it: {}",
            if carriers.is_empty() { "none".to_owned() } else { carriers.join(", ") }
        );
        if rows[..at].iter().any(|before| before.id == *id) {
            problems.push(format!("{place}: {id} has two rows"));
        }
        if row.tests.is_empty() {
            problems.push(format!("{place}: the row of {id} names no test; {carriers}"));
        }
        for test in &row.tests {
            match cited.tests.get(test) {
                None => {
                    problems.push(format!("{place}: {id} names `{test}`, which does not exist; {carriers}"))
                }
                Some(ids) if !ids.contains(id) => {
                    problems.push(format!(
                        "{place}: `{test}` does not carry {id}: put it in a comment above the test"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    let unknown = cited.ids.iter().filter(|(id, _)| !known.contains(*id));
    problems.extend(unknown.map(|(id, place)| format!("{place}: {id} has no row in {PAGE}")));
    problems
}

/// Every Rust file of the program, its tests, benchmarks and fuzz targets.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    let mut left: Vec<PathBuf> =
        ["src", "tests", "benches", "fuzz", "build.rs"].map(|name| project().join(name)).to_vec();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            let is_source = |entry: &PathBuf| !entry.ends_with("node_modules") && !entry.ends_with("target");
            left.extend(entries.filter(is_source));
        } else if path.extension() == Some("rs".as_ref()) && path != project().join(OURS) {
            let name = path.strip_prefix(project()).unwrap().display().to_string();
            files.push(File { path: name, text: std::fs::read_to_string(&path).unwrap() });
        }
    }
    files
}

#[test]
fn documents_every_threat_has_a_test_and_every_cited_threat_a_row() {
    let page = std::fs::read_to_string(project().join(PAGE)).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 50, "only {} rows were found in {PAGE}", rows.len());
    let problems = problems(&rows, &files());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every paragraph and list item in which docs/security.md or the README promises something links to a row. The items of a
/// list that a paragraph introduces with a colon need no link where that paragraph has one.
#[test]
fn documents_every_promise_links_to_its_row() {
    for (name, section, end) in [
        ("docs/security.md", "\n## At rest\n", "\n## What is not protected\n"),
        ("README.md", "\n## Security\n", "\nIt does not protect "),
    ] {
        let text = std::fs::read_to_string(project().join(name)).unwrap();
        let promises = text.split_once(section).and_then(|(_, rest)| rest.split_once(end));
        let (promises, _) = promises.unwrap_or_else(|| panic!("{name} has no section {section:?}"));
        let outside_blocks: Vec<&str> = promises.split("\n```").step_by(2).collect();
        let text = outside_blocks.join("\n\n").replace("\n- ", "\n\n- ");
        let parts = text.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
        let mut is_introduced = false;
        for part in parts.filter(|part| !part.starts_with('|')) {
            if part.starts_with('#') {
                is_introduced = false;
                continue;
            }
            let is_linked = part.contains("threat-model.md#f-");
            let is_item = part.starts_with("- ");
            assert!(
                is_linked || is_item && is_introduced,
                "{name}: a promise without a link to its row: {part}"
            );
            is_introduced = if is_item { is_introduced } else { is_linked && part.ends_with(':') };
        }
    }
}

#[test]
fn documents_each_mismatch_of_threats_and_tests_is_reported() {
    let page = "| <a id=\"f-cb5\"></a>F-CB5 | threat | answer | `cli f_cb5_host` |\n\
        | <a id=\"f-size\"></a>F-SIZE | threat | answer | `unit f_size_depth` |\n";
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let callback = file("tests/cli/callback.rs", "#[test]\nfn f_cb5_host() {\n}\n");
    let json = file("src/json.rs", "mod tests {\n    #[test]\n    fn f_size_depth() {\n    }\n}\n");
    assert_eq!(problems(&rows(page), &[callback, json]), [""; 0]);

    let in_a_row = "#[test]\nfn host() {\n    (\"F-CB5 host\", 1);\n}\n";
    for (name, page, test, want) in [
        ("no test is named", page.replace("`cli f_cb5_host`", ""), "", "F-CB5 names no test"),
        (
            "it is gone",
            page.to_owned(),
            "",
            "`cli f_cb5_host`, which does not exist; tests that carry it: none",
        ),
        ("another has it", page.to_owned(), in_a_row, "does not exist; tests that carry it: cli host"),
        ("it lacks the attribute", page.to_owned(), "fn f_cb5_host() {\n}\n", "does not exist"),
        (
            "it has no id",
            page.replace("f_cb5_host", "host"),
            "#[test]\nfn host() {\n}\n",
            "`cli host` does not carry F-CB5",
        ),
        (
            "an id in a name",
            page.to_owned(),
            "fn f_cb5_f_kr99_x() {\n}\n",
            "tests/cli/callback.rs:1: F-KR99 has no row",
        ),
        (
            "an id in a comment",
            page.to_owned(),
            "\n// (F-KR99)\n",
            "tests/cli/callback.rs:2: F-KR99 has no row",
        ),
        (
            "an id without a number",
            page.to_owned(),
            "// F-BIND\n",
            "tests/cli/callback.rs:1: F-BIND has no row",
        ),
        ("two rows", format!("{page}{page}"), "", "F-CB5 has two rows"),
    ] {
        let found = problems(&rows(&page), &[file("tests/cli/callback.rs", test)]);
        assert!(found.iter().any(|problem| problem.contains(want)), "{name}: {found:#?}");
    }
    for text in ["UTF-8", "-CF-A1", "of_pkcs8", "f_tt"] {
        assert!(ids_in_text(text).is_empty() && ids_in_name(text, &BTreeSet::new()).is_empty(), "{text}");
    }
}

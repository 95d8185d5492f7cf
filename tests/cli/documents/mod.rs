//! The documentation is true: a test runs every block of the README and `docs/` in a reader's home, checks that every command
//! and option in the prose exists and every link leads somewhere, and compares the reference with the lists that it describes.
//!
//! A page can tell the test, in a comment on its own line before a block:
//! - `<!-- nothing configured -->`: the block is for an empty home;
//! - `<!-- before: COMMANDS -->`: what a reader has done first;
//! - `<!-- keeps running -->`: the test starts it, and it runs until the page ends;
//! - `<!-- not run: REASON -->`: the test does not run it, for one of the reasons in [`NOT_RUN`].
//!
//! The test checks a `toml` block; one with providers is added to the configuration for the rest of the page. In an `sh` block,
//! every command and every call of authctl must succeed. In a `console` block, the whole output must match, where `…` matches
//! anything; a command that fails is followed by `echo $?`.

mod home;
mod internet;
mod page;
mod reference;
mod threats;
mod wording;

use std::collections::BTreeMap;

use home::Home;
use page::Page;

use crate::support::Sandbox;

/// The reasons for which blocks are not run, and how many blocks each.
const NOT_RUN: [(&str, usize); 5] = [
    ("builds the program", 5),
    ("installs what the tests need", 2),
    ("needs another machine", 1),
    ("needs etcd or Vault", 1),
    ("waits for a person", 1),
];
/// The languages of blocks. A block in any other language could contain commands that no test runs.
const LANGUAGES: [&str; 9] = ["sh", "console", "toml", "json", "yaml", "ini", "text", "record", "key"];
/// The longest line of prose.
const LONGEST_LINE: usize = 130;

/// Follows a page from its first block to its last.
fn follow(page: &Page, mut home: Home) -> Result<(), String> {
    for block in page.blocks() {
        if block.comment("not run").is_none() {
            let place = format!("{}:{}: {}", page.name(), block.line, block.language);
            home.follow(&block).map_err(|failure| format!("{place}:\n{}\n{failure}", block.text))?;
        }
    }
    Ok(())
}

#[test]
fn documents_every_block_does_what_the_page_says() {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let pages = page::all();
        let pages: Vec<&'static Page> = pages.into_iter().map(|page| &*Box::leak(Box::new(page))).collect();
        let only = std::env::var("PAGE").unwrap_or_default();
        let pages = pages.into_iter().filter(|page| page.name().contains(&only));
        // All homes first: a script cannot be run while another thread's child still has it open for writing.
        let homes: Vec<_> = pages.map(|page| (page, Home::new())).collect();
        let followed: Vec<_> =
            homes.into_iter().map(|(page, home)| scope.spawn(move || follow(page, home))).collect();
        followed.into_iter().filter_map(|page| page.join().unwrap().err()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn documents_few_blocks_are_not_run_and_each_for_a_known_reason() {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for page in page::all() {
        for block in page.blocks() {
            assert!(
                LANGUAGES.contains(&block.language.as_str()),
                "{}:{}: {}",
                page.name(),
                block.line,
                block.language
            );
            if let Some(reason) = block.comment("not run") {
                *count.entry(reason.to_owned()).or_default() += 1;
            }
            for comment in &block.comments {
                let known = ["nothing configured", "keeps running"].contains(&comment.as_str())
                    || ["before: ", "not run: "].iter().any(|name| comment.starts_with(name));
                assert!(known, "{}:{}: {comment}", page.name(), block.line);
            }
        }
    }
    for (reason, found) in count {
        let allowed = NOT_RUN.iter().find(|(known, _)| *known == reason).map(|(_, count)| *count);
        assert!(Some(found) <= allowed, "{found} blocks are not run because: {reason}");
    }
}

#[test]
fn documents_a_page_that_is_wrong_fails() {
    for (name, text, want) in [
        ("an unknown option", "```sh\nauthctl status --no-such-option\n```\n", "--no-such-option"),
        ("an unknown command", "```sh\nauthctl grant github\n```\n", "grant"),
        ("lost in a substitution", "```sh\ntrue \"$(authctl token nobody)\"\n```\n", "authctl token nobody"),
        ("an unknown key", "```toml\n[credentials.x]\ndomian = \"x.example\"\njwt = \"x\"\n```\n", "domian"),
        ("another output", "```console\n$ authctl config path --json\nnothing\n```\n", "does not say"),
        ("another status", "```console\n$ authctl token github\n…\n```\n", "status 3"),
        ("no JSON", "```json\n{ \"version\": }\n```\n", "expected value"),
    ] {
        let page = Page { path: "page.md".into(), text: text.to_owned() };
        let failure = follow(&page, Home::new()).expect_err(name);
        assert!(failure.contains(want), "{name}: {failure}");
    }
}

#[test]
fn documents_every_command_that_is_not_run_exists() {
    let sandbox = Sandbox::new("");
    let mut wrong = Vec::new();
    for page in page::all() {
        for (line, command) in page.spans().into_iter().chain(page.commands_not_run()) {
            let Some(written) = command.strip_prefix("authctl ") else { continue };
            // Stop at shell syntax and at another program's arguments.
            let end = written.find(['|', '>', '<', ';', '$', '&', '#', '`']).unwrap_or(written.len());
            let words = written[..end].split_whitespace().take_while(|word| *word != "--");
            let mut words: Vec<&str> =
                words.map(|word| word.trim_matches(['\'', '"', '[', ']', '…'])).collect();
            // A placeholder stands for a name.
            for word in words.iter_mut().filter(|word| word.chars().all(|letter| letter.is_ascii_uppercase()))
            {
                *word = "x";
            }
            let at = if words.first() == Some(&"curl") { 1 } else { words.len() };
            words.insert(at, "--help");
            let output = sandbox.run(&words);
            // An option can be named without its value, and the first line of a record only looks like a command.
            let is_named = output.stderr.contains("a value is required for");
            let is_record = ["store key ", "sealed record "].iter().any(|first| written.starts_with(first));
            if output.status != 0 && !is_named && !is_record {
                wrong.push(format!("{}:{line}: `{command}`: {}", page.name(), output.stderr));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn documents_every_command_has_its_row() {
    let reference = page::all().into_iter().find(|page| page.name() == "docs/commands.md").unwrap();
    let sandbox = Sandbox::new("");
    let help = sandbox.run(&["--help"]).ok().stdout;
    let commands = help.split("Commands:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty());
    let rows: Vec<&str> = reference.text.lines().filter(|line| line.starts_with("| `")).collect();
    for command in
        commands.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next())
    {
        let row = rows.iter().find(|row| row[3..].split([' ', '`']).next() == Some(command));
        let row = row.unwrap_or_else(|| panic!("docs/commands.md has no `{command}`"));
        let help = sandbox.run(&[command, "--help"]).ok().stdout;
        for option in row
            .split('`')
            .filter(|code| code.starts_with("--"))
            .filter_map(|code| code.split([' ', '=']).next())
        {
            assert!(help.contains(option), "`{command}` has no {option}");
        }
    }
}

#[test]
fn documents_every_link_leads_somewhere() {
    let pages = page::all();
    for page in &pages {
        for link in page.links().iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path =
                if file.is_empty() { page.path.clone() } else { page.path.parent().unwrap().join(file) };
            let path = path.canonicalize().unwrap_or_else(|_| panic!("{}: {link}", page.name()));
            if !anchor.is_empty() {
                let target = pages.iter().find(|page| page.path == path).unwrap();
                assert!(target.anchors().iter().any(|known| known == anchor), "{}: {link}", page.name());
            }
        }
    }
    let index = pages.iter().find(|page| page.name() == "docs/README.md").unwrap().links();
    for page in
        pages.iter().filter(|page| page.name().starts_with("docs/") && page.name() != "docs/README.md")
    {
        let name = page.name();
        let file = name.trim_start_matches("docs/");
        assert!(index.iter().any(|link| link == file), "docs/README.md does not name {file}");
    }
}

#[test]
fn documents_every_file_of_the_repository_exists() {
    for page in page::all() {
        for (line, path) in page.spans() {
            let is_path = ["src/", "tests/", "packaging/", "examples/", "docs/", ".ci/"]
                .iter()
                .any(|folder| path.starts_with(folder));
            let is_complete =
                path.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "/.-_".contains(c));
            let exists = page::project().join(&path).exists();
            assert!(exists || !is_path || !is_complete, "{}:{line}: `{path}` does not exist", page.name());
        }
    }
}

#[test]
fn documents_lines_of_prose_are_short() {
    for page in page::all() {
        // A table row is one line, and data contains no spaces.
        let lines =
            page.text.lines().enumerate().filter(|(_, line)| !line.starts_with('|') && line.contains(' '));
        for (at, line) in lines {
            assert!(line.chars().count() <= LONGEST_LINE, "{}:{}", page.name(), at + 1);
        }
    }
}

#[test]
fn documents_the_reference_matches_the_keys() {
    let path = page::project().join("docs/configuration.md");
    let made = reference::page();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == made,
        "docs/configuration.md is out of date: run `BLESS=1 cargo test --test cli documents`"
    );
}

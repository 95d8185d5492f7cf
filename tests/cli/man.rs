//! The manual that authctl prints equals the packaged pages.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::Sandbox;

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|_| panic!("{} is missing", folder.display()));
    let page = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), text.replace("\r\n", "\n"))
    };
    entries.map(|entry| page(entry.unwrap())).collect()
}

#[test]
fn the_pages_in_the_repository_are_what_the_program_writes() {
    let sandbox = Sandbox::new("");
    let folder = sandbox.path("man/pages");
    let run = sandbox.run(&["man", "--folder", folder.to_str().unwrap()]).ok();
    assert_eq!(run.stdout, "");
    let made = pages(&folder);
    assert!(run.stderr.starts_with(&format!("Wrote {} pages to ", made.len())), "{}", run.stderr);
    for name in ["authctl.1", "authctl-token.1", "authctl-helper-git.1", "authctl-provider-add.1"] {
        assert!(made.contains_key(name), "{name} in {:?}", made.keys());
    }
    assert!(made.len() > 40);
    for (file, text) in &made {
        let name = file.trim_end_matches(".1");
        assert!(text.contains(&format!("\n.TH {} 1 ", name.to_uppercase())), "{name}: {text}");
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "\"EXIT STATUS\"", "\"SEE ALSO\""] {
            let plain = format!("\n.SH {heading}\n");
            let found =
                text.matches(&plain).count() + text.matches(&format!("\n.SH \"{heading}\"\n")).count();
            assert_eq!(found, 1, "{name}: {heading}");
        }
        assert!(!text.contains('\x1b'), "{name}");
    }
    for name in ["CONFIG", "PROFILE", "DEFAULT", "STORE", "CREDENTIALS__"] {
        assert!(made["authctl.1"].contains(&format!("AUTHCTL_{name}")), "{name}");
    }
    let kept = pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/man"));
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), names(&made), "packaging/man is out of date: run `packaging/update`");
    for (name, text) in &made {
        assert!(kept[name] == *text, "packaging/man/{name} is out of date: run `packaging/update`");
    }
}

#[test]
fn man_without_a_folder_prints_the_main_page() {
    let sandbox = Sandbox::new("");
    let printed = sandbox.run(&["man"]).ok().stdout;
    for heading in ["DESCRIPTION", "SUBCOMMANDS", "EXIT STATUS", "FILES", "ENVIRONMENT", "SEE ALSO"] {
        assert!(printed.contains(heading), "{heading}");
    }
}

#[test]
fn a_folder_that_cannot_be_created_is_reported() {
    let sandbox = Sandbox::new("");
    std::fs::write(sandbox.path("file"), "").unwrap();
    let folder = sandbox.path("file/man");
    let run = sandbox.run(&["man", "--folder", folder.to_str().unwrap()]);
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("cannot write"), "{}", run.stderr);
}

//! A page of the documentation: its blocks in order, with the comments before them.

use std::path::{Path, PathBuf};

pub struct Page {
    pub path: PathBuf,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line of the opening fence.
    pub line: usize,
    pub language: String,
    pub text: String,
    /// The comments since the previous block: `<!-- … -->`, one per line.
    pub comments: Vec<String>,
}

impl Block {
    /// The text of the comment `NAME: …`.
    pub fn comment(&self, name: &str) -> Option<&str> {
        self.comments.iter().find_map(|comment| comment.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn has_comment(&self, comment: &str) -> bool {
        self.comments.iter().any(|written| written == comment)
    }
}

pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages at the top, and every page of `docs/` and `docs/internals/`.
pub fn all() -> Vec<Page> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "SECURITY.md", "CONTRIBUTING.md"].map(|name| project().join(name)).to_vec();
    for folder in ["docs", "docs/internals"] {
        let entries = std::fs::read_dir(project().join(folder)).unwrap();
        let entries = entries.map(|entry| entry.unwrap().path());
        paths.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    paths.sort();
    paths.into_iter().map(|path| Page { text: std::fs::read_to_string(&path).unwrap(), path }).collect()
}

impl Page {
    /// `docs/page.md`
    pub fn name(&self) -> String {
        self.path.strip_prefix(project()).unwrap_or(&self.path).display().to_string()
    }

    pub fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut comments, mut open): (Vec<Block>, Vec<String>, Option<Block>) =
            Default::default();
        for (at, line) in self.text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (Some(block), Some("")) => {
                    blocks.push(block.clone());
                    open = None;
                }
                (Some(block), _) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, Some(language)) => {
                    let comments = std::mem::take(&mut comments);
                    let (language, text) = (language.to_owned(), String::new());
                    open = Some(Block { line: at + 1, language, text, comments });
                }
                (None, None) => {
                    let comment = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->"));
                    comments.extend(comment.map(str::to_owned));
                }
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.name());
        blocks
    }

    /// The code spans outside blocks, with their lines.
    pub fn spans(&self) -> Vec<(usize, String)> {
        let mut inside = false;
        let mut spans = Vec::new();
        for (at, line) in self.text.lines().enumerate() {
            if line.starts_with("```") {
                inside = !inside;
            } else if !inside {
                // A table cell escapes a bar with a backslash.
                let code = line.split('`').skip(1).step_by(2);
                spans.extend(code.map(|code| (at + 1, code.replace("\\|", "|"))));
            }
        }
        spans
    }

    /// Commands in blocks that are not run, with the lines of the blocks.
    pub fn commands_not_run(&self) -> Vec<(usize, String)> {
        let is_not_run = |block: &Block| {
            ["yaml", "ini", "text"].contains(&block.language.as_str()) || block.comment("not run").is_some()
        };
        let blocks = self.blocks().into_iter().filter(is_not_run);
        let of = |block: Block| {
            let lines: Vec<String> = block.text.lines().map(str::to_owned).collect();
            let found = lines.into_iter().filter(|line| !line.trim_start().starts_with('#'));
            found.filter_map(move |line| line.find("authctl ").map(|at| (block.line, line[at..].to_owned())))
        };
        blocks.flat_map(of).collect()
    }

    pub fn links(&self) -> Vec<String> {
        let targets = self.text.split("](").skip(1);
        targets.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
    }

    /// The anchors of headings and of rows: `<a id="…"></a>`.
    pub fn anchors(&self) -> Vec<String> {
        let mut inside = false;
        let ids = self.text.split("<a id=\"").skip(1).filter_map(|rest| rest.split_once('"'));
        let mut anchors: Vec<String> = ids.map(|(id, _)| id.to_owned()).collect();
        for line in self.text.lines() {
            if line.starts_with("```") {
                inside = !inside;
            } else if let Some(heading) = line.strip_prefix('#').filter(|_| !inside) {
                let heading = heading.trim_start_matches('#').trim().to_lowercase();
                let kept =
                    heading.chars().filter(|&letter| letter.is_alphanumeric() || " -_".contains(letter));
                anchors.push(kept.collect::<String>().replace(' ', "-"));
            }
        }
        anchors
    }
}

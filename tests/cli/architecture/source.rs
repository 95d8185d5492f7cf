//! The source files, as far as the architecture is concerned: what each uses, and how long it and its functions are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The source file of a module.
pub(super) struct File {
    /// Its path below the folder that was read.
    pub(super) path: String,
    /// The module that it is: empty for the crate's root.
    pub(super) module: Vec<String>,
    /// What it uses, each as a path from the crate's root.
    pub(super) uses: Vec<Vec<String>>,
    /// Its functions, with the number of lines of each.
    pub(super) functions: Vec<(String, usize)>,
    pub(super) lines: usize,
    /// Every word of its code outside of unit tests.
    words: BTreeSet<String>,
    /// Whether its first comment has the word "long".
    pub(super) says_why_it_is_long: bool,
}

/// Every Rust file below a folder of the project.
pub(super) fn files(folder: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        File::parse(&inside, &std::fs::read_to_string(&path).unwrap())
    };
    found.into_iter().map(read).collect()
}

impl File {
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let mut module: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        module.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let mut file = Self {
            path: path.to_owned(),
            module: module.clone(),
            uses: Vec::new(),
            functions: functions(text),
            words: BTreeSet::new(),
            lines: text.lines().count(),
            says_why_it_is_long: head.contains("long"),
        };
        let tokens = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        file.read(tokens, &module);
        file
    }

    /// Reads tokens inside a module.
    fn read(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let children = declared(&tokens);
        let mut at = 0;
        while at < tokens.len() {
            if is_test_attribute(&tokens[at..]) {
                at = end_of_item(&tokens, at + 2);
                continue;
            }
            if let TokenTree::Ident(word) = &tokens[at] {
                self.words.insert(word.to_string());
            }
            match &tokens[at] {
                TokenTree::Ident(word) if word == "use" => {
                    let end = position(&tokens, at, |token| is_punct(token, ';'));
                    let mut leaves = Vec::new();
                    tree(&tokens[at + 1..end], &[], &mut leaves);
                    leaves.iter().for_each(|path| self.used(path, module, &children));
                    at = end;
                }
                TokenTree::Ident(word) if word == "mod" => {
                    // `mod name { … }`: what is inside counts for this file.
                    if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                        (tokens.get(at + 1), tokens.get(at + 2))
                    {
                        let mut inner = module.to_vec();
                        inner.push(name.to_string());
                        self.read(body.stream(), &inner);
                        at += 2;
                    }
                }
                TokenTree::Ident(_) if !follows_colons(&tokens, at) => {
                    let path = path(&tokens[at..]);
                    self.used(&path, module, &children);
                    at += (path.len() - 1) * 3;
                }
                // `pub(in crate::store)` says who may use, and uses nothing.
                TokenTree::Group(group) if !is_visibility(&tokens, at, group) => {
                    self.read(group.stream(), module);
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Whether its code has this word.
    pub(super) fn mentions(&self, word: &str) -> bool {
        self.words.contains(word) || self.uses.iter().any(|path| path.iter().any(|part| part == word))
    }

    /// Notes a path that is used, if it leads to another module of this crate.
    fn used(&mut self, path: &[String], module: &[String], children: &[String]) {
        let mut base = module;
        let rest = match path.first().map(String::as_str) {
            Some("crate") => {
                base = &[];
                &path[1..]
            }
            Some("self") if path.len() > 1 => &path[1..],
            Some("super") => {
                let up = path.iter().take_while(|part| *part == "super").count();
                base = &base[..base.len().saturating_sub(up)];
                &path[up..]
            }
            Some(first) if path.len() > 1 && children.iter().any(|child| child == first) => path,
            _ => return,
        };
        let whole: Vec<String> = base.iter().chain(rest).cloned().collect();
        if !self.uses.contains(&whole) && whole != self.module {
            self.uses.push(whole);
        }
    }
}

/// The functions of a formatted file, with the number of lines of each: the body ends at the brace below its beginning.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words = code.split_once("fn ").filter(|(before, _)| {
            before
                .split_whitespace()
                .all(|word| word.starts_with("pub") || matches!(word, "async" | "const" | "unsafe"))
        });
        let Some(name) = words.and_then(|(_, rest)| rest.split(['(', '<']).next()) else { continue };
        let end = lines[at..].iter().position(|below| {
            below.len() - below.trim_start().len() == indent && matches!(below.trim_start(), "}" | "};")
        });
        let declared = code.ends_with(';') || code.ends_with('}');
        if let (false, Some(end)) = (declared, end) {
            found.push((name.to_owned(), end + 1));
        }
    }
    found
}

/// The modules that tokens declare in files of their own.
fn declared(tokens: &[TokenTree]) -> Vec<String> {
    tokens
        .windows(3)
        .filter_map(|window| match window {
            [TokenTree::Ident(word), TokenTree::Ident(name), end] if word == "mod" && is_punct(end, ';') => {
                Some(name.to_string())
            }
            _ => None,
        })
        .collect()
}

/// The paths of a `use` tree.
fn tree(tokens: &[TokenTree], before: &[String], leaves: &mut Vec<Vec<String>>) {
    let mut prefix = before.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) if word == "as" => break,
            TokenTree::Ident(word) if word == "self" && !prefix.is_empty() => {}
            TokenTree::Ident(word) => prefix.push(word.to_string()),
            TokenTree::Group(group) => {
                let members: Vec<TokenTree> = group.stream().into_iter().collect();
                members.split(|token| is_punct(token, ',')).for_each(|member| tree(member, &prefix, leaves));
                return;
            }
            _ => {}
        }
        at += 1;
    }
    if prefix.len() > before.len() || tokens.iter().any(|token| token.to_string() == "self") {
        leaves.push(prefix);
    } else if tokens.iter().any(|token| is_punct(token, '*')) {
        leaves.push(before.to_vec());
    }
}

/// The path that begins with the first token: `a::b::c`.
fn path(tokens: &[TokenTree]) -> Vec<String> {
    let mut path = Vec::new();
    let mut rest = tokens;
    while let Some((TokenTree::Ident(word), after)) = rest.split_first() {
        path.push(word.to_string());
        match after {
            [first, second, next @ TokenTree::Ident(_), ..]
                if is_punct(first, ':') && is_punct(second, ':') =>
            {
                let _ = next;
                rest = &after[2..];
            }
            _ => break,
        }
    }
    path
}

fn follows_colons(tokens: &[TokenTree], at: usize) -> bool {
    at > 1 && is_punct(&tokens[at - 1], ':') && is_punct(&tokens[at - 2], ':')
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_visibility(tokens: &[TokenTree], at: usize, group: &Group) -> bool {
    group.delimiter() == Delimiter::Parenthesis
        && at > 0
        && matches!(&tokens[at - 1], TokenTree::Ident(word) if word == "pub")
}

/// `#[cfg(test)]`, or another condition that needs `test`.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    match tokens {
        [mark, TokenTree::Group(attribute), ..] if is_punct(mark, '#') => {
            let text = attribute.stream().to_string().replace(' ', "");
            text.starts_with("cfg(test)") || text.starts_with("cfg(all(test")
        }
        _ => false,
    }
}

/// The position behind an item: its body, or its semicolon.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let end = position(tokens, from, |token| {
        is_punct(token, ';')
            || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    });
    end + 1
}

fn position(tokens: &[TokenTree], from: usize, wanted: impl Fn(&TokenTree) -> bool) -> usize {
    tokens[from..].iter().position(wanted).map_or(tokens.len(), |found| from + found)
}

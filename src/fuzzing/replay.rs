//! Runs the fuzz targets in the ordinary tests: every file of their corpora, and a fixed number of mutations.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::world::{CANARY, World};
use super::{TARGETS, Target};

/// Longer inputs find nothing new, and take longer.
const LONGEST: usize = 8 << 10;
/// Fragments that mean something in one of the formats.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"=",
    b":",
    b",",
    b"%00",
    b"%0a",
    b"%",
    b"../",
    b"//",
    b"@",
    b"\xff",
    b"\xc3\xa9",
    b"\x1b[31m",
    b"\xe2\x80\xae",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"null",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"https://",
    b"http://127.0.0.1/",
    b"a{sv}",
    b"--",
    b"-K",
    b"Authorization: x",
];

fn corpus(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name)
}

/// The files of a corpus, by name.
fn seeds(target: &Target) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(corpus(target)).unwrap_or_else(|_| panic!("{} has no corpus", target.name));
    let mut seeds: Vec<(String, Vec<u8>)> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    seeds.sort();
    seeds
}

/// Runs one input; a failure prints how to keep it.
fn run(target: &Target, name: &str, input: &[u8]) {
    // The panic's own message was printed when it was raised.
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        panic!(
            "the fuzz target {0} fails for {name}; keep the input with:\n  echo {1} | base64 -d >fuzz/corpus/{0}/NAME",
            target.name,
            STANDARD.encode(input)
        );
    }
}

/// SplitMix64: the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(32) + 1)
    }
}

/// Changes an input in one to four places.
fn mutate(numbers: &mut Numbers, seeds: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut input = seeds[numbers.below(seeds.len())].1.clone();
    for _ in 0..=numbers.below(4) {
        let range = numbers.range(input.len());
        match numbers.below(7) {
            0 if !input.is_empty() => {
                let at = numbers.below(input.len());
                input[at] ^= 1 << numbers.below(8);
            }
            1 if !input.is_empty() => {
                let at = numbers.below(input.len());
                input[at] = numbers.next().to_le_bytes()[0];
            }
            2 => drop(input.drain(range)),
            3 => {
                let repeated = input[range.clone()].repeat(1 + numbers.below(4));
                input.splice(range, repeated);
            }
            4 => input.truncate(range.start),
            5 => {
                let other = &seeds[numbers.below(seeds.len())].1;
                let part = numbers.range(other.len());
                input.splice(range, other[part].iter().copied());
            }
            _ => drop(input.splice(range, WORDS[numbers.below(WORDS.len())].iter().copied())),
        }
    }
    input.truncate(LONGEST);
    input
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "the corpus of {name} is empty");
    for (file, input) in &seeds {
        run(target, file, input);
    }
    let mut numbers = Numbers(u64::from_le_bytes(*b"authctl!"));
    for case in 0..target.cases {
        run(target, &format!("the mutation {case}"), &mutate(&mut numbers, &seeds));
    }
}

/// One test for each target, so that they run at the same time and fail by name.
macro_rules! replays {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )+

        const REPLAYED: &[&str] = &[$(stringify!($name)),+];
    };
}

replays! {
    bus_message,
    bus_session,
    callback,
    challenge,
    endpoint_answer,
    metadata,
    key_set,
    id_token,
    record,
    config,
    git_helper,
    docker_helper,
    cargo_helper,
    kubernetes_helper,
    curl_arguments,
    serve_request,
}

#[test]
fn every_target_has_a_binary_a_corpus_and_a_replay() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(REPLAYED, names);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let listed = |folder: &str| {
        let files = std::fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().path());
        let mut names: Vec<String> =
            files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let mut sorted: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    sorted.sort();
    assert_eq!(listed("fuzz_targets"), sorted);
    assert_eq!(listed("corpus"), sorted);
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for name in names {
        let source = std::fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("authctl::fuzzing::run(\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}

/// Guards against a configuration so broken that every input ends in the same error.
#[test]
fn the_targets_give_out_credentials() {
    let world = World::current();
    assert_eq!(world.run(&["config", "check"], b"").status, 0);
    for (host, password) in [("api.example", CANARY), ("basic.example", "canary-of-the-password")] {
        let input = format!("protocol=https\nhost={host}\n\n");
        let printed = world.run(&["helper", "git", "get"], input.as_bytes());
        assert!(printed.out.contains(&format!("password={password}\n")), "{host}: {}", printed.err);
    }
    let printed = world.run(&["curl", "bearer", "-s", "https://api.example/"], b"");
    assert!(world.started().is_some(), "{}", printed.err);
}

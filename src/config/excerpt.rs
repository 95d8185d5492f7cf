//! The part of a configuration text that one provider needs, cut out without parsing the rest: with a thousand providers
//! the rest is nearly all of it.
//!
//! What is left out must be as plain as most configurations are: a header, and keys with a string, a number, `true`,
//! `false`, or an array or table of those on one line. With anything else in it, the whole text
//! is parsed. An excerpt exists only if the whole text would parse too, and say the same about this provider.
//!
//! It stays because `authctl token` with a thousand providers takes 1.7 ms with it and 16 ms without it, beside 1.25 ms with
//! one provider; the goal is 1.5 times that.

use crate::config::provider_table::is_credential_key;
use crate::name::ProviderName;

/// The excerpt for a provider, and whether the text has the provider at all; `None` where the whole must be parsed.
#[must_use]
pub fn excerpt(text: &str, wanted: &ProviderName) -> Option<String> {
    let is_odd = |byte: u8| byte < b' ' && byte != b'\t' && byte != b'\n' || byte == 0x7f;
    // Without an early end the compiler looks at many bytes at once.
    let has_odd = text.bytes().fold(false, |found, byte| found | is_odd(byte));
    if has_odd || is_credential_key(wanted.as_str()) {
        return None;
    }
    let mut kept = String::with_capacity(1024);
    let mut sections = Sections::default();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let line = &text[start..end];
        start = end + 1;
        let content = trim(line);
        match content.as_bytes().first() {
            None | Some(b'#') => continue,
            Some(b'[') => sections.enter(content, wanted)?,
            Some(_) if sections.is_passed_over => sections.assign(content)?,
            // Before the first header a key may name a provider too.
            Some(b'"' | b'\'' | b'c') if !sections.begun => return None,
            Some(_) => {}
        }
        if !sections.is_passed_over {
            // What goes over several lines may look like anything.
            if line.contains("\"\"\"") || line.contains("'''") {
                return None;
            }
            kept.push_str(line);
            kept.push('\n');
        }
    }
    sections.are_plain().then_some(kept)
}

/// The sections seen so far.
#[derive(Default)]
struct Sections<'a> {
    /// Whether there was a header.
    begun: bool,
    is_passed_over: bool,
    /// Whether the section is the provider's own, not one of a table in it.
    is_provider: bool,
    /// The keys of the section that is passed over.
    keys: Vec<&'a str>,
    /// The skipped providers, each of which must be in one place.
    providers: Vec<Name<'a>>,
    /// What the last of them has: tables, and nothing for its own section.
    members: Vec<&'a str>,
}

/// A name after its first eight bytes as a number, which makes most comparisons fast.
type Name<'a> = (u64, &'a str);

fn named(name: &str) -> Name<'_> {
    let mut start = [0; 8];
    let length = name.len().min(8);
    start[..length].copy_from_slice(&name.as_bytes()[..length]);
    (u64::from_be_bytes(start), name)
}

impl<'a> Sections<'a> {
    /// A header: `[store]`, `[credentials.NAME]` or `[credentials.NAME.KIND]`.
    fn enter(&mut self, content: &'a str, wanted: &ProviderName) -> Option<()> {
        let (path, rest) = split_at(content.strip_prefix('[')?, b']')?;
        if !is_end(rest) {
            return None;
        }
        self.begun = true;
        self.is_passed_over = false;
        self.keys.clear();
        if path == "store" {
            return Some(());
        }
        let path = path.strip_prefix("credentials.")?;
        let (name, member) = split_at(path, b'.').map_or((path, None), |(name, member)| (name, Some(member)));
        if member.is_some_and(|member| !is_bare_key(member)) {
            return None;
        }
        if name == wanted.as_str() {
            return Some(());
        }
        if self.providers.last().is_none_or(|&(_, last)| last != name) {
            if name.parse::<ProviderName>().is_err() || is_credential_key(name) {
                return None;
            }
            self.providers.push(named(name));
            self.members.clear();
        }
        self.is_passed_over = true;
        self.is_provider = member.is_none();
        self.add(member.unwrap_or_default())
    }

    /// A member of the provider that is passed over, which must not be there yet.
    fn add(&mut self, member: &'a str) -> Option<()> {
        let is_new = !self.members.contains(&member);
        self.members.push(member);
        is_new.then_some(())
    }

    /// `key = value` in a section that is passed over.
    fn assign(&mut self, content: &'a str) -> Option<()> {
        let (key, value) = split_at(content, b'=')?;
        let key = trim(key);
        if !is_bare_key(key) && !key.split('.').all(is_bare_key) {
            return None;
        }
        let extends =
            |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
        if self.keys.iter().any(|&known| known == key || extends(known, key) || extends(key, known)) {
            return None;
        }
        let first_part = |key: &'a str| split_at(key, b'.').map_or(key, |(first, _)| first);
        let first = first_part(key);
        let is_new = !self.keys.iter().any(|known| first_part(known) == first);
        if self.is_provider && is_new {
            self.add(first)?;
        }
        self.keys.push(key);
        is_end(plain_value(trim_start(value), true)?).then_some(())
    }

    /// Whether each provider is in one place.
    fn are_plain(mut self) -> bool {
        self.providers.sort_unstable();
        self.providers.is_sorted_by(|one, next| one < next)
    }
}

/// Splits at the first such byte: what is looked for is near, where a search by words takes longer to begin.
fn split_at(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|found| found == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

fn trim_start(text: &str) -> &str {
    let blank = text.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[blank..]
}

fn trim(text: &str) -> &str {
    let text = trim_start(text);
    let blank = text.bytes().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[..text.len() - blank]
}

/// The rest of a line after its value: nothing, or a comment.
fn is_end(rest: &str) -> bool {
    let rest = trim_start(rest);
    rest.is_empty() || rest.starts_with('#')
}

fn is_bare_key(key: &str) -> bool {
    let is_bare = |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
    !key.is_empty() && key.bytes().all(is_bare)
}

/// Takes a plain value off the front; what follows it.
fn plain_value(text: &str, nested: bool) -> Option<&str> {
    match text.as_bytes().first()? {
        b'"' => {
            let inside = &text[1..];
            let end = inside.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
            inside[end..].strip_prefix('"')
        }
        b'\'' => split_at(&text[1..], b'\'').map(|(_, rest)| rest),
        b't' => text.strip_prefix("true"),
        b'f' => text.strip_prefix("false"),
        b'1'..=b'9' => {
            let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
            (text.len() - rest.len() < 18 && !rest.starts_with(['.', '_', 'e', 'E', '-', ':']))
                .then_some(rest)
        }
        b'[' if nested => {
            let mut rest = &text[1..];
            loop {
                rest = trim_start(rest);
                if let Some(rest) = rest.strip_prefix(']') {
                    return Some(rest);
                }
                rest = trim_start(plain_value(rest, false)?);
                match rest.strip_prefix(',') {
                    Some(more) => rest = more,
                    None => return rest.strip_prefix(']'),
                }
            }
        }
        b'{' if nested => {
            let mut rest = &text[1..];
            let mut keys = Vec::new();
            loop {
                let (key, value) = split_at(rest, b'=')?;
                let key = trim(key);
                if !is_bare_key(key) || keys.contains(&key) {
                    return None;
                }
                keys.push(key);
                rest = trim_start(plain_value(trim_start(value), true)?);
                match rest.strip_prefix(',') {
                    Some(more) => rest = more,
                    None => return rest.strip_prefix('}'),
                }
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Option<String> {
        excerpt(text, &"a".parse().unwrap())
    }

    #[test]
    fn the_rest_is_left_out() {
        let text = "default = \"a\" # it\n\n[credentials.a]\ndomain = \"a\"\n\n[credentials.b]\ndomain = 'b'\noauth.scopes = [\"x\", \"y\",] # two\n[credentials.c.oauth]\nclient_id = \"c\"\nx = { env = \"X\", n = 1 }\n[store]\nkind = \"file\"\n[credentials.a.oauth]\nscopes = [\n  \"x\",\n]\n";
        let want = "default = \"a\" # it\n[credentials.a]\ndomain = \"a\"\n[store]\nkind = \"file\"\n[credentials.a.oauth]\nscopes = [\n  \"x\",\n]\n";
        assert_eq!(cut(text).as_deref(), Some(want));
    }

    #[test]
    fn anything_unusual_is_for_the_whole_parser() {
        for (name, text) in [
            ("a profile", "[profile.x]\n"),
            ("the short form", "[credentials]\ndomain = \"x\"\n"),
            ("a kind as a name", "[credentials.oauth]\n"),
            ("several lines", "[credentials.b]\nx = \"\"\"\n[credentials.a]\n\"\"\"\n"),
            ("an array over lines", "[credentials.b]\nscopes = [\n\"x\"]\n"),
            ("a header in an array", "[credentials.a]\nscopes = [\n[credentials.b]\n]\n"),
            ("a dotted key", "credentials.b.domain = \"x\"\n"),
            ("a header twice", "[credentials.b]\n[credentials.b]\n"),
            ("a provider in two places", "[credentials.b]\n[credentials.c]\n[credentials.b.oauth]\n"),
            ("a key twice", "[credentials.b]\nx = 1\nx = 2\n"),
            ("a key under a key", "[credentials.b]\nx = 1\nx.y = 2\n"),
            ("a table after its key", "[credentials.b]\noauth.x = 1\n[credentials.b.oauth]\n"),
            ("a key after its table", "[credentials.b.oauth]\n[credentials.b]\noauth.x = 1\n"),
            ("a quoted key", "[credentials.b]\n\"x\" = 1\n"),
            ("an escape", "[credentials.b]\nx = \"\\u0041\"\n"),
            ("no value", "[credentials.b]\nx =\n"),
            ("two values", "[credentials.b]\nx = 1 2\n"),
            ("a float", "[credentials.b]\nx = 1.5\n"),
            ("a date", "[credentials.b]\nx = 2026-01-01\n"),
            ("a table of tables", "[[credentials.b]]\n"),
            ("a control character", "[credentials.b]\nx = \"\u{7}\"\n"),
            ("a member twice", "[credentials.b]\nx = { y = 1, y = 2 }\n"),
            ("an open string", "[credentials.b]\nx = \"y\n"),
            ("a carriage return", "[credentials.b]\r\n"),
        ] {
            assert_eq!(cut(text), None, "{name}");
        }
    }

    /// Lines that rarely make valid TOML.
    fn line() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            Just("\"x\"".to_owned()),
            Just("'x'".to_owned()),
            Just("true".to_owned()),
            Just("12".to_owned()),
            Just("[\"x\", \"y\"]".to_owned()),
            Just("{ env = \"X\" }".to_owned()),
            Just("[".to_owned()),
            Just("\"\\n\"".to_owned()),
            "[ -~]{0,6}",
        ];
        let key = prop_oneof![Just("domain"), Just("oauth.client_id"), Just("oauth"), Just("jwt"), Just("x")];
        prop_oneof![
            3 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
            2 => prop_oneof![Just("a"), Just("b"), Just("c-d"), Just("b.oauth"), Just("a.oauth"), Just("oauth")]
                .prop_map(|path| format!("[credentials.{path}]")),
            1 => prop_oneof![Just("]"), Just("[store]"), Just("# x"), Just(""), Just("[profile.x]"), Just("\"\"\"")]
                .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// Where there is an excerpt, the whole text is TOML, and both say the same of the provider and of the top.
        #[test]
        fn the_excerpt_says_what_the_whole_says(lines in prop::collection::vec(line(), 0..12)) {
            let text = lines.join("\n");
            if let Some(excerpt) = cut(&text) {
                let part: Result<toml::Table, _> = excerpt.parse();
                let whole: Result<toml::Table, _> = text.parse();
                prop_assert_eq!(part.is_ok(), whole.is_ok(), "{}", text);
                if let (Ok(part), Ok(whole)) = (part, whole) {
                    let of_a = |table: &toml::Table| table.get("credentials").and_then(|table| table.get("a")).cloned();
                    prop_assert_eq!(of_a(&part), of_a(&whole));
                    let top = |mut table: toml::Table| { table.remove("credentials"); table };
                    prop_assert_eq!(top(part), top(whole));
                }
            }
        }
    }
}

//! Reads just enough Rust to tell code from comments, strings and inline tests.

/// How many lines of code a file has: no comments, no blank lines, no inline `#[cfg(test)]` modules.
pub fn code_lines(source: &str) -> usize {
    let plain = without_tests(&plain(source));
    plain.lines().filter(|line| !line.trim().is_empty()).count()
}

/// The names of the modules that a file declares.
pub fn modules(source: &str) -> Vec<String> {
    let plain = plain(source);
    let mut words = plain.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        if word == "mod" {
            names.extend(words.next().map(str::to_owned));
        }
    }
    names
}

/// The source with comments blanked, and the inside of strings and characters made into `x`, so that braces count. Lines stay.
fn plain(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let rest = &chars[at..];
        let (taken, fill) = match c {
            '/' if rest.get(1) == Some(&'/') => (rest.iter().take_while(|c| **c != '\n').count(), ' '),
            '/' if rest.get(1) == Some(&'*') => (block_comment(rest), ' '),
            '"' => (string(rest), 'x'),
            'r' if !follows_word(&chars, at) && raw_string(rest).is_some() => (raw_string(rest).unwrap_or(1), 'x'),
            '\'' => (character(rest), 'x'),
            _ => (1, c),
        };
        out.extend(rest.iter().take(taken).map(|c| if *c == '\n' { '\n' } else { fill }));
        at += taken;
    }
    out
}

/// `b"..."` and `br"..."` aside, a word character before an `r` makes it part of a name.
fn follows_word(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|i| chars.get(i));
    before.is_some_and(|c| (c.is_alphanumeric() || *c == '_') && *c != 'b')
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match (rest.get(at), rest.get(at + 1)) {
            (Some('/'), Some('*')) => (depth, at) = (depth + 1, at + 2),
            (Some('*'), Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while let Some(c) = rest.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest.iter().skip(1).take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let body = 2 + hashes;
    let ends = |at: &usize| rest[*at] == '"' && rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    Some((body..rest.len()).find(ends).map_or(rest.len(), |end| end + 1 + hashes))
}

/// A character literal; a lifetime is a single quote alone.
fn character(rest: &[char]) -> usize {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => rest.iter().skip(3).position(|c| *c == '\'').map_or(1, |end| end + 4),
        (Some(_), Some('\'')) => 3,
        _ => 1,
    }
}

/// Blanks every `#[cfg(test)] mod name { .. }`.
fn without_tests(plain: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::new();
    let mut rest = plain;
    while let Some(start) = rest.find(MARK) {
        let (before, item) = rest.split_at(start);
        out.push_str(before);
        rest = match inline_module(&item[MARK.len()..]) {
            Some(taken) => &item[MARK.len() + taken..],
            None => {
                out.push_str(MARK);
                &item[MARK.len()..]
            }
        };
    }
    out.push_str(rest);
    out
}

/// The length of the inline module that stands first in `item`, if one does.
fn inline_module(item: &str) -> Option<usize> {
    let word = item.trim_start();
    let open = item.find('{').filter(|open| word.starts_with("mod ") && !item[..*open].contains(';'))?;
    let mut depth = 0_usize;
    for (at, c) in item.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(at + 1),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", 0)]
    #[case("// a\n\nfn f() {}\n", 1)]
    #[case("/* a\n /* b */ \n c */ fn f() {\n}\n", 2)]
    #[case("let url = \"http://x\"; // y\n", 1)]
    #[case("let s = \"a\n\nb\";\n", 2)]
    #[case("let s = r#\"\" // no comment\nb\"#;\nlet t = 1;\n", 3)]
    #[case("let q = '\"'; // one\n// two\nlet l: &'static str = \"\\\"\"; // three\n", 2)]
    #[case("fn f() {}\n#[cfg(test)]\nmod tests {\n  fn g() { \"}\"; }\n}\nfn h() {}\n", 2)]
    #[case("#[cfg(test)]\nmod tests;\nfn h() {}\n", 3)]
    #[case("#[cfg(test)]\nfn only_in_tests() {\n}\n", 3)]
    fn lines_of_code_are_counted(#[case] source: &str, #[case] lines: usize) {
        assert_eq!(code_lines(source), lines);
    }

    #[test]
    fn modules_are_found_in_code_only() {
        assert_eq!(modules("pub mod a;\nmod b { mod c; }\n// mod d;\nlet s = \"mod e\";\n"), ["a", "b", "c"]);
    }
}

//! Untrusted text made safe to show: characters that move the cursor, change colours or reverse the reading direction become
//! visible escapes.

/// Whether showing the character could do more than put a glyph on the screen.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' // direction marks
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // direction overrides and isolates
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{feff}' | '\u{200b}' // zero width
            | '\u{e0000}'..='\u{e007f}') // tags
}

fn push_escape(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c => out.extend(c.escape_unicode()),
    }
}

/// The text on one line, with escapes for everything that is not plainly visible.
pub fn clean_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { push_escape(&mut out, c) } else { out.push(c) }
    }
    out
}

/// As `clean_line`, but line breaks stay and tabs become blanks.
pub(super) fn clean_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            c if is_unsafe(c) => push_escape(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

/// JSON text whose strings hold no unsafe character as such. The structure of JSON is ASCII and its writer has
/// escaped ASCII control characters, so what is found here lies within a string, where `\uXXXX` means the same.
pub(super) fn clean_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0u16; 2];
    for c in text.chars() {
        if is_unsafe(c) && c != '\n' {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("plain `text`, größer 表", "plain `text`, größer 表")]
    #[case("a\u{1b}[31mb", "a\\u{1b}[31mb")]
    #[case("a\u{9b}2Jb", "a\\u{9b}2Jb")]
    #[case("a\u{7f}b", "a\\u{7f}b")]
    #[case("a\r\nb\tc", "a\\r\\nb\\tc")]
    #[case("a\u{202e}b", "a\\u{202e}b")]
    fn a_line_shows_what_would_act(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(clean_line(text), shown);
    }

    #[test]
    fn several_lines_keep_their_breaks_only() {
        assert_eq!(clean_lines("a\n\tb\u{1b}c\r\n"), "a\n    b\\u{1b}c\\r\n");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = serde_json::to_string("a\u{9b}\u{202e}\u{e0001}\u{1b}").unwrap();
        let cleaned = clean_json(&text);
        assert!(cleaned.is_ascii(), "{cleaned}");
        assert_eq!(serde_json::from_str::<String>(&cleaned).unwrap(), "a\u{9b}\u{202e}\u{e0001}\u{1b}");
    }
}

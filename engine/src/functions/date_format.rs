//! The patterns of `date_format`, which are Java's, in the library's words.

use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

use super::spelled::constant_text;

/// Java's letters and what the library writes for them.
const LETTERS: &[(&str, &str)] = &[
    ("yyyy", "%Y"),
    ("y", "%Y"),
    ("yy", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("dd", "%d"),
    ("d", "%-d"),
    ("DDD", "%j"),
    ("EEEE", "%A"),
    ("EEE", "%a"),
    ("EE", "%a"),
    ("E", "%a"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("m", "%-M"),
    ("ss", "%S"),
    ("s", "%-S"),
    ("SSS", "%3f"),
    ("SSSSSS", "%6f"),
    ("SSSSSSSSS", "%9f"),
    ("a", "%p"),
];

/// # Errors
/// When the pattern is no constant, or has letters that aren't known.
pub(super) fn library_pattern(pattern: &Expr) -> Result<String> {
    match constant_text(pattern) {
        Some(text) => translated(text),
        None => plan_err!("the pattern of date_format is a constant"),
    }
}

fn translated(pattern: &str) -> Result<String> {
    let mut written = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (run, after) = match first {
            '\'' => {
                let (text, after) = quoted(pattern, rest)?;
                written.push_str(&text.replace('%', "%%"));
                rest = after;
                continue;
            }
            first => rest.split_at(rest.find(|c| c != first).unwrap_or(rest.len())),
        };
        if first.is_ascii_alphabetic() {
            match LETTERS.iter().find(|(letters, _)| *letters == run) {
                Some((_, word)) => written.push_str(word),
                None => return plan_err!("date_format doesn't know `{run}` in `{pattern}`: put text in single quotes"),
            }
        } else {
            written.push_str(&run.replace('%', "%%"));
        }
        rest = after;
    }
    Ok(written)
}

/// The text in single quotes at the start, two of them being one, and what follows.
fn quoted<'t>(pattern: &str, rest: &'t str) -> Result<(String, &'t str)> {
    let mut chars = rest.char_indices().skip(1).peekable();
    let mut text = String::new();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
            text.push('\'');
        } else {
            // `''` outside quotes is a quote.
            let text = if at == 1 { "'".to_owned() } else { text };
            return Ok((text, rest.get(at + 1..).unwrap_or_default()));
        }
    }
    plan_err!("a quote in `{pattern}` is never closed")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("yyyy-MM-dd", "%Y-%m-%d")]
    #[case("dd.MM.yy HH:mm:ss.SSS", "%d.%m.%y %H:%M:%S.%3f")]
    #[case("yyyy'Q'", "%YQ")]
    #[case("h 'o''clock' a", "%-I o'clock %p")]
    #[case("yyyy''MM", "%Y'%m")]
    #[case("100% d", "100%% %-d")]
    fn known_letters_are_translated(#[case] java: &str, #[case] written: &str) {
        assert_eq!(translated(java).unwrap(), written);
    }

    #[rstest]
    #[case("YYYY")]
    #[case("yyyyy")]
    #[case("'open")]
    fn unknown_letters_are_refused(#[case] java: &str) {
        assert!(translated(java).is_err());
    }
}

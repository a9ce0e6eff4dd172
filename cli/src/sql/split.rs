//! Parts a script into statements at semicolons, but not at those inside texts, quoted names and comments.
//!
//! It knows as much of SQL's words as that takes and no more; what a statement means is for the server to say.

/// A statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text, without the semicolon and the white space around it.
    pub text: &'a str,
    /// The line of the script on which it begins, from 1.
    pub line: usize,
}

/// The statements of a script, empty ones left out, and whether the last ended with a semicolon.
pub fn split(script: &str) -> (Vec<Statement<'_>>, bool) {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let mut closed = true;
    while let Some(token) = next_token(script, at) {
        at = token.end;
        if token.semicolon {
            push(script, start, at - 1, &mut statements);
            (start, closed) = (at, true);
        } else if token.solid {
            closed = false;
        }
    }
    if !closed {
        push(script, start, script.len(), &mut statements);
    }
    (statements, closed)
}

/// Whether what was typed so far can run: nothing, a command of the shell, or statements that all have ended.
pub fn is_complete(input: &str) -> bool {
    let text = input.trim();
    text.is_empty() || text.starts_with('.') || {
        let (statements, closed) = split(text);
        closed && (!statements.is_empty() || text.ends_with(';'))
    }
}

fn push<'a>(script: &'a str, start: usize, end: usize, statements: &mut Vec<Statement<'a>>) {
    // A statement begins at its first word; comments in front of it stay with it only if nothing else is there.
    let Some(first) = first_solid(script, start, end) else { return };
    let line = script.get(..first).unwrap_or_default().matches('\n').count() + 1;
    if let Some(text) = script.get(first..end) {
        statements.push(Statement { text: text.trim_end(), line });
    }
}

fn first_solid(script: &str, start: usize, end: usize) -> Option<usize> {
    let mut at = start;
    while at < end {
        let token = next_token(script, at)?;
        if token.solid {
            return Some(at);
        }
        at = token.end;
    }
    None
}

struct Token {
    end: usize,
    semicolon: bool,
    /// Whether it is neither white space nor a comment.
    solid: bool,
}

fn next_token(script: &str, at: usize) -> Option<Token> {
    let rest = script.get(at..)?;
    let first = rest.chars().next()?;
    let solid = |length: usize| Token { end: at + length, semicolon: false, solid: true };
    let token = match first {
        ';' => Token { end: at + 1, semicolon: true, solid: false },
        c if c.is_whitespace() => Token { end: at + c.len_utf8(), semicolon: false, solid: false },
        '-' if rest.starts_with("--") => Token { end: at + line_length(rest), semicolon: false, solid: false },
        '/' if rest.starts_with("/*") => Token { end: at + comment_length(rest), semicolon: false, solid: false },
        '\'' | '"' => solid(quoted_length(rest, first, true)),
        '`' => solid(quoted_length(rest, '`', false)),
        '$' if rest.starts_with("$$") => solid(dollar_length(rest)),
        c => solid(c.len_utf8()),
    };
    Some(token)
}

fn line_length(rest: &str) -> usize {
    rest.find('\n').map_or(rest.len(), |end| end + 1)
}

/// The length of a comment with comments inside; one that never ends takes the rest.
fn comment_length(rest: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a quoted text or name; a doubled quote, and a backslash where it escapes, do not end it.
fn quoted_length(rest: &str, quote: char, backslash: bool) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && backslash {
            chars.next();
        } else if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                _ => return at + quote.len_utf8(),
            }
        }
    }
    rest.len() + 1
}

fn dollar_length(rest: &str) -> usize {
    let inner = rest.get(2..).unwrap_or_default();
    inner.find("$$").map_or(rest.len() + 1, |end| end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn texts(script: &str) -> Vec<&str> {
        split(script).0.into_iter().map(|s| s.text).collect()
    }

    #[rstest]
    #[case("SELECT 1", &["SELECT 1"])]
    #[case("SELECT 1;", &["SELECT 1"])]
    #[case("SELECT 1 ; SELECT 2", &["SELECT 1", "SELECT 2"])]
    #[case(";;  ;", &[])]
    #[case("SELECT ';'; SELECT 2", &["SELECT ';'", "SELECT 2"])]
    #[case("SELECT 'it''s;'; SELECT 2", &["SELECT 'it''s;'", "SELECT 2"])]
    #[case(r"SELECT 'it\';s'; SELECT 2", &[r"SELECT 'it\';s'", "SELECT 2"])]
    #[case(r"SELECT 'a\\'; SELECT 2", &[r"SELECT 'a\\'", "SELECT 2"])]
    #[case("SELECT `a;``b`; SELECT 2", &["SELECT `a;``b`", "SELECT 2"])]
    #[case("SELECT \"a;b\"; SELECT 2", &["SELECT \"a;b\"", "SELECT 2"])]
    #[case("SELECT 1 -- a;b\n; SELECT 2", &["SELECT 1 -- a;b", "SELECT 2"])]
    #[case("SELECT /* ; /* ; */ ; */ 1; SELECT 2", &["SELECT /* ; /* ; */ ; */ 1", "SELECT 2"])]
    #[case("CREATE FUNCTION f AS $$ a; b $$; SELECT 2", &["CREATE FUNCTION f AS $$ a; b $$", "SELECT 2"])]
    #[case("-- only a comment", &[])]
    #[case("-- first\nSELECT 1; -- last", &["SELECT 1"])]
    #[case("SELECT 'größe;表'; SELECT 2", &["SELECT 'größe;表'", "SELECT 2"])]
    #[case("SELECT 1 - 2 / 3 $ 4", &["SELECT 1 - 2 / 3 $ 4"])]
    fn scripts_fall_into_statements(#[case] script: &str, #[case] expected: &[&str]) {
        assert_eq!(texts(script), expected);
    }

    #[test]
    fn a_statement_knows_its_line() {
        let (statements, _) = split("-- note\n\nSELECT 1;\nSELECT\n2;  SELECT 3");
        assert_eq!(statements.iter().map(|s| s.line).collect::<Vec<_>>(), [3, 4, 5]);
    }

    #[rstest]
    #[case("", true)]
    #[case(".help", true)]
    #[case("SELECT 1", false)]
    #[case("SELECT 1;", true)]
    #[case("SELECT 1; SELECT", false)]
    #[case("SELECT ';", false)]
    #[case("SELECT ';'", false)]
    #[case("SELECT 1 -- ;", false)]
    #[case("SELECT 1; -- done", true)]
    #[case("SELECT $$ a; ", false)]
    #[case("SELECT `a;", false)]
    #[case("-- a note", false)]
    #[case(";", true)]
    fn input_is_complete_when_every_statement_has_ended(#[case] input: &str, #[case] complete: bool) {
        assert_eq!(is_complete(input), complete);
    }

    #[rstest]
    #[case("SELECT 'abc")]
    #[case("SELECT `abc")]
    #[case("SELECT $$abc")]
    #[case("SELECT 1 /* abc")]
    fn what_never_ends_is_sent_as_it_is(#[case] script: &str) {
        assert_eq!(texts(script), [script]);
    }
}

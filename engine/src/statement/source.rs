//! A text as tokens that know their bytes.

use std::iter::Peekable;
use std::str::CharIndices;

use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::error::ParseError;

/// One token that is neither blank nor comment, and the bytes it stands on.
#[derive(Debug, Clone)]
pub(super) struct SourceToken {
    /// The token with its lines and columns.
    pub(super) token: TokenWithSpan,
    /// Its first byte.
    pub(super) start: usize,
    /// The byte after its last.
    pub(super) end: usize,
}

/// Splits a text into tokens, without blanks and comments.
///
/// # Errors
/// `Syntax` for an unfinished string, comment or quoted name, or a character that starts nothing.
pub(super) fn tokens(sql: &str, dialect: &dyn Dialect) -> Result<Vec<SourceToken>, ParseError> {
    let found =
        Tokenizer::new(dialect, sql).tokenize_with_location().map_err(|fault| ParseError::from_tokenizer(&fault))?;
    let mut offsets = Offsets::new(sql);
    let located = found.into_iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).map(|token| {
        let start = offsets.of(token.span.start);
        let end = offsets.of(token.span.end);
        SourceToken { token, start, end }
    });
    Ok(located.collect())
}

/// Turns places into bytes in one pass: each place asked for lies at or after the one before.
struct Offsets<'a> {
    chars: Peekable<CharIndices<'a>>,
    here: Location,
    len: usize,
}

impl<'a> Offsets<'a> {
    fn new(sql: &'a str) -> Self {
        Self { chars: sql.char_indices().peekable(), here: Location::new(1, 1), len: sql.len() }
    }

    fn of(&mut self, place: Location) -> usize {
        while (self.here.line, self.here.column) < (place.line, place.column) {
            match self.chars.next() {
                Some((_, '\n')) => self.here = Location::new(self.here.line + 1, 1),
                Some(_) => self.here.column += 1,
                None => break,
            }
        }
        self.chars.peek().map_or(self.len, |(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::dialect::LakewardenDialect;

    #[test]
    fn every_token_knows_its_bytes() {
        let sql = "select 'ž🐎\n\\'',\r\n `a``b`.c /* x */ >= 1.5 -- end\n, \"q\"";
        let found = tokens(sql, &LakewardenDialect::new(0)).unwrap();
        let texts: Vec<&str> = found.iter().map(|t| &sql[t.start..t.end]).collect();
        assert_eq!(texts, ["select", "'ž🐎\n\\''", ",", "`a``b`", ".", "c", ">=", "1.5", ",", "\"q\""]);
    }
}

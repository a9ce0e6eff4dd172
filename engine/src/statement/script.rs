//! Cutting a script into statements.

use sqlparser::tokenizer::Token;

use super::dialect::LakewardenDialect;
use super::error::{ParseError, ParseErrorKind};
use super::source::tokens;

/// Longest script, in bytes of text.
const MAX_SCRIPT_BYTES: usize = 16 << 20;

/// Splits a script at its `;`, by tokens: one inside a string, a comment, a quoted name or `$$..$$` ends nothing.
/// Pieces without a token (only blanks and comments) are left out; the text of each statement is kept as it is.
///
/// # Errors
/// `Limit` for a script over 16 MiB, `Syntax` for an unfinished string, comment or quoted name.
pub fn split_script(sql: &str) -> Result<Vec<String>, ParseError> {
    if sql.len() > MAX_SCRIPT_BYTES {
        let message = format!("the script has {} bytes, the limit is {MAX_SCRIPT_BYTES}", sql.len());
        return Err(ParseError::whole(ParseErrorKind::Limit, message));
    }
    let tokens = tokens(sql, &LakewardenDialect::new(0))?;
    let pieces = tokens.split(|t| matches!(t.token.token, Token::SemiColon));
    let texts = pieces.filter_map(|piece| sql.get(piece.first()?.start..piece.last()?.end));
    Ok(texts.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_strings_comments_and_quotes_split_nothing() {
        let script = "select 'a;b'; -- one; two\n select `x;y` /* ; /* ; */ ; */;\n;; create function f() returns int language python as $$ return 1; $$ ;\nselect \"q;\\\";\" ;";
        let expected = [
            "select 'a;b'",
            "select `x;y`",
            "create function f() returns int language python as $$ return 1; $$",
            "select \"q;\\\";\"",
        ];
        assert_eq!(split_script(script).unwrap(), expected);
    }

    #[test]
    fn blank_and_comment_only_scripts_hold_nothing() {
        assert_eq!(split_script(" \n-- only a comment\n ; /* x */ ;").unwrap(), Vec::<String>::new());
        assert_eq!(split_script("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn text_is_kept_across_lines_and_wide_characters() {
        let script = "select 'žluťoučký 🐎;',\n  1 ;\nselect\t'二'";
        assert_eq!(split_script(script).unwrap(), ["select 'žluťoučký 🐎;',\n  1", "select\t'二'"]);
    }

    #[test]
    fn an_unfinished_string_is_an_error_with_its_place() {
        let error = split_script("select 1;\nselect 'x").unwrap_err();
        assert_eq!((error.kind, error.position), (ParseErrorKind::Syntax, Some((2, 8))));
    }
}

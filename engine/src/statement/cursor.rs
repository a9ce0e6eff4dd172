//! A place in one statement's tokens, with the few moves that our own grammar needs.
//!
//! It hands over to the library for expressions, queries and types, and takes the place back afterwards.

use sqlparser::ast::{DataType, Expr, Query};
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token};

use super::error::{ParseError, ParseErrorKind};
use super::limits::ParseLimits;
use super::name::ObjectName;
use super::source::SourceToken;

/// A reader of one statement's tokens.
pub(super) struct Cursor<'a> {
    sql: &'a str,
    parser: Parser<'a>,
    /// First byte, byte after the last, and place of each token.
    spans: Vec<(usize, usize, Location)>,
    max_relations: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first of `tokens`, which were made from `sql` and hold no `;`.
    pub(super) fn new(sql: &'a str, tokens: Vec<SourceToken>, dialect: &'a dyn Dialect, limits: &ParseLimits) -> Self {
        let spans = tokens.iter().map(|t| (t.start, t.end, t.token.span.start)).collect();
        let parser = Parser::new(dialect)
            .with_recursion_limit(limits.max_nesting)
            .with_tokens_with_locations(tokens.into_iter().map(|t| t.token).collect());
        Self { sql, parser, spans, max_relations: limits.max_relations }
    }

    /// How many relations a query may name.
    pub(super) fn max_relations(&self) -> usize {
        self.max_relations
    }

    /// The next token but `n`.
    pub(super) fn peek(&self, n: usize) -> &Token {
        &self.parser.peek_nth_token_ref(n).token
    }

    /// Whether the next token but `n` is this unquoted word, in any case.
    pub(super) fn is_word(&self, n: usize, word: &str) -> bool {
        self.bare_word(n).is_some_and(|found| found.eq_ignore_ascii_case(word))
    }

    /// The unquoted word at the next token but `n`.
    pub(super) fn bare_word(&self, n: usize) -> Option<&str> {
        match self.peek(n) {
            Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    /// Whether these unquoted words come next.
    pub(super) fn is_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.is_word(n, word))
    }

    /// Steps over one token.
    pub(super) fn skip(&mut self) {
        if !self.at_end() {
            self.parser.advance_token();
        }
    }

    /// Steps over the word if it comes next.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        self.eat_all(&[word])
    }

    /// Steps over the words if all of them come next.
    pub(super) fn eat_all(&mut self, words: &[&str]) -> bool {
        let found = self.is_words(words);
        if found {
            words.iter().for_each(|_| self.skip());
        }
        found
    }

    /// Steps over whichever of the words comes next, and says which.
    pub(super) fn eat_any<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        words.iter().copied().find(|word| self.eat(word))
    }

    /// Steps over the token if it comes next.
    pub(super) fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.peek(0) == token;
        if found {
            self.skip();
        }
        found
    }

    /// Requires the word.
    pub(super) fn expect(&mut self, word: &str) -> Result<(), ParseError> {
        if self.eat(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    /// Requires the token.
    pub(super) fn expect_token(&mut self, token: &Token) -> Result<(), ParseError> {
        if self.eat_token(token) { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    /// Whether all tokens are used up.
    pub(super) fn at_end(&self) -> bool {
        matches!(self.peek(0), Token::EOF)
    }

    /// Requires that all tokens are used up.
    pub(super) fn expect_end(&self) -> Result<(), ParseError> {
        match self.peek(0) {
            Token::EOF => Ok(()),
            Token::Minus => {
                Err(self.error("expected the end of the statement: a name with a dash has to stand in backticks"))
            }
            _ => Err(self.unexpected("the end of the statement")),
        }
    }

    /// `IF NOT EXISTS`, if it comes next.
    pub(super) fn if_not_exists(&mut self) -> bool {
        self.eat_all(&["IF", "NOT", "EXISTS"])
    }

    /// `IF EXISTS`, if it comes next.
    pub(super) fn if_exists(&mut self) -> bool {
        self.eat_all(&["IF", "EXISTS"])
    }

    /// One part of a name: a word, or anything in backticks.
    pub(super) fn ident(&mut self, expected: &str) -> Result<String, ParseError> {
        match self.peek(0) {
            Token::Word(word) if word.value.is_empty() => Err(self.error("a name may not be empty")),
            Token::Word(word) => {
                let value = word.value.clone();
                self.skip();
                Ok(value)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// A name of one or more parts.
    pub(super) fn object_name(&mut self, expected: &str) -> Result<ObjectName, ParseError> {
        let mut parts = vec![self.ident(expected)?];
        while self.eat_token(&Token::Period) {
            parts.push(self.ident("the next part of the name")?);
        }
        if matches!(self.peek(0), Token::Minus) {
            return Err(self.error("a name with a dash has to stand in backticks"));
        }
        Ok(ObjectName { parts })
    }

    /// A string in single or double quotes.
    pub(super) fn string(&mut self, expected: &str) -> Result<String, ParseError> {
        match self.peek(0) {
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => {
                let text = text.clone();
                self.skip();
                Ok(text)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// A whole number.
    pub(super) fn whole_number(&mut self, expected: &str) -> Result<u64, ParseError> {
        let number = match self.peek(0) {
            Token::Number(digits, _) => digits.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected(expected))?;
        self.skip();
        Ok(number)
    }

    /// The string that comes next, if one does.
    pub(super) fn maybe_string(&mut self) -> Option<String> {
        self.string("a string").ok()
    }

    /// `item {, item}`.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut items = vec![item(self)?];
        while self.eat_token(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `( item {, item} )`.
    pub(super) fn parenthesized<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        self.expect_token(&Token::LParen)?;
        let items = self.list(item)?;
        self.expect_token(&Token::RParen)?;
        Ok(items)
    }

    /// An expression, by the library.
    pub(super) fn expr(&mut self) -> Result<Expr, ParseError> {
        self.hand_over(Parser::parse_expr)
    }

    /// A query, by the library.
    pub(super) fn query(&mut self) -> Result<Box<Query>, ParseError> {
        self.hand_over(Parser::parse_query)
    }

    /// A data type, by the library.
    pub(super) fn data_type(&mut self) -> Result<DataType, ParseError> {
        self.hand_over(Parser::parse_data_type)
    }

    fn hand_over<T>(&mut self, parse: impl Fn(&mut Parser<'a>) -> Result<T, ParserError>) -> Result<T, ParseError> {
        parse(&mut self.parser).map_err(|fault| ParseError::from_parser(&fault))
    }

    /// A mark before the next token, for [`Self::text_since`].
    pub(super) fn mark(&self) -> usize {
        self.parser.index()
    }

    /// The source text from a mark to the end of the last used token.
    pub(super) fn text_since(&self, mark: usize) -> String {
        let start = self.spans.get(mark).map_or(self.sql.len(), |span| span.0);
        let last = self.parser.index().min(self.spans.len()).checked_sub(1);
        let end = last.and_then(|at| self.spans.get(at)).map_or(start, |span| span.1);
        self.sql.get(start..end).unwrap_or_default().to_owned()
    }

    /// Whether the next token starts where the last used one ended.
    pub(super) fn is_glued(&self) -> bool {
        let at = self.parser.index();
        match (at.checked_sub(1).and_then(|last| self.spans.get(last)), self.spans.get(at)) {
            (Some(last), Some(next)) => last.1 == next.0,
            _ => false,
        }
    }

    /// An error at the next token.
    pub(super) fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError::at(ParseErrorKind::Syntax, message, self.here())
    }

    /// "expected x, found y" at the next token.
    pub(super) fn unexpected(&self, expected: &str) -> ParseError {
        let found = match self.peek(0) {
            Token::EOF => "the end of the statement".to_owned(),
            // The text of a string may be a secret.
            Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::DollarQuotedString(_) => {
                "a string".to_owned()
            }
            Token::Word(word) if word.value.chars().count() > 64 => "a long word".to_owned(),
            token => format!("`{token}`"),
        };
        self.error(format!("expected {expected}, found {found}"))
    }

    /// Where the next token starts; at the end, where the last one started.
    fn here(&self) -> Location {
        let at = self.parser.index().min(self.spans.len().saturating_sub(1));
        self.spans.get(at).map_or(Location::new(1, 1), |span| span.2)
    }
}

//! How much a statement may hold, checked on its tokens before anything recurses over it.
//!
//! Owns: the bounds and the check. The parsing library bounds nesting, but it builds flat chains
//! (`1 + 1 + …`, `… UNION ALL …`, `x::a::b::…`) into trees as deep as the chain is long, and a deep
//! enough tree ends the process when it is walked, copied or dropped. So a chain is counted here, on tokens,
//! where counting costs no stack.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::error::{ParseError, ParseErrorKind};
use super::source::SourceToken;

/// Bounds on one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseLimits {
    /// Longest statement, in bytes of text.
    pub max_bytes: usize,
    /// Deepest nesting of parentheses, brackets and types; a subquery counts two or three.
    pub max_nesting: usize,
    /// Most operators in one expression list item (`a AND b AND …`, `1 + 1 + …`).
    pub max_chain: usize,
    /// Most joins, set operations and relations in one statement.
    pub max_relations: usize,
}

// Parsing, walking and dropping the widest tree that the defaults let through take well under the 2 MiB of stack that
// a thread has; planning and copying it take more, so they belong on a thread with a larger stack.

impl Default for ParseLimits {
    fn default() -> Self {
        Self { max_bytes: 1 << 20, max_nesting: 50, max_chain: 2_000, max_relations: 500 }
    }
}

impl ParseLimits {
    /// Refuses a text that is too long, before it is split into tokens.
    ///
    /// # Errors
    /// `Limit` when the text has more bytes than allowed.
    pub(super) fn check_text(&self, sql: &str) -> Result<(), ParseError> {
        if sql.len() <= self.max_bytes {
            return Ok(());
        }
        let message = format!("the statement has {} bytes, the limit is {}", sql.len(), self.max_bytes);
        Err(ParseError::whole(ParseErrorKind::Limit, message))
    }

    /// Refuses a token sequence that could become too deep a tree.
    ///
    /// # Errors
    /// `Limit` when brackets or types nest too deeply, when one chain has too many operators, or when there
    /// are too many joins and set operations.
    pub(super) fn check_tokens(&self, tokens: &[SourceToken]) -> Result<(), ParseError> {
        let mut shape = Shape::new(self, tokens);
        let mut previous = &Token::EOF;
        for token in tokens {
            shape.take(previous, token)?;
            previous = &token.token.token;
        }
        Ok(())
    }
}

/// How deep the tree of one bracket level can be: operators of its current list item, on top of the deepest group inside it.
#[derive(Default)]
struct Level {
    operators: usize,
    deepest_group: usize,
    finished_items: usize,
}

impl Level {
    fn item(&self) -> usize {
        self.operators + self.deepest_group
    }

    fn total(&self) -> usize {
        self.finished_items.max(self.item())
    }
}

/// Running counts over the tokens of one statement.
struct Shape<'a> {
    limits: &'a ParseLimits,
    max_chain: usize,
    levels: Vec<Level>,
    /// Commas inside `STRUCT<a INT, b INT>` end no list item, and there is no telling them apart by
    /// tokens alone: when the statement has such a type, no comma ends a chain.
    commas_end_items: bool,
    angle_depth: usize,
    relations: usize,
    integer_divisions: usize,
    /// Dots since the last token that is neither name nor number.
    dots: usize,
}

/// Most dots in a row of names: a name of many parts costs the square of its length.
const MAX_DOTS: usize = 1_000;

/// `a DIV b` copies its left side while it is parsed: a chain of them costs the square of its length, and
/// copying takes more stack than anything else that parsing does. So a statement with `DIV` has shorter chains.
const MAX_INTEGER_DIVISIONS: usize = 100;
const MAX_CHAIN_WITH_DIVISIONS: usize = 250;

impl<'a> Shape<'a> {
    fn new(limits: &'a ParseLimits, tokens: &[SourceToken]) -> Self {
        let mut before = &Token::EOF;
        let mut has_angle_type = false;
        let mut max_chain = limits.max_chain;
        for token in tokens.iter().map(|t| &t.token.token) {
            has_angle_type |= matches!(token, Token::Lt) && is_angle_type(before);
            if is_keyword(token, Keyword::DIV) {
                max_chain = max_chain.min(MAX_CHAIN_WITH_DIVISIONS);
            }
            before = token;
        }
        Self {
            limits,
            max_chain,
            levels: vec![Level::default()],
            commas_end_items: !has_angle_type,
            angle_depth: 0,
            relations: 0,
            integer_divisions: 0,
            dots: 0,
        }
    }

    fn take(&mut self, previous: &Token, token: &SourceToken) -> Result<(), ParseError> {
        match &token.token.token {
            Token::Period => self.dots += 1,
            Token::Word(_) | Token::Number(..) => {}
            _ => self.dots = 0,
        }
        if self.dots > MAX_DOTS {
            let message = "a name has too many parts";
            return Err(ParseError::at(ParseErrorKind::Limit, message, token.token.span.start));
        }
        match &token.token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                self.count_operator(token)?;
                self.levels.push(Level::default());
                if self.levels.len() > self.limits.max_nesting + 1 {
                    return Err(ParseError { position: place(token), ..ParseError::too_deep() });
                }
            }
            Token::RParen | Token::RBracket | Token::RBrace => self.close(),
            Token::Comma if self.commas_end_items => {
                if let Some(level) = self.levels.last_mut() {
                    level.finished_items = level.total();
                    level.operators = 0;
                    level.deepest_group = 0;
                }
            }
            Token::Comma | Token::Period | Token::SemiColon => {}
            Token::Word(word) if word.quote_style.is_none() => self.take_word(word.keyword, token)?,
            other if is_literal(other) => {}
            other => {
                self.take_angle(previous, other, token)?;
                self.count_operator(token)?;
            }
        }
        Ok(())
    }

    fn take_word(&mut self, keyword: Keyword, token: &SourceToken) -> Result<(), ParseError> {
        match keyword {
            Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::MINUS
            | Keyword::JOIN
            | Keyword::PIVOT
            | Keyword::UNPIVOT
            | Keyword::MATCH_RECOGNIZE => {
                self.relations += 1;
                if self.relations > self.limits.max_relations {
                    let message =
                        format!("the statement has more than {} joins and set operations", self.limits.max_relations);
                    return Err(ParseError::at(ParseErrorKind::Limit, message, token.token.span.start));
                }
                Ok(())
            }
            Keyword::DIV => {
                self.integer_divisions += 1;
                if self.integer_divisions > MAX_INTEGER_DIVISIONS {
                    let message = format!("the statement has more than {MAX_INTEGER_DIVISIONS} DIV operators");
                    return Err(ParseError::at(ParseErrorKind::Limit, message, token.token.span.start));
                }
                self.count_operator(token)
            }
            keyword if is_operator_word(keyword) => self.count_operator(token),
            _ => Ok(()),
        }
    }

    fn take_angle(&mut self, previous: &Token, this: &Token, token: &SourceToken) -> Result<(), ParseError> {
        match this {
            Token::Lt if is_angle_type(previous) => self.angle_depth += 1,
            Token::Gt => self.angle_depth = self.angle_depth.saturating_sub(1),
            Token::ShiftRight => self.angle_depth = self.angle_depth.saturating_sub(2),
            _ => {}
        }
        if self.angle_depth > self.limits.max_nesting {
            return Err(ParseError { position: place(token), ..ParseError::too_deep() });
        }
        Ok(())
    }

    fn count_operator(&mut self, token: &SourceToken) -> Result<(), ParseError> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        level.operators += 1;
        if level.item() <= self.max_chain {
            return Ok(());
        }
        let message = format!(
            "an expression has more than {} operators: use IN (..), VALUES or a join instead of a long chain",
            self.max_chain
        );
        Err(ParseError::at(ParseErrorKind::Limit, message, token.token.span.start))
    }

    /// Ends a bracket level; a closing bracket too many is left for the grammar to refuse.
    fn close(&mut self) {
        if self.levels.len() < 2 {
            return;
        }
        let inner = self.levels.pop().map_or(0, |level| level.total());
        if let Some(level) = self.levels.last_mut() {
            level.deepest_group = level.deepest_group.max(inner);
        }
    }
}

fn place(token: &SourceToken) -> Option<(u64, u64)> {
    Some((token.token.span.start.line, token.token.span.start.column))
}

fn is_keyword(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.keyword == keyword)
}

fn is_angle_type(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none()
        && matches!(word.keyword, Keyword::ARRAY | Keyword::MAP | Keyword::STRUCT))
}

fn is_literal(token: &Token) -> bool {
    matches!(
        token,
        Token::Word(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_)
            | Token::EOF
    )
}

fn is_operator_word(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::BETWEEN
            | Keyword::MOD
            | Keyword::COLLATE
            | Keyword::AT
            | Keyword::SIMILAR
            | Keyword::OVERLAPS
            | Keyword::NOTNULL
            | Keyword::MEMBER
            | Keyword::OPERATOR
            | Keyword::MATCH
            | Keyword::CASE
            | Keyword::INTERVAL
            | Keyword::PRIOR
            | Keyword::LATERAL
    )
}

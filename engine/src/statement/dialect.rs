//! The dialect that the expression and query parser is run with.
//!
//! It is the library's Databricks dialect with what that one lacks: backslash escapes, `MAP<..>`, `LONG`,
//! `DIV`. It also carries fuel: the library tries some words two ways and goes back when one fails, which
//! for nested malformed calls doubles the work at every level; each expression that is begun burns one unit,
//! and without fuel the parse ends.

use std::any::TypeId;
use std::cell::Cell;

use sqlparser::ast::{BinaryOperator, CastKind, DataType, Expr};
use sqlparser::dialect::{DatabricksDialect, Dialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};

/// Expressions that may be begun whatever the length of the statement.
const BASE_FUEL: u64 = 50_000;
/// Expressions that may be begun for each token.
const FUEL_PER_TOKEN: u64 = 16;

/// The dialect of one parse.
#[derive(Debug)]
pub(super) struct LakewardenDialect {
    fuel: Cell<u64>,
}

impl LakewardenDialect {
    /// A dialect with fuel for a statement of `tokens` tokens.
    pub(super) fn new(tokens: usize) -> Self {
        let tokens = u64::try_from(tokens).unwrap_or(u64::MAX);
        Self { fuel: Cell::new(BASE_FUEL.saturating_add(FUEL_PER_TOKEN.saturating_mul(tokens))) }
    }
}

impl Dialect for LakewardenDialect {
    // The library keys some grammar on the dialect's type.
    fn dialect(&self) -> TypeId {
        TypeId::of::<DatabricksDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        DatabricksDialect.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        DatabricksDialect.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        DatabricksDialect.is_identifier_part(ch)
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('`')
    }

    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }

    fn supports_struct_literal(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    fn supports_cte_without_as(&self) -> bool {
        true
    }

    fn supports_select_item_multi_column_alias(&self) -> bool {
        true
    }

    fn supports_map_literal_with_angle_brackets(&self) -> bool {
        true
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        true
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    // `'\%'` and `'\_'` keep their backslash, so that LIKE sees it.
    fn ignores_wildcard_escapes(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    fn parse_prefix(&self, _parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        match self.fuel.get().checked_sub(1) {
            Some(left) => {
                self.fuel.set(left);
                None
            }
            None => Some(Err(ParserError::RecursionLimitExceeded)),
        }
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        if !parser.parse_keyword(Keyword::DIV) {
            return None;
        }
        Some(parser.parse_subexpr(precedence).map(|right| integer_division(expr.clone(), right)))
    }
}

/// The planner has no `DIV`: it is the quotient cut to a whole number.
fn integer_division(left: Expr, right: Expr) -> Expr {
    let quotient = Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::Divide, right: Box::new(right) };
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(quotient),
        data_type: DataType::BigInt(None),
        array: false,
        format: None,
    }
}

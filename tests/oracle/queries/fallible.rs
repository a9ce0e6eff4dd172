//! Expressions that fail on some values: what tells of hidden rows when it is computed for them.

use super::{Maker, Scope};
use crate::kinds::Kind;

impl Maker<'_, '_> {
    /// A predicate that fails on some values, or one that doesn't when no more may fail.
    pub(super) fn may_fail(&mut self, scope: &Scope) -> String {
        if self.fallible == 0 {
            return self.truth(scope, 1);
        }
        self.fallible -= 1;
        let n = *self.dice.one(&[7, 5, 3, 0]);
        if let Some(number) = self.column_of(scope, Kind::is_whole)
            && self.dice.chance(45)
        {
            let number = number.text;
            return match self.dice.below(6) {
                0 | 1 => format!("10 / ({number} - {n}) > 0"),
                2 => format!("{number} % ({number} - {n}) = 0"),
                3 => format!("length(chr(CAST({number} - 1 AS BIGINT))) > 0"),
                4 => format!("CAST({number} * 100 AS TINYINT) < 5"),
                _ => format!("factorial(CAST({number} AS BIGINT) * 5) > 0"),
            };
        }
        if let Some(text) = self.column_of(scope, |kind| kind == Kind::Text)
            && self.dice.chance(80)
        {
            let text = text.text;
            return match self.dice.below(7) {
                0 | 1 => format!("CAST({text} AS INT) > {n}"),
                2 => format!("CAST({text} AS DATE) > DATE '2000-01-01'"),
                3 => format!("to_timestamp({text}) IS NOT NULL"),
                4 => format!("CAST({text} AS DECIMAL(5,2)) < 3"),
                5 => format!("regexp_like('a', concat('[', {text}))"),
                _ => format!("CAST({text} AS DOUBLE) > 0.5"),
            };
        }
        (*self.dice.one(&["1 / 0 = 1", "10 / (1 - 1) > 2", "CAST('x' AS INT) = 1"])).to_owned()
    }

    /// A value of a kind whose computing fails on some values.
    pub(super) fn may_fail_as(&mut self, kind: Kind, scope: &Scope) -> Option<String> {
        let n = *self.dice.one(&[7, 5, 3, 0]);
        let text = self.column_of(scope, |kind| kind == Kind::Text);
        let number = self.column_of(scope, Kind::is_whole);
        let made = match kind {
            Kind::Big => number.map(|number| format!("CAST(100 / ({} - {n}) AS BIGINT)", number.text)),
            Kind::Text => number.map(|number| format!("chr(CAST({} AS BIGINT))", number.text)),
            Kind::Int | Kind::Date | Kind::Double | Kind::Decimal(..) | Kind::Bool | Kind::Tiny => {
                text.map(|text| format!("CAST({} AS {})", text.text, kind.sql()))
            }
            _ => None,
        }?;
        self.fallible -= 1;
        Some(made)
    }
}

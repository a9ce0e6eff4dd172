//! Expressions that fail on no value.

use lakewarden_engine::ScalarValue;

use super::{Field, Maker, Scope};
use crate::kinds::Kind;

impl Maker<'_, '_> {
    pub(super) fn any_column(&mut self, scope: &Scope) -> Option<Field> {
        (!scope.is_empty()).then(|| self.dice.one(scope).clone())
    }

    pub(super) fn column_of(&mut self, scope: &Scope, fit: impl Fn(Kind) -> bool) -> Option<Field> {
        let fit: Vec<&Field> = scope.iter().filter(|field| fit(field.kind)).collect();
        if fit.is_empty() { None } else { Some((*self.dice.one(&fit)).clone()) }
    }

    pub(super) fn simple_column(&mut self, scope: &Scope) -> Option<Field> {
        self.column_of(scope, Kind::is_simple)
    }

    /// A value of exactly this kind.
    pub(super) fn value(&mut self, kind: Kind, scope: &Scope, depth: usize) -> String {
        if let Some(column) = self.column_of(scope, |found| found == kind)
            && self.dice.chance(65)
        {
            return column.text;
        }
        if self.fallible > 0
            && self.dice.chance(25)
            && let Some(text) = self.may_fail_as(kind, scope)
        {
            return text;
        }
        if depth > 0 && kind.is_simple() && self.dice.chance(30) {
            return self.chosen(kind, scope, depth - 1);
        }
        match kind {
            Kind::Big => self.number(scope, depth),
            Kind::Text => self.text(scope, depth),
            Kind::Bool => format!("({})", self.truth(scope, depth.min(1))),
            kind if kind.is_whole() => match self.column_of(scope, Kind::is_whole) {
                Some(column) => format!("CAST({} % 100 AS {})", column.text, kind.sql()),
                None => kind.literal(self.dice),
            },
            Kind::Int => self.number(scope, depth),
            kind => kind.literal(self.dice),
        }
    }

    fn chosen(&mut self, kind: Kind, scope: &Scope, depth: usize) -> String {
        let (a, b) = (self.value(kind, scope, depth), self.value(kind, scope, depth));
        match self.dice.below(4) {
            0 => format!("coalesce({a}, {b})"),
            1 => format!("nullif({a}, {b})"),
            _ => format!("CASE WHEN {} THEN {a} ELSE {b} END", self.truth(scope, depth.min(1))),
        }
    }

    /// A BIGINT.
    fn number(&mut self, scope: &Scope, depth: usize) -> String {
        let literal = Kind::Big.literal(self.dice);
        match self.dice.below(if depth == 0 { 5 } else { 9 }) {
            0 => literal,
            1 => match self.column_of(scope, |kind| kind == Kind::Text) {
                Some(text) => {
                    format!("CAST({}({}) AS BIGINT)", self.dice.one(&["length", "octet_length", "ascii"]), text.text)
                }
                None => literal,
            },
            2 => match self.column_of(scope, |kind| matches!(kind, Kind::Struct | Kind::Map | Kind::Numbers)) {
                Some(field) if field.kind == Kind::Struct => format!("CAST({}['a'] AS BIGINT)", field.text),
                Some(field) if field.kind == Kind::Map => format!("CAST({}['x'] AS BIGINT)", field.text),
                Some(field) => format!("CAST({}[0] AS BIGINT)", field.text),
                None => literal,
            },
            3 => match self.column_of(scope, |kind| kind == Kind::Date) {
                Some(date) => {
                    format!("CAST(date_part('{}', {}) AS BIGINT)", self.dice.one(&["year", "day"]), date.text)
                }
                None => literal,
            },
            4 => match self.column_of(scope, Kind::is_whole) {
                Some(column) => format!("CAST({} AS BIGINT)", column.text),
                None => literal,
            },
            5 => format!(
                "({} {} {})",
                self.small_number(scope),
                self.dice.one(&["+", "-", "*"]).to_owned(),
                self.small_number(scope)
            ),
            6 => {
                let aggregate = *self.dice.one(&["max", "min", "count"]);
                let inner = self.select(&[Kind::Big], &[], depth - 1);
                format!("(SELECT {aggregate}(q.o0) FROM ({inner}) q)")
            }
            _ => format!("({} % 10)", self.value(Kind::Big, scope, depth - 1)),
        }
    }

    /// A number that a few thousand of can be added up.
    pub(super) fn small_number(&mut self, scope: &Scope) -> String {
        match self.column_of(scope, Kind::is_whole) {
            Some(column) => format!("(CAST({} AS BIGINT) % 1000)", column.text),
            None => self.dice.below(9).to_string(),
        }
    }

    fn text(&mut self, scope: &Scope, depth: usize) -> String {
        let literal = Kind::Text.literal(self.dice);
        let inner = |maker: &mut Self| maker.value(Kind::Text, scope, depth.saturating_sub(1));
        match self.dice.below(if depth == 0 { 3 } else { 9 }) {
            0 => literal,
            1 => match self.column_of(scope, Kind::is_whole) {
                Some(number) => format!("CAST({} AS STRING)", number.text),
                None => literal,
            },
            2 => match self.column_of(scope, |kind| matches!(kind, Kind::Struct | Kind::Texts)) {
                Some(field) if field.kind == Kind::Struct => format!("{}['b']", field.text),
                Some(field) => format!("{}[0]", field.text),
                None => literal,
            },
            3 => format!("upper({})", inner(self)),
            4 => format!("substr({}, 1, 2)", inner(self)),
            5 => format!("concat({}, {literal})", inner(self)),
            6 => format!("regexp_replace({}, '^[a-z]', '-')", inner(self)),
            7 => format!("md5({})", inner(self)),
            _ => format!("reverse({})", inner(self)),
        }
    }

    /// A predicate that fails on no value, without subqueries at depth 0.
    pub(super) fn truth(&mut self, scope: &Scope, depth: usize) -> String {
        match self.dice.below(if depth == 0 { 11 } else { 16 }) {
            0..=3 => self.comparison(scope),
            4 => match self.any_column(scope) {
                Some(column) => format!("{} IS {}NULL", column.text, self.dice.one(&["NOT ", "NOT ", ""])),
                None => "TRUE".to_owned(),
            },
            5 => self.list(scope),
            6 => self.pattern(scope),
            7 => (*self.dice.one(&[
                "TRUE",
                "1 = 1",
                "@member(staff)",
                "NOT @member(hr)",
                "1 < 2",
                "@user <> 'bob'",
                "NULL",
                "FALSE",
            ]))
            .to_owned(),
            8 => self.between_columns(scope),
            9 => {
                let (a, b) = (self.comparison(scope), self.comparison(scope));
                format!("({a}) = ({b})")
            }
            10 => self.guarded(scope),
            11 | 12 => format!("({} AND {})", self.truth(scope, depth - 1), self.truth(scope, depth - 1)),
            13 => format!("({} OR {})", self.truth(scope, depth - 1), self.truth(scope, depth - 1)),
            14 => format!("NOT ({})", self.truth(scope, depth - 1)),
            _ => {
                let number = self.value(Kind::Big, scope, depth - 1);
                format!("{number} {} {}", self.dice.one(&["<", ">=", "<>"]).to_owned(), self.value(Kind::Big, scope, 0))
            }
        }
    }

    /// A column and a value of its own kind: what may help to skip files.
    fn comparison(&mut self, scope: &Scope) -> String {
        let Some(column) = self.simple_column(scope) else { return "TRUE".to_owned() };
        let operator = *self.dice.one(&["<>", ">", "<", ">=", "<=", "<>", "="]);
        let bindable = matches!(column.kind, Kind::Big | Kind::Text);
        if bindable && self.values.len() < 3 && self.dice.chance(6) {
            self.values.push(match column.kind {
                Kind::Big => ScalarValue::Int64(Some(self.dice.below(8) as i64)),
                _ => ScalarValue::from(*self.dice.one(&["1", "x", "7"])),
            });
            return format!("{} {operator} ${}", column.text, self.values.len());
        }
        let value = column.kind.literal(self.dice);
        match self.dice.below(8) {
            6 => format!("{} BETWEEN {value} AND {}", column.text, column.kind.literal(self.dice)),
            7 => format!("({} IS DISTINCT FROM {value})", column.text),
            5 => format!("{value} {operator} {}", column.text),
            _ => format!("{} {operator} {value}", column.text),
        }
    }

    fn list(&mut self, scope: &Scope) -> String {
        let Some(column) = self.simple_column(scope) else { return "TRUE".to_owned() };
        let (a, b) = (column.kind.literal(self.dice), column.kind.literal(self.dice));
        let null = *self.dice.one(&["", "", ", NULL"]);
        format!("{} {} ({a}, {b}{null})", column.text, self.dice.one(&["IN", "NOT IN"]))
    }

    fn pattern(&mut self, scope: &Scope) -> String {
        let Some(column) = self.column_of(scope, |kind| kind == Kind::Text) else { return self.comparison(scope) };
        match self.dice.below(5) {
            0 => format!("{} LIKE '{}'", column.text, self.dice.one(&["%a%", "a%", "_", "%", "%7"])),
            1 => format!("{} NOT LIKE '%b%'", column.text),
            2 => format!("{} RLIKE '{}'", column.text, self.dice.one(&["^[a-c]", "[0-9]+$", "."])),
            3 => format!("length({}) > {}", column.text, self.dice.below(3)),
            _ => format!("upper({}) = 'A'", column.text),
        }
    }

    fn between_columns(&mut self, scope: &Scope) -> String {
        let Some(left) = self.simple_column(scope) else { return "TRUE".to_owned() };
        match self.column_of(scope, |kind| kind == left.kind) {
            Some(right) => format!("{} {} {}", left.text, self.dice.one(&["=", "<", "<>", ">="]), right.text),
            None => self.comparison(scope),
        }
    }

    /// What would fail without its guard.
    fn guarded(&mut self, scope: &Scope) -> String {
        // The planner makes `a AND b` of it, which guards no row that lies with others.
        if self.fallible == 0 {
            return self.comparison(scope);
        }
        self.fallible -= 1;
        let n = self.dice.below(9);
        match self.column_of(scope, Kind::is_whole) {
            Some(column) => format!(
                "CASE WHEN {0} <> {n} THEN 10 / (CAST({0} AS BIGINT) % 1000 - {n}) > 1 ELSE FALSE END",
                column.text
            ),
            None => self.comparison(scope),
        }
    }
}

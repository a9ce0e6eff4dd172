//! What a query reads: relations, joins of up to four of them, and conditions.

use super::{Field, Maker, Scope};
use crate::kinds::Kind;
use crate::world::Column;

impl Maker<'_, '_> {
    pub(super) fn from(&mut self, depth: usize) -> (String, Scope) {
        let (mut text, mut scope) = self.relation(depth);
        let joins = match self.dice.below(10) {
            0..=5 => 0,
            6..=8 => 1,
            _ => 1 + self.dice.below(3),
        };
        for _ in 0..joins {
            let (other, fields) = self.relation(depth.saturating_sub(1));
            (text, scope) = self.joined(text, scope, &other, fields, joins);
        }
        (text, scope)
    }

    fn joined(&mut self, text: String, mut scope: Scope, other: &str, fields: Scope, joins: usize) -> (String, Scope) {
        let way = *self.dice.one(&[
            "JOIN",
            "LEFT JOIN",
            "RIGHT JOIN",
            "FULL JOIN",
            "LEFT SEMI JOIN",
            "LEFT ANTI JOIN",
            "CROSS JOIN",
            "USING",
            "LEFT JOIN",
        ]);
        if way == "CROSS JOIN" && joins == 1 {
            scope.extend(fields);
            return (format!("{text} CROSS JOIN {other}"), scope);
        }
        let Some((left, right)) = self.pair(&scope, &fields) else {
            scope.extend(fields);
            return (format!("{text} JOIN {other} ON 1 = 1"), scope);
        };
        let bare = |field: &Field| field.text.rsplit('.').next().unwrap_or_default().to_owned();
        let same = bare(&left) == bare(&right);
        let twice = scope.iter().filter(|field| bare(field) == bare(&left)).count() > 1;
        if way == "USING" && same && !twice {
            let on = bare(&left);
            let kind = *self.dice.one(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
            scope.extend(fields);
            return (format!("{text} {kind} {other} USING ({on})"), scope);
        }
        let way = if way == "USING" || way == "CROSS JOIN" { "JOIN" } else { way };
        let mut both = scope.clone();
        both.extend(fields.iter().cloned());
        let more = if self.dice.chance(20) { format!(" AND {}", self.truth(&both, 0)) } else { String::new() };
        if !way.contains("SEMI") && !way.contains("ANTI") {
            scope = both;
        }
        (format!("{text} {way} {other} ON {} = {}{more}", left.text, right.text), scope)
    }

    /// Two columns of one kind.
    fn pair(&mut self, left: &Scope, right: &Scope) -> Option<(Field, Field)> {
        let fits = |a: &Field, b: &Field| a.kind == b.kind && a.kind.is_simple();
        let pairs: Vec<_> =
            left.iter().flat_map(|a| right.iter().filter(move |b| fits(a, b)).map(move |b| (a, b))).collect();
        if pairs.is_empty() {
            return None;
        }
        let name = |field: &Field| field.text.rsplit('.').next().unwrap_or_default().to_owned();
        let namesakes: Vec<_> = pairs.iter().filter(|(a, b)| name(a) == name(b)).copied().collect();
        let (a, b) = if namesakes.is_empty() || self.dice.chance(25) {
            *self.dice.one(&pairs)
        } else {
            *self.dice.one(&namesakes)
        };
        Some((a.clone(), b.clone()))
    }

    fn relation(&mut self, depth: usize) -> (String, Scope) {
        let alias = self.name('r');
        let named = |columns: &[Column]| -> Scope {
            columns.iter().map(|c| Field { text: format!("{alias}.{}", c.name), kind: c.kind }).collect()
        };
        let choice = self.dice.below(if depth == 0 { 12 } else { 16 });
        match choice {
            11 if !self.bound.is_empty() => {
                let (name, columns) = self.dice.one(&self.bound.clone()).clone();
                (format!("{name} {alias}"), named(&columns))
            }
            12 => {
                let rows: Vec<_> = (0..1 + self.dice.below(3))
                    .map(|_| format!("({}, '{}')", self.dice.below(9), self.dice.one(&["a", "b", "7"])))
                    .collect();
                let fields = [("x", Kind::Big), ("y", Kind::Text)]
                    .map(|(name, kind)| Field { text: format!("{alias}.{name}"), kind });
                (format!("(VALUES {}) {alias}(x, y)", rows.join(", ")), fields.to_vec())
            }
            13 | 14 => {
                let kinds = self.kinds();
                let inner = self.query(&kinds, depth - 1);
                let columns: Vec<_> =
                    kinds.iter().enumerate().map(|(at, k)| Column { name: format!("o{at}"), kind: *k }).collect();
                (format!("({inner}) {alias}"), named(&columns))
            }
            15 => self.unnested(&alias).unwrap_or_else(|| self.stored(&alias)),
            _ => self.stored(&alias),
        }
    }

    fn stored(&mut self, alias: &str) -> (String, Scope) {
        let (name, columns) = self.dice.one(&self.relations.clone()).clone();
        let fields = columns.iter().map(|c| Field { text: format!("{alias}.{}", c.name), kind: c.kind });
        let version = match self.steps.get(&name).copied() {
            Some(steps) if steps > 0 && self.dice.chance(10) => {
                format!(" @version({name},{})", self.dice.below(steps + 1))
            }
            _ => String::new(),
        };
        (format!("{name}{version} {alias}"), fields.collect())
    }

    /// The elements of an array beside what is in its row.
    fn unnested(&mut self, alias: &str) -> Option<(String, Scope)> {
        let arrays: Vec<(String, Column, String)> = self
            .relations
            .iter()
            .flat_map(|(name, columns)| {
                let first = columns[0].name.clone();
                let fit = columns.iter().filter(|c| matches!(c.kind, Kind::Numbers | Kind::Texts));
                fit.map(move |c| (name.clone(), c.clone(), first.clone()))
            })
            .collect();
        if arrays.is_empty() {
            return None;
        }
        let (name, column, first) = self.dice.one(&arrays).clone();
        let kind = if column.kind == Kind::Texts { Kind::Text } else { Kind::Int };
        let text = format!("(SELECT {first} AS x, unnest({}) AS y FROM {name}) {alias}", column.name);
        let first = Field { text: format!("{alias}.x"), kind: Kind::Big };
        name.starts_with('t').then(|| (text, vec![first, Field { text: format!("{alias}.y"), kind }]))
    }

    /// What stands in a WHERE: subqueries too.
    pub(super) fn condition(&mut self, scope: &Scope, depth: usize) -> String {
        let first = match self.dice.below(10) {
            7 if depth > 0 => self.membership(scope, depth),
            8 if depth > 0 => self.existence(scope, depth),
            9 => self.may_fail(scope),
            _ => self.truth(scope, depth),
        };
        match self.dice.below(6) {
            4 => format!("{first} AND {}", self.condition(scope, 0)),
            5 => format!("({first} OR {})", self.truth(scope, 0)),
            _ => first,
        }
    }

    fn membership(&mut self, scope: &Scope, depth: usize) -> String {
        let kind = *self.dice.one(&[Kind::Big, Kind::Text]);
        let value = self.value(kind, scope, 0);
        let inner = self.select(&[kind], &[], depth - 1);
        format!("{value} {} ({inner})", self.dice.one(&["IN", "NOT IN"]))
    }

    fn existence(&mut self, scope: &Scope, depth: usize) -> String {
        let (from, inner) = self.relation(0);
        let not = *self.dice.one(&["", "NOT "]);
        let Some((a, b)) = self.pair(scope, &inner) else { return self.truth(scope, depth) };
        let more = if self.dice.chance(40) { format!(" AND {}", self.truth(&inner, 0)) } else { String::new() };
        format!("{not}EXISTS (SELECT 1 FROM {from} WHERE {} = {}{more})", a.text, b.text)
    }
}

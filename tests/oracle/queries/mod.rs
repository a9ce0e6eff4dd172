//! Queries made up over the relations of a world. Each has one answer whatever order rows are read in: what is cut off by LIMIT is
//! sorted by all that it shows, windows count peers together, and floating point numbers aren't added up.

mod fallible;
mod relations;
mod values;

use std::collections::HashMap;

use lakewarden_engine::ScalarValue;

use crate::copy::Copy;
use crate::dice::Dice;
use crate::kinds::{self, Kind};
use crate::world::{Caller, Column, World};

/// A query, with `@user` and `@member(group)` in it for who asks.
#[derive(Debug, Clone)]
pub struct Query {
    pub text: String,
    pub values: Vec<ScalarValue>,
}

impl Query {
    pub fn new(world: &World, dice: &mut Dice) -> Self {
        let tables = world
            .tables
            .iter()
            .map(|table| (table.name.clone(), table.open_columns().into_iter().cloned().collect::<Vec<_>>()));
        let views = world.views.iter().map(|view| (view.name.clone(), view.columns.clone()));
        let relations = tables.chain(views).collect();
        let steps = world.tables.iter().map(|table| (table.name.clone(), table.versions())).collect();
        let fallible = match dice.below(10) {
            0..=4 => 0,
            5..=8 => 1,
            _ => 3,
        };
        let mut maker = Maker { dice, relations, steps, bound: Vec::new(), names: 0, fallible, values: Vec::new() };
        let text = maker.statement();
        Self { text, values: maker.values }
    }

    pub fn asked(&self) -> String {
        Caller::dated(&Caller::asked(&self.text), |_, steps| steps)
    }

    /// The query with constants for who asks and versions of the copy.
    pub fn told(&self, caller: &Caller, copy: &Copy) -> String {
        Caller::dated(&caller.told(&self.text), |table, steps| copy.version(table, steps))
    }
}

/// A column that an expression may name.
#[derive(Debug, Clone)]
struct Field {
    text: String,
    kind: Kind,
}

type Scope = Vec<Field>;

struct Maker<'a, 'b> {
    dice: &'a mut Dice<'b>,
    relations: Vec<(String, Vec<Column>)>,
    /// How many commits each table has.
    steps: HashMap<String, usize>,
    /// What a WITH has bound.
    bound: Vec<(String, Vec<Column>)>,
    names: usize,
    /// How many more expressions may fail on some value.
    fallible: usize,
    values: Vec<ScalarValue>,
}

impl Maker<'_, '_> {
    fn name(&mut self, letter: char) -> String {
        self.names += 1;
        format!("{letter}{}", self.names)
    }

    fn statement(&mut self) -> String {
        match self.dice.below(20) {
            0..=15 => {
                let with = if self.dice.chance(20) { self.with() } else { String::new() };
                let kinds = self.kinds();
                let query = self.query(&kinds, 2);
                format!("{with}{}", self.cut(query, &kinds))
            }
            16 => self.recursive(),
            17 => {
                // How many are cut off doesn't depend on which.
                let fallible = std::mem::take(&mut self.fallible);
                let query = self.select(&[Kind::Big], &[], 1);
                self.fallible = fallible;
                format!("SELECT count(*) AS n FROM ({query} LIMIT {})", self.dice.below(5))
            }
            18 => self.whole_relation(),
            _ => {
                let kinds = self.kinds();
                format!("EXPLAIN {}{}", self.dice.one(&["", "VERBOSE ", "ANALYZE "]).to_owned(), self.query(&kinds, 1))
            }
        }
    }

    /// What a query may show.
    fn kinds(&mut self) -> Vec<Kind> {
        (0..1 + self.dice.below(3))
            .map(|_| if self.dice.chance(50) { *self.dice.one(kinds::ALL) } else { Kind::Big })
            .collect()
    }

    fn with(&mut self) -> String {
        let kinds = self.kinds();
        let query = self.query(&kinds, 1);
        let name = self.name('w');
        let columns = kinds.iter().enumerate().map(|(at, kind)| Column { name: format!("o{at}"), kind: *kind });
        self.bound.push((name.clone(), columns.collect()));
        format!("WITH {name} AS ({query}) ")
    }

    fn recursive(&mut self) -> String {
        let (from, _) = self.dice.one(&self.relations.clone()).clone();
        let (again, _) = self.dice.one(&self.relations.clone()).clone();
        let first = if self.has(&from, "id") { "id" } else { "n" };
        let second = if self.has(&again, "id") { "id" } else { "n" };
        format!(
            "WITH RECURSIVE r AS (SELECT {first} AS a, 0 AS deep FROM {from} WHERE {first} = {} UNION ALL SELECT x.{second}, r.deep + 1 FROM {again} x JOIN r ON x.{second} = r.a + 1 WHERE r.deep < 3) SELECT a, deep, count(*) AS n FROM r GROUP BY a, deep",
            self.dice.below(4)
        )
    }

    fn has(&self, relation: &str, column: &str) -> bool {
        let found = self.relations.iter().find(|(name, _)| name == relation);
        found.is_some_and(|(_, columns)| columns.iter().any(|c| c.name == column))
    }

    /// Everything of a relation, as it comes or counted.
    fn whole_relation(&mut self) -> String {
        let (name, columns) = self.dice.one(&self.relations.clone()).clone();
        let list = columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join(", ");
        match self.dice.below(4) {
            0 => format!("SELECT {list} FROM {name}"),
            1 => format!("SELECT count(*) AS n FROM {name}"),
            2 => {
                let each = columns.iter().enumerate().filter(|(_, c)| c.kind.is_simple() && !c.kind.is_floating());
                let each =
                    each.map(|(at, c)| format!("min({0}) AS a{at}, max({0}) AS b{at}, count({0}) AS n{at}", c.name));
                format!("SELECT {} FROM {name}", each.collect::<Vec<_>>().join(", "))
            }
            _ => format!("SELECT {list}, @user AS me, @member(staff) AS staff FROM {name}"),
        }
    }

    /// The query sorted by all that it shows and cut off, when that has an order.
    fn cut(&mut self, query: String, kinds: &[Kind]) -> String {
        if !kinds.iter().all(|kind| kind.is_simple()) || !self.dice.chance(30) {
            return query;
        }
        let order: Vec<_> =
            (1..=kinds.len()).map(|at| format!("{at}{}", self.dice.one(&["", " DESC", " NULLS LAST"]))).collect();
        let offset = if self.dice.chance(30) { format!(" OFFSET {}", self.dice.below(4)) } else { String::new() };
        format!("SELECT * FROM ({query}) ORDER BY {} LIMIT {}{offset}", order.join(", "), self.dice.below(8))
    }

    /// A query with columns `o0`, `o1`, … of these kinds.
    fn query(&mut self, kinds: &[Kind], depth: usize) -> String {
        if depth > 0 && self.dice.chance(15) {
            let operation = (*self.dice.one(&["UNION ALL", "UNION", "INTERSECT", "EXCEPT", "EXCEPT ALL"])).to_owned();
            let map = kinds.contains(&Kind::Map) && operation != "UNION ALL";
            let operation = if map { "UNION ALL".to_owned() } else { operation };
            return format!(
                "{} {operation} {}",
                self.select(kinds, &[], depth - 1),
                self.select(kinds, &[], depth - 1)
            );
        }
        self.select(kinds, &[], depth)
    }

    fn select(&mut self, kinds: &[Kind], outer: &[Field], depth: usize) -> String {
        let (from, mut scope) = self.from(depth);
        let filter = if self.dice.chance(65) {
            let mut seen = scope.clone();
            seen.extend(outer.iter().cloned());
            format!(" WHERE {}", self.condition(&seen, depth))
        } else {
            String::new()
        };
        if self.dice.chance(25) {
            return self.grouped(kinds, &from, &filter, &scope, depth);
        }
        let distinct = if !kinds.contains(&Kind::Map) && self.dice.chance(10) { "DISTINCT " } else { "" };
        scope.extend(outer.iter().cloned());
        let shown = kinds.iter().enumerate().map(|(at, kind)| format!("{} AS o{at}", self.shown(*kind, &scope, depth)));
        let shown = shown.collect::<Vec<_>>().join(", ");
        let qualify = if distinct.is_empty() && self.dice.chance(8) {
            format!(" QUALIFY {} <= {}", self.window(&scope), 1 + self.dice.below(3))
        } else {
            String::new()
        };
        format!("SELECT {distinct}{shown} FROM {from}{filter}{qualify}")
    }

    fn shown(&mut self, kind: Kind, scope: &Scope, depth: usize) -> String {
        if kind == Kind::Big && self.dice.chance(12) {
            return self.window(scope);
        }
        self.value(kind, scope, depth)
    }

    /// A window function that says the same of all peers.
    fn window(&mut self, scope: &Scope) -> String {
        let (by, order) =
            (self.simple_column(scope), self.column_of(scope, |kind| kind.is_simple() && kind != Kind::Bytes));
        let Some((by, order)) = by.zip(order) else { return "1".to_owned() };
        let descending = *self.dice.one(&["", " DESC"]);
        let partition = if self.dice.chance(60) { format!("PARTITION BY {} ", by.text) } else { String::new() };
        let function = match self.dice.below(6) {
            0 => "rank()".to_owned(),
            1 => "dense_rank()".to_owned(),
            2 => "count(*)".to_owned(),
            3 => format!("count({})", by.text),
            4 => format!("sum({})", self.small_number(scope)),
            _ => format!("max({})", self.value(Kind::Big, scope, 0)),
        };
        format!("{function} OVER ({partition}ORDER BY {}{descending})", order.text)
    }

    fn grouped(&mut self, kinds: &[Kind], from: &str, filter: &str, scope: &Scope, depth: usize) -> String {
        let mut keys: Vec<Field> = (0..self.dice.below(3)).filter_map(|_| self.simple_column(scope)).collect();
        keys.dedup_by(|a, b| a.text == b.text);
        let shown =
            kinds.iter().enumerate().map(|(at, kind)| format!("{} AS o{at}", self.aggregate(*kind, &keys, scope)));
        let shown = shown.collect::<Vec<_>>().join(", ");
        let list: Vec<_> = keys.iter().map(|key| key.text.clone()).collect();
        let by = match (list.as_slice(), self.dice.below(6)) {
            ([], _) => String::new(),
            (_, 0..=3) => format!(" GROUP BY {}", list.join(", ")),
            (_, 4) => format!(" GROUP BY ROLLUP({})", list.join(", ")),
            (_, _) => format!(" GROUP BY GROUPING SETS (({}), ())", list.join(", ")),
        };
        let having = if self.dice.chance(25) {
            let number = self.value(Kind::Big, scope, 0);
            (*self.dice.one(&[" HAVING count(*) > 1", " HAVING min({}) < 5", " HAVING count({}) <> 2"]))
                .replace("{}", &number)
        } else {
            String::new()
        };
        let _ = depth;
        format!("SELECT {shown} FROM {from}{filter}{by}{having}")
    }

    fn aggregate(&mut self, kind: Kind, keys: &[Field], scope: &Scope) -> String {
        if let Some(key) = keys.iter().find(|key| key.kind == kind)
            && self.dice.chance(60)
        {
            return key.text.clone();
        }
        let only =
            if self.dice.chance(20) { format!(" FILTER (WHERE {})", self.truth(scope, 0)) } else { String::new() };
        match (kind, self.dice.below(8)) {
            (Kind::Big, 0 | 1) => format!("count(*){only}"),
            (Kind::Big, 2) => match self.any_column(scope) {
                Some(of) if of.kind != Kind::Map => format!("count(DISTINCT {}){only}", of.text),
                _ => format!("count(*){only}"),
            },
            (Kind::Big, 3..=5) => format!("sum({}){only}", self.small_number(scope)),
            (Kind::Bool, _) => {
                format!("{}({}){only}", self.dice.one(&["bool_and", "bool_or"]).to_owned(), self.truth(scope, 0))
            }
            (Kind::Text, 0 | 1) => {
                let text = self.value(Kind::Text, scope, 0);
                format!("string_agg({text}, ',' ORDER BY {text}){only}")
            }
            (kind, _) if kind.is_simple() && kind != Kind::Bytes && !kind.is_floating() => {
                format!("{}({}){only}", self.dice.one(&["max", "min"]).to_owned(), self.value(kind, scope, 0))
            }
            (kind, _) => kind.literal(self.dice),
        }
    }
}

//! Queries made up at random over a table of which a user may read some columns. What a query names is known as it is made:
//! one that names a closed column is refused, and any other gives the user what it gives the admin.

use arrow::util::pretty::pretty_format_batches;
use lakewarden_engine::{EngineError, Session};

use crate::driver::World;

const QUERIES: usize = 150;

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).unwrap()
    }
}

/// A column that an expression may name. All are numbers.
#[derive(Clone)]
struct Name {
    text: String,
    closed: bool,
}

struct Maker {
    dice: Dice,
    aliases: usize,
    /// Whether something closed was named so far.
    closed: bool,
}

impl Maker {
    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("r{}", self.aliases)
    }

    fn column(&mut self, scope: &[Name]) -> String {
        let rare = self.dice.below(5) == 0;
        let fit: Vec<&Name> = scope.iter().filter(|name| rare || !name.closed).collect();
        let name = fit.get(self.dice.below(fit.len())).unwrap();
        self.closed |= name.closed;
        name.text.clone()
    }

    fn number(&mut self, scope: &[Name], depth: usize) -> String {
        match self.dice.below(if depth == 0 { 4 } else { 8 }) {
            0 => "7".to_owned(),
            1..=3 => self.column(scope),
            4 => format!("({} + {})", self.number(scope, depth - 1), self.number(scope, depth - 1)),
            5 => {
                format!("CASE WHEN {} THEN {} ELSE 0 END", self.truth(scope, depth - 1), self.number(scope, depth - 1))
            }
            6 => format!("coalesce({}, {})", self.number(scope, depth - 1), self.column(scope)),
            _ => format!("(SELECT max(q.c0) FROM ({}) q)", self.query(&[], depth - 1, 1)),
        }
    }

    fn truth(&mut self, scope: &[Name], depth: usize) -> String {
        match self.dice.below(if depth == 0 { 2 } else { 7 }) {
            0 => format!("{} {} {}", self.column(scope), self.dice.one(&["<", ">=", "=", "<>"]), self.number(scope, 0)),
            1 => format!("{} IS NOT NULL", self.column(scope)),
            2 => format!("({} OR {})", self.truth(scope, depth - 1), self.truth(scope, depth - 1)),
            3 => format!("NOT ({})", self.truth(scope, depth - 1)),
            4 => format!("{} IN ({})", self.column(scope), self.query(&[], depth - 1, 1)),
            5 => format!("{} BETWEEN 0 AND {}", self.number(scope, depth - 1), self.number(scope, 0)),
            _ => {
                let (alias, outer) = (self.alias(), self.column(scope));
                let inner = format!("{alias}.{}", self.dice.one(&["id", "age"]));
                format!("EXISTS (SELECT 1 FROM c.s.people {alias} WHERE {inner} = {outer})")
            }
        }
    }

    /// Something to select from, and the columns that it adds.
    fn relation(&mut self, depth: usize) -> (String, Vec<Name>) {
        let alias = self.alias();
        let named = |columns: &[(&str, bool)]| {
            let name = |(column, closed): &(&str, bool)| Name { text: format!("{alias}.{column}"), closed: *closed };
            columns.iter().map(name).collect::<Vec<_>>()
        };
        match self.dice.below(if depth == 0 { 3 } else { 5 }) {
            0 | 1 => {
                let columns = named(&[("id", false), ("age", false), ("salary", true), ("bonus", true)]);
                (format!("c.s.people {alias}"), columns)
            }
            2 => (format!("c.s.dept {alias}"), named(&[("id", false), ("salary", false)])),
            3 => (format!("({}) {alias}", self.query(&[], depth - 1, 2)), named(&[("c0", false), ("c1", false)])),
            _ => {
                let except = "SELECT * EXCEPT (salary, bonus) FROM c.s.people";
                (format!("({except}) {alias}"), named(&[("id", false), ("age", false)]))
            }
        }
    }

    fn from(&mut self, outer: &[Name], depth: usize) -> (String, Vec<Name>) {
        let (mut text, mut scope) = self.relation(depth);
        if self.dice.below(2) == 0 {
            let (other, names) = self.relation(depth.saturating_sub(1));
            scope.extend(names);
            text = match self.dice.below(4) {
                0 => format!("{text} CROSS JOIN {other}"),
                1 => format!("{text}, {other}"),
                way => {
                    let on = self.truth(&scope, depth.min(1));
                    format!("{text} {} JOIN {other} ON {on}", if way == 2 { "LEFT" } else { "INNER" })
                }
            };
        }
        scope.extend(outer.iter().cloned());
        (text, scope)
    }

    /// A query with columns `c0`, `c1`, ….
    fn query(&mut self, outer: &[Name], depth: usize, width: usize) -> String {
        let (from, scope) = self.from(outer, depth);
        let filter =
            if self.dice.below(2) == 0 { format!(" WHERE {}", self.truth(&scope, depth)) } else { String::new() };
        let key = (self.dice.below(4) == 0).then(|| self.column(&scope));
        let shown: Vec<String> = (0..width).map(|at| format!("{} AS c{at}", self.shown(&scope, &key, depth))).collect();
        let tail = match (&key, self.dice.below(4)) {
            (Some(key), 0) => format!(" GROUP BY {key} HAVING min({}) > 0", self.column(&scope)),
            (Some(key), _) => format!(" GROUP BY {key}"),
            (None, 0) if width == 2 => " UNION ALL SELECT id AS c0, 1 AS c1 FROM c.s.dept".to_owned(),
            (None, 1) => format!(" ORDER BY {} LIMIT 1000", self.column(&scope)),
            (None, _) => String::new(),
        };
        format!("SELECT {} FROM {from}{filter}{tail}", shown.join(", "))
    }

    /// What a query shows: in groups by a key, the key or an aggregate.
    fn shown(&mut self, scope: &[Name], key: &Option<String>, depth: usize) -> String {
        match (key, self.dice.below(5)) {
            (Some(key), 0) => key.clone(),
            (Some(_), 1) => format!("count(*) FILTER (WHERE {})", self.truth(scope, 0)),
            (Some(_), _) => format!("{}({})", self.dice.one(&["sum", "min", "count"]), self.number(scope, 0)),
            (None, 0) => format!("rank() OVER (PARTITION BY {} ORDER BY {})", self.column(scope), self.column(scope)),
            (None, _) => self.number(scope, depth),
        }
    }
}

async fn answer(session: &Session, sql: &str) -> Result<String, EngineError> {
    let batches = session.run(sql).await?.collect().await?;
    let full: Vec<_> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
    let text = pretty_format_batches(&full).unwrap().to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    Ok(lines.join("\n"))
}

async fn world() -> World {
    let world = World::new();
    let admin = world.session("admin");
    for statement in [
        "CREATE USER alice",
        "CREATE CATALOG c",
        "CREATE SCHEMA c.s",
        "CREATE TABLE c.s.people (id BIGINT, age BIGINT, salary BIGINT, bonus BIGINT)",
        "INSERT INTO c.s.people VALUES (1, 30, 100, 5), (2, 40, 200, NULL), (3, 30, 7, 1)",
        "CREATE TABLE c.s.dept (id BIGINT, salary BIGINT)",
        "INSERT INTO c.s.dept VALUES (1, 7), (2, 200), (9, NULL)",
        "GRANT USE CATALOG ON CATALOG c TO alice",
        "GRANT USE SCHEMA, SELECT ON SCHEMA c.s TO alice",
        "DENY SELECT (salary, bonus) ON TABLE c.s.people TO alice",
    ] {
        admin.run(statement).await.unwrap();
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_query_names_decides_and_nothing_else() {
    let world = world().await;
    let (admin, alice) = (world.session("admin"), world.session("alice"));
    let (mut open, mut refused) = (0, 0);
    for seed in 0..QUERIES {
        let dice = Dice(u64::try_from(seed).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut maker = Maker { dice, aliases: 0, closed: false };
        let sql = maker.query(&[], 2, 2);
        // Not every query that can be made up can be planned.
        let Ok(whole) = answer(&admin, &sql).await else { continue };
        match (maker.closed, answer(&alice, &sql).await) {
            (false, Ok(seen)) if seen == whole => open += 1,
            (true, Err(error)) if error.to_string().contains("this needs SELECT on column") => refused += 1,
            (closed, other) => panic!("{sql}\nnames what is closed: {closed}, and alice got {other:?} for {whole}"),
        }
    }
    assert!(open > QUERIES / 5 && refused > QUERIES / 5, "{open} answered, {refused} refused of {QUERIES}");
}

//! Row filters and masks that fail on no value. A body names its parameters `{0}`, `{1}`, …; as a function it gets columns for them,
//! and the independent copy is made with the columns in their place.

use crate::dice::Dice;
use crate::kinds::Kind;
use crate::world::{Caller, Column};

#[derive(Debug, Clone)]
pub struct Policy {
    /// The columns that stand for the parameters.
    pub arguments: Vec<usize>,
    pub body: String,
    /// The field of a struct that is masked, rather than the whole column.
    pub field: Option<&'static str>,
    pub by: By,
}

/// How a policy comes to bind a table.
#[derive(Debug, Clone)]
pub enum By {
    /// `ALTER TABLE … SET`.
    Table,
    /// `CREATE POLICY … TO … EXCEPT …`, which finds the columns by their tags.
    Tags { to: &'static str, except: &'static str },
}

const TO: &[&str] = &["`account users`", "staff", "alice", "hr"];
const EXCEPT: &[&str] = &["", "hr", "bob", "staff"];

impl By {
    fn new(dice: &mut Dice) -> Self {
        if !dice.chance(25) {
            return Self::Table;
        }
        let (to, except): (&&str, &&str) = (dice.one(TO), dice.one(EXCEPT));
        Self::Tags { to, except }
    }

    /// Whether it binds somebody.
    pub fn binds(&self, caller: &Caller) -> bool {
        let is = |word: &str| word == "`account users`" || word == caller.name || caller.groups.contains(&word);
        match self {
            Self::Table => true,
            Self::Tags { to, except } => is(to) && !is(except),
        }
    }
}

impl Policy {
    /// The body with a name for each parameter.
    pub fn over(&self, name: impl Fn(usize) -> String) -> String {
        let mut text = self.body.clone();
        for at in 0..self.arguments.len() {
            text = text.replace(&format!("{{{at}}}"), &name(at));
        }
        text
    }

    /// The body over the columns themselves.
    pub fn over_columns(&self, columns: &[Column]) -> String {
        let Some(field) = self.field else { return self.over(|at| columns[self.arguments[at]].name.clone()) };
        let name = &columns[self.arguments[0]].name;
        let masked = self.over(|at| match at {
            0 => format!("{name}['{field}']"),
            _ => columns[self.arguments[at]].name.clone(),
        });
        let fields = ["a", "b"].map(|each| match each == field {
            true => format!("'{each}', {masked}"),
            false => format!("'{each}', {name}['{each}']"),
        });
        format!("CASE WHEN {name} IS NULL THEN NULL ELSE named_struct({}) END", fields.join(", "))
    }

    /// The body as that of a function.
    pub fn over_parameters(&self) -> String {
        self.over(|at| format!("p{at}"))
    }
}

struct Maker<'a, 'b> {
    dice: &'a mut Dice<'b>,
    columns: &'a [Column],
    arguments: Vec<usize>,
}

impl Maker<'_, '_> {
    fn place(&mut self, column: usize) -> String {
        let at = self.arguments.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.arguments.push(column);
            self.arguments.len() - 1
        });
        format!("{{{at}}}")
    }

    /// A column, more often one of the first two.
    fn column(&mut self) -> (String, Kind) {
        let at = if self.dice.chance(60) { self.dice.below(self.columns.len()) } else { self.dice.below(2) };
        (self.place(at), self.columns[at].kind)
    }

    fn predicate(&mut self, depth: usize) -> String {
        match self.dice.below(if depth == 0 { 8 } else { 12 }) {
            0..=3 => self.comparison(),
            4 => {
                let (column, _) = self.column();
                format!("{column} IS {}", self.dice.one(&["NOT NULL", "NOT NULL", "NULL"]))
            }
            5 => self.lookup(),
            6 => self.lookup(),
            7 => (*self.dice.one(&[
                "TRUE",
                "@user = 'alice'",
                "@member(staff)",
                "NOT @member(nobody)",
                "1 = 1",
                "FALSE",
                "NULL",
            ]))
            .to_owned(),
            8 => format!("({} AND {})", self.predicate(depth - 1), self.predicate(depth - 1)),
            9 => format!("({} OR {})", self.predicate(depth - 1), self.predicate(depth - 1)),
            10 => format!("NOT ({})", self.predicate(depth - 1)),
            _ => format!("({}) = ({})", self.predicate(depth - 1), self.predicate(depth - 1)),
        }
    }

    fn comparison(&mut self) -> String {
        if self.dice.chance(25) {
            let (id, k) = (self.place(0), self.place(1));
            return match self.dice.below(4) {
                0 => format!("{k} <> 'x'"),
                1 => format!("{id} <> 7"),
                2 => format!("{id} NOT IN (5, 7) AND {k} < 'x'"),
                _ => format!("{k} IN ('1', '2', '7')"),
            };
        }
        let (column, kind) = self.column();
        if !kind.is_simple() {
            return format!("{column} IS NOT NULL");
        }
        let (a, b) = (kind.literal(self.dice), kind.literal(self.dice));
        match self.dice.below(8) {
            0..=2 => format!("{column} {} {a}", self.dice.one(&["<>", ">", "<>", "<=", "<", ">=", "="])),
            3 => format!("{column} IN ({a}, {b})"),
            4 => format!("{column} NOT IN ({a}, NULL)"),
            5 => format!("{column} BETWEEN {a} AND {b}"),
            6 => format!("coalesce({column}, {a}) <> {b}"),
            _ => match kind {
                Kind::Text => {
                    let forms = ["length({}) > 0", "upper({}) = 'A'", "{} LIKE '%b%'", "left({}, 1) < 'c'"];
                    self.dice.one(&forms).replace("{}", &column)
                }
                _ if kind.is_whole() => format!("{column} % 2 = 0"),
                Kind::Bool => format!("{column} IS NOT TRUE"),
                _ => format!("CASE WHEN {column} < {a} THEN FALSE WHEN {column} = {b} THEN NULL ELSE TRUE END"),
            },
        }
    }

    /// Something that the mapping table says.
    fn lookup(&mut self) -> String {
        let (id, k) = (self.place(0), self.place(1));
        match self.dice.below(6) {
            0 | 1 => format!("{k} IN (SELECT m.v FROM m WHERE m.who = @user)"),
            2 => format!("{id} IN (SELECT m.n FROM m WHERE m.who = @user AND m.n IS NOT NULL)"),
            3 => format!("EXISTS (SELECT 1 FROM m WHERE m.who = @user AND m.v = {k})"),
            4 => format!("{k} NOT IN (SELECT m.v FROM m WHERE m.who = @user AND m.v IS NOT NULL)"),
            _ => format!("{id} <= (SELECT max(m.n) FROM m WHERE m.who = @user)"),
        }
    }

    fn mask(&mut self, kind: Kind) -> String {
        match self.dice.below(6) {
            0 => "NULL".to_owned(),
            1 => kind.literal(self.dice),
            2 => format!(
                "CASE WHEN {} THEN {{0}} ELSE NULL END",
                self.dice.one(&["@member(staff)", "@member(hr)", "@user = 'bob'"])
            ),
            3 => format!("CASE WHEN {} THEN {{0}} ELSE {} END", self.comparison(), kind.literal(self.dice)),
            _ => self.computed(kind),
        }
    }

    fn computed(&mut self, kind: Kind) -> String {
        let of = |dice: &mut Dice, list: &[&str]| (*dice.one(list)).to_owned();
        match kind {
            Kind::Text => of(
                self.dice,
                &[
                    "substr({0}, 1, 1)",
                    "concat('X', right({0}, 1))",
                    "encode(sha256({0}), 'hex')",
                    "upper({0})",
                    "regexp_replace({0}, '^[a-z]', '#')",
                    "CASE WHEN length({0}) > 2 THEN '***' ELSE {0} END",
                    "reverse({0})",
                    "md5({0})",
                ],
            ),
            _ if kind.is_whole() => {
                of(self.dice, &["{0} % 10", "{0} / 10", "CASE WHEN {0} > 3 THEN 3 ELSE {0} END", "nullif({0}, 7)"])
            }
            Kind::Bool => of(self.dice, &["NOT {0}", "{0} IS NULL"]),
            Kind::Double | Kind::Float => of(self.dice, &["{0} * 2", "abs({0})", "round({0})"]),
            Kind::Decimal(5, 2) => of(self.dice, &["{0} * 0", "abs({0})"]),
            Kind::Decimal(..) => of(self.dice, &["abs({0})", "CASE WHEN {0} > 1 THEN 1 ELSE {0} END"]),
            Kind::Date => "CASE WHEN {0} > DATE '2000-01-01' THEN DATE '2000-01-01' ELSE {0} END".to_owned(),
            Kind::Timestamp | Kind::TimestampNtz => {
                of(self.dice, &["date_trunc('day', {0})", "date_trunc('year', {0})"])
            }
            Kind::Bytes => "X'00'".to_owned(),
            Kind::Numbers | Kind::Texts => of(self.dice, &["array_slice({0}, 1, 1)", "array_reverse({0})"]),
            Kind::Struct => {
                "CASE WHEN {0} IS NULL THEN NULL ELSE named_struct('a', {0}['a'], 'b', '***') END".to_owned()
            }
            _ => "NULL".to_owned(),
        }
    }
}

/// A condition of an UPDATE or a DELETE, over the columns themselves.
pub fn condition(dice: &mut Dice, columns: &[Column]) -> String {
    let mut maker = Maker { dice, columns, arguments: Vec::new() };
    let body = maker.comparison();
    Policy { body, arguments: maker.arguments, field: None, by: By::Table }.over_columns(columns)
}

pub fn filter(dice: &mut Dice, columns: &[Column]) -> Policy {
    let mut maker = Maker { dice, columns, arguments: Vec::new() };
    let body = maker.predicate(2);
    // A row filter is bound to at least one column.
    if maker.arguments.is_empty() {
        maker.arguments.push(0);
    }
    let arguments = maker.arguments;
    Policy { body, arguments, field: None, by: By::new(dice) }
}

pub fn mask(dice: &mut Dice, column: usize, columns: &[Column]) -> Policy {
    let mut maker = Maker { dice, columns, arguments: vec![column] };
    let field = (columns[column].kind == Kind::Struct && maker.dice.chance(50)).then(|| *maker.dice.one(&["b", "a"]));
    let body = maker.mask(match field {
        Some("a") => Kind::Int,
        Some(_) => Kind::Text,
        None => columns[column].kind,
    });
    let arguments = maker.arguments;
    let by = if field.is_some() { By::Table } else { By::new(dice) };
    Policy { body, arguments, field, by }
}

//! A made-up database: tables with their rows, policies, views, and the one who asks. All of it is text of SQL, in which `@user`
//! and `@member(group)` stand for who asks.

use crate::dice::Dice;
use crate::kinds::{self, Kind, PARTITION};
use crate::policies::{self, Policy};

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// What happens to a table, one commit each.
#[derive(Debug, Clone)]
pub enum Step {
    Insert(Vec<Vec<String>>),
    Delete(String),
    Update { column: usize, value: String, on: String },
}

#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub partition: Option<usize>,
    pub steps: Vec<Step>,
    /// Whether the table is written by the Delta library itself and registered where it lies.
    pub external: bool,
    pub filter: Option<Policy>,
    pub masks: Vec<(usize, Policy)>,
    /// A column that who asks may not read.
    pub closed: Option<usize>,
}

/// A view with the rights of the admin, who may read all columns.
#[derive(Debug, Clone)]
pub struct View {
    pub name: String,
    pub columns: Vec<Column>,
    pub body: String,
}

#[derive(Debug, Clone)]
pub struct World {
    pub tables: Vec<Table>,
    /// The rows of the mapping table `m (who STRING, v STRING, n BIGINT)`.
    pub mapping: Vec<[String; 3]>,
    pub views: Vec<View>,
    pub caller: &'static Caller,
}

/// Who asks.
#[derive(Debug)]
pub struct Caller {
    pub name: &'static str,
    pub groups: &'static [&'static str],
}

pub const GROUPS: &[&str] = &["staff", "hr"];
const CALLERS: &[Caller] = &[
    Caller { name: "alice", groups: &["staff"] },
    Caller { name: "bob", groups: &[] },
    Caller { name: "admin", groups: &["hr"] },
];

impl Caller {
    pub fn all() -> &'static [Self] {
        CALLERS
    }

    /// The text as the caller writes it.
    pub fn asked(text: &str) -> String {
        let mut text = text.replace("@user", "current_user()");
        for group in GROUPS.iter().chain(&["nobody"]) {
            text = text.replace(&format!("@member({group})"), &format!("is_account_group_member('{group}')"));
        }
        text
    }

    /// The text with versions of tables, `@version(table,steps)`, by their numbers.
    pub fn dated(text: &str, number: impl Fn(&str, usize) -> usize) -> String {
        let mut parts = text.split("@version(");
        let mut dated = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (of, rest) = part.split_once(')').unwrap();
            let (table, steps) = of.split_once(',').unwrap();
            dated.push_str(&format!("VERSION AS OF {}{rest}", number(table, steps.parse().unwrap())));
        }
        dated
    }

    /// The text with constants for who asks, which mean the same to everybody.
    pub fn told(&self, text: &str) -> String {
        let mut text = text.replace("@user", &format!("'{}'", self.name));
        for group in GROUPS.iter().chain(&["nobody"]) {
            text = text.replace(&format!("@member({group})"), &self.groups.contains(group).to_string());
        }
        text
    }
}

impl Table {
    /// How many old versions can be asked for: the copy has those of tables that only grew.
    pub fn versions(&self) -> usize {
        let grew = self.steps.iter().all(|step| matches!(step, Step::Insert(_)));
        if grew { self.steps.len() } else { 0 }
    }

    /// The columns that who asks may read.
    pub fn open_columns(&self) -> Vec<&Column> {
        let open = self.columns.iter().enumerate().filter(|(at, _)| self.closed != Some(*at));
        open.map(|(_, column)| column).collect()
    }
}

impl World {
    pub fn new(dice: &mut Dice) -> Self {
        let caller = dice.one(CALLERS);
        let tables: Vec<Table> = (0..1 + dice.below(4)).map(|at| table(dice, at, caller)).collect();
        let people = ["alice", "bob", "admin", "zoe"];
        let rows = 2 + dice.below(8);
        let mapping = (0..rows).map(|at| [format!("'{}'", people[at % 4]), kinds::key(dice), Kind::Big.value(dice)]);
        let mapping = mapping.collect();
        let views = (0..dice.below(3)).map(|at| view(dice, at, &tables)).collect();
        Self { tables, mapping, views, caller }
    }
}

fn table(dice: &mut Dice, at: usize, caller: &Caller) -> Table {
    let mut columns =
        vec![Column { name: "id".into(), kind: Kind::Big }, Column { name: "k".into(), kind: Kind::Text }];
    for more in 0..1 + dice.below(5) {
        columns.push(Column { name: format!("c{more}"), kind: *dice.one(kinds::ALL) });
    }
    let partition = dice.chance(35).then(|| {
        let fit: Vec<usize> = (1..columns.len()).filter(|at| PARTITION.contains(&columns[*at].kind)).collect();
        *dice.one(&fit)
    });
    let external = dice.chance(25);
    let steps = steps(dice, &columns, partition, external);
    let filter = dice.chance(75).then(|| policies::filter(dice, &columns));
    let mut masks = Vec::new();
    for (column, _) in columns.iter().enumerate() {
        if dice.chance(if column == 0 { 8 } else { 30 }) {
            masks.push((column, policies::mask(dice, column, &columns)));
        }
    }
    let closed = (caller.name != "admin" && columns.len() > 3 && dice.chance(20)).then_some(columns.len() - 1);
    Table { name: format!("t{at}"), columns, partition, steps, external, filter, masks, closed }
}

fn steps(dice: &mut Dice, columns: &[Column], partition: Option<usize>, external: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    for at in 0..1 + dice.below(4) {
        if at > 0 && !external && dice.chance(20) {
            let on = policies::condition(dice, columns);
            let column = 2 + dice.below(columns.len() - 2);
            let fits = dice.chance(50) && partition != Some(column);
            let value = columns[column].kind.literal(dice);
            steps.push(if fits { Step::Update { column, value, on } } else { Step::Delete(on) });
        }
        let rows = (0..1 + dice.below(8)).map(|_| row(dice, columns, partition)).collect();
        steps.push(Step::Insert(rows));
    }
    steps
}

fn row(dice: &mut Dice, columns: &[Column], partition: Option<usize>) -> Vec<String> {
    let value = |(at, column): (usize, &Column)| match at {
        0 => {
            if dice.chance(5) {
                "NULL".to_owned()
            } else {
                dice.below(9).to_string()
            }
        }
        1 => kinds::key(dice),
        _ => {
            let value = column.kind.value(dice);
            // A Delta log has one word for the empty text and for NULL.
            if partition == Some(at) && value == "''" { "NULL".to_owned() } else { value }
        }
    };
    columns.iter().enumerate().map(value).collect()
}

fn view(dice: &mut Dice, at: usize, tables: &[Table]) -> View {
    let name = format!("v{at}");
    let table = dice.one(tables);
    let from = &table.name;
    let plain = |names: &[usize]| names.iter().map(|at| table.columns[*at].clone()).collect::<Vec<_>>();
    let list = |columns: &[Column]| columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join(", ");
    let whole = |name: &str| Column { name: name.into(), kind: Kind::Big };
    match dice.below(6) {
        0 => {
            let columns = plain(&(0..table.columns.len()).collect::<Vec<_>>());
            let body = format!(
                "SELECT {} FROM {from} WHERE {}",
                list(&columns),
                dice.one(&["k <> 'x'", "id <> 7", "k IS NOT NULL"])
            );
            View { name, columns, body }
        }
        1 => {
            let columns = plain(&[0, 1, 2]);
            let body = format!("SELECT id, k, CASE WHEN @member(staff) THEN c0 ELSE NULL END AS c0 FROM {from}");
            View { name, columns, body }
        }
        2 => {
            let columns = plain(&[0, 1]);
            let body = format!("SELECT id, k FROM {from} WHERE k IN (SELECT m.v FROM m WHERE m.who = @user)");
            View { name, columns, body }
        }
        3 => {
            let columns = vec![table.columns[1].clone(), whole("n"), whole("top")];
            let body = format!("SELECT k, count(*) AS n, max(id) AS top FROM {from} GROUP BY k");
            View { name, columns, body }
        }
        4 => {
            let other = &dice.one(tables).name;
            let columns = vec![whole("id"), table.columns[1].clone(), whole("other")];
            let body =
                format!("SELECT a.id, a.k, b.id AS other FROM {from} a JOIN {other} b ON a.k = b.k WHERE a.id <> 7");
            View { name, columns, body }
        }
        _ => {
            let columns = plain(&[0, 1]);
            let body = format!(
                "SELECT id, k FROM {from} WHERE @user = 'alice' OR id % 2 = 0 UNION ALL SELECT n, v FROM m WHERE who = @user"
            );
            View { name, columns, body }
        }
    }
}

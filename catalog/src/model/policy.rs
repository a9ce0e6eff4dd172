//! Policies by attributes: a row filter or mask on a catalog, schema or table that binds some principals on every table
//! below whose tags meet its conditions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, PolicyId, PrincipalId, SecurableId, SecurableKind, Text};

/// How deep conditions may be nested.
pub const MAX_CONDITION_DEPTH: usize = 16;
/// The most tags that one condition may ask for.
pub const MAX_CONDITION_TAGS: usize = 64;
/// The most MATCH COLUMNS of one policy.
pub const MAX_MATCHES: usize = 10;

/// A condition on tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// There is a tag of this key, whatever its value.
    HasTag(Text),
    /// There is a tag of this key and value.
    HasTagValue(Text, Text),
    /// All hold.
    And(Vec<Condition>),
    /// One holds at least.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

impl Condition {
    /// Whether it holds where tags have the values that `tag` gives.
    pub fn holds<'t>(&self, tag: &dyn Fn(&str) -> Option<&'t str>) -> bool {
        match self {
            Self::HasTag(key) => tag(key).is_some(),
            Self::HasTagValue(key, value) => tag(key) == Some(value.as_str()),
            Self::And(all) => all.iter().all(|one| one.holds(tag)),
            Self::Or(any) => any.iter().any(|one| one.holds(tag)),
            Self::Not(inner) => !inner.holds(tag),
        }
    }

    /// The tags that it asks for, each with the value when it asks for one.
    pub fn tags(&self) -> Vec<(&Text, Option<&Text>)> {
        match self {
            Self::HasTag(key) => vec![(key, None)],
            Self::HasTagValue(key, value) => vec![(key, Some(value))],
            Self::And(inner) | Self::Or(inner) => inner.iter().flat_map(Self::tags).collect(),
            Self::Not(inner) => inner.tags(),
        }
    }

    /// How deep it is nested: 1 for a single tag.
    pub fn depth(&self) -> usize {
        1 + match self {
            Self::HasTag(_) | Self::HasTagValue(..) => 0,
            Self::And(inner) | Self::Or(inner) => inner.iter().map(Self::depth).max().unwrap_or_default(),
            Self::Not(inner) => inner.depth(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, bare: bool) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, inner: &[Self], word: &str| {
            f.write_str(if bare { "" } else { "(" })?;
            for (at, one) in inner.iter().enumerate() {
                f.write_str(if at > 0 { word } else { "" })?;
                one.write(f, false)?;
            }
            f.write_str(if bare { "" } else { ")" })
        };
        match self {
            Self::HasTag(key) => write!(f, "hasTag({})", Quoted(key)),
            Self::HasTagValue(key, value) => write!(f, "hasTagValue({}, {})", Quoted(key), Quoted(value)),
            Self::And(inner) => list(f, inner, " AND "),
            Self::Or(inner) => list(f, inner, " OR "),
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                inner.write(f, false)
            }
        }
    }
}

/// The condition as SQL writes it.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, true)
    }
}

/// A text as a SQL string.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

/// The columns of a table that a policy speaks of: those whose own tags meet a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnMatch {
    /// The condition.
    pub condition: Condition,
    /// By which name the policy speaks of them; without one they only decide whether it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Name>,
}

/// What a parameter of a policy's function takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyInput {
    /// The raw value of the column that matches an alias.
    Matched(Name),
    /// A constant, as a SQL literal.
    Literal(String),
}

/// What a policy does with the tables that it applies to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyEffect {
    /// Rows are kept for which the function is TRUE.
    RowFilter,
    /// The function's result stands in the place of each column that matches the alias.
    ColumnMask {
        /// The alias.
        on: Name,
    },
}

impl PolicyEffect {
    /// The effect in SQL words.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RowFilter => "ROW FILTER",
            Self::ColumnMask { .. } => "COLUMN MASK",
        }
    }
}

/// A policy, in the record of the catalog, schema or table that it is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its id, which stays when it is replaced.
    pub id: PolicyId,
    /// Its name, unique among the policies of its securable.
    pub name: Name,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What it does.
    pub effect: PolicyEffect,
    /// The function.
    pub function: SecurableId,
    /// Whom it binds: these principals and the members of these groups, at any depth.
    pub to: Vec<PrincipalId>,
    /// Whom it spares, whatever `to` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<PrincipalId>,
    /// A condition on the tags of the table and of what it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Each must find a column, or the policy does not apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<ColumnMatch>,
    /// What the function's parameters take; for a mask, those after the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub using: Vec<PolicyInput>,
    /// When it was made or last replaced, in milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// By whom.
    pub created_by: PrincipalId,
}

impl Policy {
    /// The conditions that it makes on tags.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.when.iter().chain(self.matches.iter().map(|one| &one.condition))
    }

    /// Those whom it names.
    pub fn principals(&self) -> impl Iterator<Item = PrincipalId> {
        self.to.iter().chain(&self.except).copied()
    }

    /// The most policies on one securable; none where there can be no policy. Source: Unity Catalog's limits.
    pub fn most_on(kind: SecurableKind) -> Option<usize> {
        match kind {
            SecurableKind::Catalog | SecurableKind::Schema => Some(15),
            SecurableKind::Table => Some(5),
            _ => None,
        }
    }
}

/// The policies of one securable, sorted by folded name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policies(pub Vec<Policy>);

//! The fewest statements that would allow what is refused, found by trying them on a state that is thrown away.

use std::sync::Arc;

use super::inquiry::{Inquiry, demands};
use crate::CatalogError;
use crate::clock::Clock;
use crate::gate::{Link, Need, Reason};
use crate::model::{ColumnId, PrincipalId, Privilege, PrivilegeSet, SecurableId, SecurableKind};
use crate::ops::entries::refuse_system;
use crate::ops::grants::{GrantVerb, RowEdit};
use crate::pinned::Pinned;
use crate::state::State;

/// How often more is added to a remedy: denials are lifted first, then what their lifting took away or they hid is granted.
const ROUNDS: usize = 4;

/// A refusal that is to be mended.
pub(super) struct Trial<'a> {
    pub(super) inquiry: &'a Inquiry,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) subject: PrincipalId,
    pub(super) privilege: Privilege,
}

impl Trial<'_> {
    /// The statements, or none when no statement could, or when one would have to name what the asker may not know. None of
    /// them is needless: a denial that stands refuses whatever else there is, and only what is missing is granted.
    pub(super) fn remedy(&self) -> Result<Vec<String>, CatalogError> {
        let tx = self.inquiry.vantage.then().rehearsal(self.clock.clone());
        if refuse_system(&tx, &self.inquiry.securable).is_err() {
            return Ok(Vec::new());
        }
        let mut edits: Vec<RowEdit> = Vec::new();
        for _ in 0..ROUNDS {
            let more = self.lacking(&self.after(&edits))?;
            if more.is_empty() {
                break;
            }
            edits.extend(more);
            // A REVOKE takes grants away with the denials, so the grants come last.
            edits.sort_by_key(|edit| edit.verb == GrantVerb::Grant);
        }
        if !self.allowed(&self.after(&edits)) {
            return Ok(Vec::new());
        }
        let may_tell =
            |edit: &RowEdit| edit.principal == self.subject || self.inquiry.vantage.knows_members_of(edit.principal);
        if !edits.iter().all(may_tell) {
            return Ok(Vec::new());
        }
        Ok(statements(self.inquiry, &edits))
    }

    /// The state as the subject has it after the edits.
    fn after(&self, edits: &[RowEdit]) -> Pinned {
        let mut tx = self.inquiry.vantage.then().rehearsal(self.clock.clone());
        edits.iter().for_each(|edit| edit.apply(&mut tx));
        tx.changed().as_principal(self.subject)
    }

    fn allowed(&self, state: &Pinned) -> bool {
        state.allows_to(state.closure(), &self.inquiry.chain_in(state), Need::Privilege(self.privilege))
    }

    /// What would mend each step that is refused: every denial that stands is lifted; else what is missing is granted.
    fn lacking(&self, state: &Pinned) -> Result<Vec<RowEdit>, CatalogError> {
        let (chain, mut edits) = (self.inquiry.chain_in(state), Vec::new());
        for demand in demands(self.privilege, &chain) {
            let links = chain.get(demand.level..).unwrap_or_default();
            let decision = state.decide(links, Need::Alone(demand.privilege))?;
            if decision.allowed {
                continue;
            }
            let denials = decision.reasons.iter().filter_map(|reason| match *reason {
                Reason::Deny { principal, privilege, securable } => {
                    Some(self.edit(GrantVerb::Revoke, privilege, securable, principal))
                }
                _ => None,
            });
            let mut found: Vec<RowEdit> = denials.collect();
            if found.is_empty() {
                found.extend(self.grant(demand.privilege, links));
            }
            for edit in found {
                if !edits.contains(&edit) {
                    edits.push(edit);
                }
            }
        }
        Ok(edits)
    }

    /// The grant of a privilege to the subject on the nearest securable on which it can be granted.
    fn grant(&self, privilege: Privilege, links: &[Link]) -> Option<RowEdit> {
        let on = links.iter().find(|link| privilege.grantable_on(link.kind))?;
        Some(self.edit(GrantVerb::Grant, privilege, on.id, self.subject))
    }

    fn edit(&self, verb: GrantVerb, privilege: Privilege, on: SecurableId, principal: PrincipalId) -> RowEdit {
        let relation = self.inquiry.securable.id;
        let column = self.inquiry.column.filter(|column| SecurableId::of_column(relation, *column) == on);
        let securable = if column.is_some() { relation } else { on };
        RowEdit { verb, privileges: PrivilegeSet::EMPTY.with(privilege), securable, column, principal }
    }
}

/// The edits as SQL, those that one statement can say said by one.
fn statements(inquiry: &Inquiry, edits: &[RowEdit]) -> Vec<String> {
    let mut merged: Vec<Statement> = Vec::new();
    for edit in edits {
        let privileges: Vec<_> = edit.privileges.iter().map(|privilege| (privilege, edit.column)).collect();
        let same = |s: &&mut Statement| {
            (s.verb, s.securable, s.principals.as_slice()) == (edit.verb, edit.securable, &[edit.principal])
        };
        match merged.iter_mut().find(same) {
            Some(statement) => statement.privileges.extend(privileges),
            None => merged.push(Statement {
                verb: edit.verb,
                privileges,
                securable: edit.securable,
                principals: vec![edit.principal],
            }),
        }
    }
    let mut whole: Vec<Statement> = Vec::new();
    for mut statement in merged {
        statement.privileges.sort_unstable();
        let same = |s: &&mut Statement| {
            (s.verb, s.securable, &s.privileges) == (statement.verb, statement.securable, &statement.privileges)
        };
        match whole.iter_mut().find(same) {
            Some(other) => other.principals.extend(statement.principals),
            None => whole.push(statement),
        }
    }
    whole.iter().map(|statement| statement.sql(inquiry)).collect()
}

struct Statement {
    verb: GrantVerb,
    privileges: Vec<(Privilege, Option<ColumnId>)>,
    securable: SecurableId,
    principals: Vec<PrincipalId>,
}

impl Statement {
    fn sql(&self, inquiry: &Inquiry) -> String {
        let state = inquiry.vantage.then().state();
        let privilege = |(privilege, column): &(Privilege, Option<ColumnId>)| match column {
            Some(column) => format!("{privilege} ({})", quoted(&inquiry.column_name(*column))),
            None => privilege.to_string(),
        };
        let privileges = self.privileges.iter().map(privilege).collect::<Vec<_>>().join(", ");
        let principals: Vec<_> = self.principals.iter().map(|id| quoted(&state.principal_name(*id))).collect();
        let (verb, to) = match self.verb {
            GrantVerb::Grant => ("GRANT", "TO"),
            GrantVerb::Deny => ("DENY", "TO"),
            GrantVerb::Revoke => ("REVOKE", "FROM"),
        };
        format!("{verb} {privileges} ON {} {to} {}", place(state, self.securable), principals.join(", "))
    }
}

/// A securable as a statement names it.
fn place(state: &State, id: SecurableId) -> String {
    let mut path = state.path(id);
    let kind = path.first().map_or(SecurableKind::Metastore, |securable| securable.kind());
    if kind == SecurableKind::Metastore {
        return kind.to_string();
    }
    path.pop();
    path.reverse();
    let parts: Vec<_> = path.iter().map(|securable| quoted(securable.name.as_str())).collect();
    format!("{kind} {}", parts.join("."))
}

/// A name as SQL: bare when it is a plain word that the grammar of grants does not use, else in backticks.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && !is_word_of_grants(name) { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

fn is_word_of_grants(name: &str) -> bool {
    let kinds = SecurableKind::ALL.iter().map(|kind| kind.as_str());
    let privileges = Privilege::ALL.iter().map(|privilege| privilege.as_str());
    let words = kinds.chain(privileges).flat_map(str::split_whitespace);
    words.chain(["ON", "TO", "FROM", "DATABASE", "USER", "GROUP"]).any(|word| word.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        for plain in ["bob", "_t1", "Sales"] {
            assert_eq!(quoted(plain), plain);
        }
        for (name, expected) in [
            ("a`b", "`a``b`"),
            ("account users", "`account users`"),
            ("1st", "`1st`"),
            ("table", "`table`"),
            ("to", "`to`"),
            ("größe", "`größe`"),
            ("a;DROP", "`a;DROP`"),
        ] {
            assert_eq!(quoted(name), expected);
        }
    }
}

//! Telling reasons of the gate to an asker: ids become names, and what the asker may not know is left out.

use std::collections::{HashMap, VecDeque};

use super::inquiry::Inquiry;
use super::{Because, Effect};
use crate::gate::Reason;
use crate::model::{ColumnId, PrincipalId, Privilege, SecurableId, SecurableKind};

/// Who is told about whom.
pub(super) struct Telling<'a> {
    pub(super) inquiry: &'a Inquiry,
    pub(super) subject: PrincipalId,
}

impl Telling<'_> {
    /// The reasons as the asker may know them; what is missing is no reason.
    pub(super) fn because(&self, reasons: &[Reason], column: Option<ColumnId>) -> Vec<Because> {
        let tell = |reason: &Reason| match *reason {
            Reason::Grant { principal, privilege, securable } => {
                Some(self.one(Effect::Grant, Some(privilege), principal, (securable, column)))
            }
            Reason::Deny { principal, privilege, securable } => {
                Some(self.one(Effect::Deny, Some(privilege), principal, (securable, column)))
            }
            Reason::Owner { principal, securable } => {
                Some(self.one(Effect::Owner, None, principal, (securable, column)))
            }
            Reason::Missing { .. } => None,
        };
        let mut told: Vec<Because> = Vec::new();
        for because in reasons.iter().filter_map(tell) {
            if !told.contains(&because) {
                told.push(because);
            }
        }
        told
    }

    fn one(
        &self,
        effect: Effect,
        privilege: Option<Privilege>,
        holder: PrincipalId,
        (on, column): (SecurableId, Option<ColumnId>),
    ) -> Because {
        let (kind, securable, column) = self.place(on, column);
        // A column is owned with its relation.
        let column = column.filter(|_| effect != Effect::Owner);
        let (holder, path) = self.way_to(holder);
        Because { effect, privilege, holder, path, kind, securable, column }
    }

    /// The names of a link: its kind, its full name, and the column when it is this one of the relation.
    pub(super) fn place(&self, id: SecurableId, column: Option<ColumnId>) -> (SecurableKind, String, Option<String>) {
        let state = self.inquiry.vantage.then().state();
        let relation = &self.inquiry.securable;
        if let Some(column) = column.filter(|column| SecurableId::of_column(relation.id, *column) == id) {
            return (relation.kind(), state.full_name(relation.id), Some(self.inquiry.column_name(column)));
        }
        let kind = state.securable(id).map_or(relation.kind(), |securable| securable.kind());
        (kind, state.full_name(id), None)
    }

    /// The holder's name and the shortest way to it, group by group, through groups whose members the asker may know.
    fn way_to(&self, holder: PrincipalId) -> (Option<String>, Vec<String>) {
        let vantage = &self.inquiry.vantage;
        let name = |id| vantage.then().state().principal_name(id);
        if holder == self.subject {
            return (Some(name(holder)), Vec::new());
        }
        if holder == PrincipalId::ACCOUNT_USERS {
            return (Some(name(holder)), vec![name(holder)]);
        }
        if !vantage.knows_members_of(holder) {
            return (None, Vec::new());
        }
        (Some(name(holder)), self.path_to(holder).into_iter().map(name).collect())
    }

    fn path_to(&self, holder: PrincipalId) -> Vec<PrincipalId> {
        let (vantage, state) = (&self.inquiry.vantage, self.inquiry.vantage.then().state());
        let mut from: HashMap<PrincipalId, PrincipalId> = HashMap::new();
        let mut next = VecDeque::from([self.subject]);
        while let Some(member) = next.pop_front().filter(|member| *member != holder) {
            for group in state.member_of.get(&member).into_iter().flatten() {
                let is_new = *group != self.subject && !from.contains_key(group);
                if is_new && vantage.knows_members_of(*group) {
                    from.insert(*group, member);
                    next.push_back(*group);
                }
            }
        }
        let mut path: Vec<PrincipalId> = std::iter::successors(Some(holder), |at| from.get(at).copied()).collect();
        let whole = path.pop() == Some(self.subject);
        path.reverse();
        if whole { path } else { Vec::new() }
    }
}

//! Grants and denials: made, taken back, listed with what is inherited. Doing it twice, or revoking what is absent, changes
//! nothing.

use std::sync::Arc;

use super::access::vantage::Vantage;
use super::entries::refuse_system;
use super::principals::named;
use crate::model::{
    ColumnId, FullName, GrantRow, Principal, PrincipalId, PrincipalName, Privilege, PrivilegeSet, Securable,
    SecurableId, SecurableKind,
};
use crate::pinned::Pinned;
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

/// What is done with the privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantVerb {
    /// They are granted.
    Grant,
    /// They are denied, whatever grants there are or will be.
    Deny,
    /// Grants and denials of them are taken back. ALL PRIVILEGES takes back every grant, and a denial of ALL PRIVILEGES;
    /// other denials stay, so that taking everything away never opens anything. A privilege on the whole relation takes
    /// back the grants of it on columns too, not the denials.
    Revoke,
}

/// A privilege, on the whole securable or on some columns of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivilegeOn {
    /// The privilege.
    pub privilege: Privilege,
    /// The columns by name; none for the whole securable.
    pub columns: Vec<String>,
}

impl From<Privilege> for PrivilegeOn {
    fn from(privilege: Privilege) -> Self {
        Self { privilege, columns: Vec::new() }
    }
}

/// What is granted, denied or revoked: every privilege to every principal, whole or not at all.
#[derive(Debug, Clone)]
pub struct GrantChange {
    /// Which of the three.
    pub verb: GrantVerb,
    /// The privileges.
    pub privileges: Vec<PrivilegeOn>,
    /// The kind of the securable.
    pub kind: SecurableKind,
    /// Its full name; ignored for the metastore.
    pub name: FullName,
    /// To or from whom.
    pub principals: Vec<PrincipalName>,
}

/// The grants on a securable that are asked for.
#[derive(Debug, Clone)]
pub struct GrantsOn {
    /// The kind of the securable.
    pub kind: SecurableKind,
    /// Its full name; ignored for the metastore.
    pub name: FullName,
    /// Only those to this principal itself.
    pub principal: Option<PrincipalName>,
    /// Whether those that it inherits are listed too.
    pub inherited: bool,
    /// As of when, in milliseconds since 1970 (UTC); none for now.
    pub as_of_ms: Option<i64>,
}

/// One line of a listing of grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantEntry {
    /// The name of the principal.
    pub principal: String,
    /// The privilege.
    pub privilege: Privilege,
    /// Whether it is denied rather than granted.
    pub denied: bool,
    /// The kind of the securable that it was granted on: for an inherited grant, the ancestor.
    pub kind: SecurableKind,
    /// The full name of that securable.
    pub securable: String,
    /// The column of it, when it is on one column only.
    pub column: Option<String>,
    /// Whether it was granted above.
    pub inherited: bool,
}

impl Metastore {
    /// Grants, denies or revokes privileges. Gives what the principals hold and are denied on the securable itself afterwards.
    ///
    /// # Errors
    /// `NotFound` of the securable, a column or a principal, `PermissionDenied` without the right to manage the securable,
    /// `InvalidArgument` when a privilege means nothing on it.
    pub fn change_grants(&self, caller: &Caller, change: &GrantChange) -> Result<Vec<GrantEntry>, CatalogError> {
        let action = match change.verb {
            GrantVerb::Grant => "grants.grant",
            GrantVerb::Deny => "grants.deny",
            GrantVerb::Revoke => "grants.revoke",
        };
        self.write(caller, action, &change.name.to_string(), |tx| {
            let (securable, principals) = apply(tx, change)?;
            let shown = |row: &GrantRow| principals.iter().any(|p| p.id == row.principal);
            Ok(lines(&tx.changed(), &securable, false, &shown))
        })
    }

    /// Lists the grants and denials on a securable, with those it inherits when asked. Who may not manage the securable sees
    /// those to itself and its groups only. As of an earlier time, names are those of then, while the right to see is the
    /// caller's of now.
    ///
    /// # Errors
    /// `NotFound` of the securable or the principal, `InvalidArgument` for a time that the history does not reach.
    pub fn list_grants(&self, caller: &Caller, query: &GrantsOn) -> Result<Vec<GrantEntry>, CatalogError> {
        self.read(caller, "grants.list", &query.name.to_string(), |pinned| {
            let vantage = Vantage::of(self, pinned, query.as_of_ms)?;
            let securable = vantage.resolve(query.kind, &query.name)?;
            let of_then = vantage.then();
            let only = query.principal.as_ref().map(|name| named(of_then.state(), name).map(|p| p.id)).transpose()?;
            let manages = vantage.manages(securable.id);
            let shown =
                |row: &GrantRow| only.is_none_or(|id| id == row.principal) && (manages || vantage.is_in(row.principal));
            Ok(lines(of_then, &securable, query.inherited, &shown))
        })
    }

    /// Lists what a principal holds itself, anywhere that the caller may see: all of it for itself, its groups and metastore
    /// admins; else what lies on securables that the caller may manage.
    ///
    /// # Errors
    /// `NotFound` of the principal.
    pub fn list_grants_to(&self, caller: &Caller, principal: &PrincipalName) -> Result<Vec<GrantEntry>, CatalogError> {
        self.read(caller, "grants.list", principal.as_str(), |pinned| {
            let id = named(pinned.state(), principal)?.id;
            let own = pinned.closure().contains(id);
            let held = pinned.state().holdings.get(&id).into_iter().flatten();
            let mut found = Vec::new();
            for securable in held.filter_map(|s| pinned.state().securable(*s)) {
                if own && pinned.sees(securable.id) || pinned.allows(securable.id, crate::Need::Manage) {
                    found.extend(lines(pinned, securable, false, &|row: &GrantRow| row.principal == id));
                }
            }
            found.sort_by(|a, b| (&a.securable, a.privilege).cmp(&(&b.securable, b.privilege)));
            Ok(found)
        })
    }
}

impl Pinned {
    /// The grants and denials on a securable and above it, as `list_grants` tells them to the caller.
    pub fn grants_shown(&self, securable: &Securable) -> Vec<GrantEntry> {
        let manages = self.allows(securable.id, crate::Need::Manage);
        lines(self, securable, true, &|row: &GrantRow| manages || self.closure().contains(row.principal))
    }
}

/// Makes a change of grants in a transaction. Gives what it was on, and to whom.
pub(crate) fn apply(tx: &mut Tx, change: &GrantChange) -> Result<(Arc<Securable>, Vec<Arc<Principal>>), CatalogError> {
    let securable = tx.pinned().resolve_to_manage(change.kind, &change.name)?;
    refuse_system(tx, &securable)?;
    let (whole, on_columns) = legal(&securable, &change.privileges)?;
    let principals: Vec<Arc<Principal>> =
        change.principals.iter().map(|p| named(tx.state(), p).cloned()).collect::<Result<_, _>>()?;
    for principal in &principals {
        let edit = |column, privileges| RowEdit {
            verb: change.verb,
            privileges,
            securable: securable.id,
            column,
            principal: principal.id,
        };
        edit(None, whole).apply(tx);
        for (column, privileges) in &on_columns {
            edit(Some(*column), *privileges).apply(tx);
        }
    }
    note(tx, &securable, &change.privileges, &principals);
    Ok((securable, principals))
}

/// A change of what one principal holds or is denied on one securable or column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowEdit {
    pub(crate) verb: GrantVerb,
    pub(crate) privileges: PrivilegeSet,
    pub(crate) securable: SecurableId,
    pub(crate) column: Option<ColumnId>,
    pub(crate) principal: PrincipalId,
}

impl RowEdit {
    /// Makes the change, without asking anybody's rights.
    pub(crate) fn apply(&self, tx: &mut Tx) {
        if self.privileges.is_empty() {
            return;
        }
        if let Some(column) = self.column {
            return self.change_column(tx, column, |row| self.changed(row));
        }
        let row = tx.state().grant_row(self.securable, self.principal);
        let changed = self.changed(row);
        if changed != row {
            tx.put_grant(self.securable, changed);
        }
        if self.verb == GrantVerb::Revoke {
            for grants in tx.state().column_grants_on(self.securable).iter() {
                self.change_column(tx, grants.column, |row| GrantRow { deny: row.deny, ..self.changed(row) });
            }
        }
    }

    fn change_column(&self, tx: &mut Tx, column: ColumnId, change: impl Fn(GrantRow) -> GrantRow) {
        let row = tx.state().column_grant_row(self.securable, column, self.principal);
        let changed = change(row);
        if changed != row {
            tx.put_column_grant(self.securable, column, changed);
        }
    }

    fn changed(&self, row: GrantRow) -> GrantRow {
        let (allow, deny, words) = (row.allow.0, row.deny.0, self.privileges.0);
        let everything = self.privileges.contains(Privilege::AllPrivileges);
        let (allow, deny) = match self.verb {
            GrantVerb::Grant => (allow | words, deny),
            GrantVerb::Deny => (allow, deny | words),
            GrantVerb::Revoke => (if everything { 0 } else { allow & !words }, deny & !words),
        };
        GrantRow { allow: PrivilegeSet(allow), deny: PrivilegeSet(deny), ..row }
    }
}

/// Checks that each privilege means something on the securable or below it. Gives those on the whole of it, and those on
/// columns.
fn legal(
    securable: &Securable,
    privileges: &[PrivilegeOn],
) -> Result<(PrivilegeSet, Vec<(ColumnId, PrivilegeSet)>), CatalogError> {
    if privileges.is_empty() {
        return Err(CatalogError::invalid("privileges", "name at least one privilege"));
    }
    let (mut whole, mut on_columns) = (PrivilegeSet::EMPTY, Vec::new());
    for PrivilegeOn { privilege, columns } in privileges {
        let kind = if columns.is_empty() { securable.kind() } else { SecurableKind::Column };
        require_grantable(*privilege, kind)?;
        if columns.is_empty() {
            whole = whole.with(*privilege);
        }
        for name in columns {
            on_columns.push((column(securable, name)?, PrivilegeSet::EMPTY.with(*privilege)));
        }
    }
    Ok((whole, on_columns))
}

fn require_grantable(privilege: Privilege, kind: SecurableKind) -> Result<(), CatalogError> {
    if privilege.grantable_on(kind) {
        return Ok(());
    }
    let legal: Vec<_> = Privilege::ALL.iter().filter(|p| p.grantable_on(kind)).map(|p| p.as_str()).collect();
    let message = format!("{privilege} cannot be granted on a {}: use one of {}", kind.noun(), legal.join(", "));
    Err(CatalogError::invalid("privileges", message))
}

/// The column of this name of a table or view.
pub(crate) fn column(relation: &Securable, name: &str) -> Result<ColumnId, CatalogError> {
    if !relation.kind().is_relation() {
        let message = format!("a {} has no columns: only tables and views do", relation.kind().noun());
        return Err(CatalogError::invalid("columns", message));
    }
    let found = relation.columns().iter().find(|column| column.name.to_lowercase() == name.to_lowercase());
    found.map(|column| column.id).ok_or_else(|| CatalogError::NoSuch { what: "column", name: name.to_owned() })
}

fn note(tx: &mut Tx, securable: &Securable, privileges: &[PrivilegeOn], principals: &[Arc<Principal>]) {
    let words = |on: &PrivilegeOn| match on.columns.as_slice() {
        [] => on.privilege.to_string(),
        columns => format!("{} ({})", on.privilege, columns.join(", ")),
    };
    let names = principals.iter().map(|p| p.name.to_string()).collect::<Vec<_>>().join(", ");
    tx.detail("privileges", privileges.iter().map(words).collect::<Vec<_>>().join(", "));
    tx.detail("principals", names);
    tx.detail("securable_id", securable.id.to_string());
    tx.detail("kind", securable.kind().as_str());
}

/// The lines of the rows that are to be shown: those on a securable and its columns, and above it when asked. Privileges
/// that mean nothing on the kind are left out of what is inherited; the metastore's grants are inherited by nothing.
pub(crate) fn lines(
    pinned: &Pinned,
    securable: &Securable,
    inherited: bool,
    shown: &dyn Fn(&GrantRow) -> bool,
) -> Vec<GrantEntry> {
    let state = pinned.state();
    let mut found = Vec::new();
    for (at, link) in state.path(securable.id).into_iter().enumerate() {
        let above = at > 0;
        if above && (!inherited || link.kind() == SecurableKind::Metastore) {
            break;
        }
        let entry = GrantEntry {
            principal: String::new(),
            privilege: Privilege::AllPrivileges,
            denied: false,
            kind: link.kind(),
            securable: state.full_name(link.id),
            column: None,
            inherited: above,
        };
        let counts = |p: &Privilege| !above || p.reaches(securable.kind());
        found.extend(entries(state, &state.grants_on(link.id), &entry, shown, &counts));
        if above {
            continue;
        }
        for grants in state.column_grants_on(link.id).iter() {
            let column = link.columns().iter().find(|column| column.id == grants.column);
            let entry = GrantEntry { column: column.map(|column| column.name.to_string()), ..entry.clone() };
            found.extend(entries(state, &grants.rows, &entry, shown, &counts));
        }
    }
    found
}

/// One entry for each privilege of the rows that are to be shown, in the order of the principals' names.
fn entries(
    state: &crate::state::State,
    rows: &[GrantRow],
    entry: &GrantEntry,
    shown: &dyn Fn(&GrantRow) -> bool,
    counts: &dyn Fn(&Privilege) -> bool,
) -> Vec<GrantEntry> {
    let mut rows: Vec<(String, &GrantRow)> =
        rows.iter().filter(|row| shown(row)).map(|row| (state.principal_name(row.principal), row)).collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let of_row = |(principal, row): (String, &GrantRow)| {
        let line =
            move |privilege, denied| GrantEntry { principal: principal.clone(), privilege, denied, ..entry.clone() };
        let allowed = row.allow.iter().filter(counts).map(|p| line(p, false)).collect::<Vec<_>>();
        allowed.into_iter().chain(row.deny.iter().filter(counts).map(|p| line(p, true))).collect::<Vec<_>>()
    };
    rows.into_iter().flat_map(of_row).collect()
}

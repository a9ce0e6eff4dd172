//! Policies by attributes: made and dropped by who may manage the catalog, schema or table that they are on, and shown.

use std::collections::HashSet;
use std::sync::Arc;

use super::entries::refuse_system;
use super::governed::require_known_values;
use super::principals::named;
use super::rules::{Argument, executable, function_body, require_boolean};
use crate::clock::Clock;
use crate::model::{
    ColumnMatch, Condition, FullName, MAX_CONDITION_DEPTH, MAX_CONDITION_TAGS, MAX_MATCHES, Name, Policies, Policy,
    PolicyEffect, PolicyId, PolicyInput, PrincipalId, PrincipalName, Securable, SecurableId, SecurableKind,
    require_tag_key, require_tag_value,
};
use crate::ops::binding::label;
use crate::ops::open::Opened;
use crate::pinned::Pinned;
use crate::state::State;
use crate::tx::Tx;
use crate::{Caller, CatalogError, Need, metastore::Metastore};

/// What a policy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// It hides rows.
    RowFilter,
    /// It masks columns.
    ColumnMask,
}

impl PolicyKind {
    /// The kind in SQL words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RowFilter => "ROW FILTER",
            Self::ColumnMask => "COLUMN MASK",
        }
    }
}

/// One of MATCH COLUMNS.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMatch {
    /// The condition on a column's own tags.
    pub condition: Condition,
    /// By which name the policy speaks of the columns.
    pub alias: Option<String>,
}

/// A new policy.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    /// Its name, unique among the policies of the securable.
    pub name: Name,
    /// The kind of what it is on: a catalog, schema or table.
    pub kind: SecurableKind,
    /// The full name of what it is on.
    pub securable: FullName,
    /// Free text.
    pub comment: Option<String>,
    /// What it does.
    pub effect: PolicyKind,
    /// The function's full name.
    pub function: FullName,
    /// Whom it binds.
    pub to: Vec<PrincipalName>,
    /// Whom it spares.
    pub except: Vec<PrincipalName>,
    /// The condition on the tags of a table, its schema and its catalog.
    pub when: Option<Condition>,
    /// The columns that it speaks of.
    pub matches: Vec<NewMatch>,
    /// The alias of the columns that are masked.
    pub on_column: Option<String>,
    /// What the function's parameters take; for a mask, those after the first. A column is an alias of `matches`.
    pub using: Vec<Argument>,
    /// Replaces a policy of this name.
    pub replace: bool,
}

/// A policy as the caller may know it.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyEntry {
    /// Its name.
    pub name: String,
    /// Its id, which stays when it is replaced.
    pub id: PolicyId,
    /// What it does.
    pub effect: PolicyKind,
    /// The kind of what it is on.
    pub kind: SecurableKind,
    /// The full name of what it is on.
    pub securable: String,
    /// Free text.
    pub comment: Option<String>,
    /// The full name of its function; none when the caller may not see it.
    pub function: Option<String>,
    /// Whom it binds and when; none unless the caller may manage what it is on.
    pub terms: Option<PolicyTerms>,
    /// When it was made or last replaced, in milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// By whom.
    pub created_by: String,
}

/// Whom a policy binds and when.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyTerms {
    /// Whom it binds.
    pub to: Vec<String>,
    /// Whom it spares.
    pub except: Vec<String>,
    /// The condition on the tags of a table and what it is in, in SQL words.
    pub when: Option<String>,
    /// The conditions on the tags of columns, in SQL words, each with its alias.
    pub matches: Vec<(String, Option<String>)>,
    /// The alias of the columns that are masked.
    pub on_column: Option<String>,
    /// What the function's parameters take.
    pub using: Vec<Argument>,
}

impl Metastore {
    /// Makes a policy.
    ///
    /// # Errors
    /// `NotFound` of the securable, the function or a principal, `PermissionDenied` without the right to manage the securable or
    /// EXECUTE on the function, `AlreadyExists`, `InvalidArgument` when its parts don't fit, `FailedPrecondition` when the
    /// securable has as many as it may have.
    pub fn create_policy(&self, caller: &Caller, new: &NewPolicy) -> Result<PolicyEntry, CatalogError> {
        self.write(caller, "policies.create", &new.securable.to_string(), |tx| {
            let on = managed(tx, new.kind, &new.securable)?;
            let most = Policy::most_on(on.kind()).ok_or_else(|| no_policies_on(&on, &new.securable))?;
            let mut policies = on.policies().to_vec();
            let old = policies.iter().position(|policy| policy.name == new.name).map(|at| policies.remove(at));
            if old.is_some() && !new.replace {
                let name = format!("{} on {} {}", new.name, on.kind(), new.securable);
                return Err(CatalogError::AlreadyExists { what: "policy", name });
            }
            if policies.len() >= most {
                let (kind, name) = (on.kind().noun(), &new.securable);
                let message = format!("{kind} `{name}` has {most} policies already, the most that a {kind} may have");
                return Err(CatalogError::precondition("TOO_MANY_POLICIES", message));
            }
            let policy = made(tx, new, old.map(|old| old.id))?;
            let at = policies.partition_point(|other| other.name.folded() < policy.name.folded());
            policies.insert(at, policy.clone());
            note(tx, new);
            let changed = with_policies(&on, policies);
            let changed = tx.update_securable(changed)?;
            Ok(PolicyEntry::of(&tx.changed(), &changed, &policy))
        })
    }

    /// Drops a policy.
    ///
    /// # Errors
    /// `NotFound` of the securable or the policy, `PermissionDenied` without the right to manage the securable.
    pub fn drop_policy(
        &self,
        caller: &Caller,
        kind: SecurableKind,
        securable: &FullName,
        policy: &Name,
    ) -> Result<(), CatalogError> {
        self.write(caller, "policies.drop", &securable.to_string(), |tx| {
            let on = managed(tx, kind, securable)?;
            let mut policies = on.policies().to_vec();
            policies.retain(|other| other.name != *policy);
            if policies.len() == on.policies().len() {
                return Err(no_such(policy));
            }
            tx.detail("policy", policy.to_string());
            tx.update_securable(with_policies(&on, policies)).map(drop)
        })
    }

    /// As `Pinned::list_policies`.
    ///
    /// # Errors
    /// `NotFound` of the securable.
    pub fn list_policies(
        &self,
        caller: &Caller,
        kind: SecurableKind,
        securable: &FullName,
        effective: bool,
    ) -> Result<Vec<PolicyEntry>, CatalogError> {
        self.read(caller, "policies.list", &securable.to_string(), |pinned| {
            pinned.list_policies(kind, securable, effective)
        })
    }

    /// As `Pinned::get_policy`.
    ///
    /// # Errors
    /// `NotFound` of the securable or the policy.
    pub fn get_policy(
        &self,
        caller: &Caller,
        kind: SecurableKind,
        securable: &FullName,
        policy: &Name,
    ) -> Result<PolicyEntry, CatalogError> {
        self.read(caller, "policies.get", &securable.to_string(), |pinned| pinned.get_policy(kind, securable, policy))
    }
}

impl Pinned {
    /// The policies on a catalog, schema or table, in the order of their names, and when asked those above it too: all
    /// that may bind a reader, whoever it is.
    ///
    /// # Errors
    /// `NotFound` of the securable.
    pub fn list_policies(
        &self,
        kind: SecurableKind,
        securable: &FullName,
        effective: bool,
    ) -> Result<Vec<PolicyEntry>, CatalogError> {
        let found = self.resolve(kind, securable)?;
        let path = self.state().path(found.id);
        let levels = if effective { path.len() } else { 1 };
        let each = |on: &Arc<Securable>| -> Vec<PolicyEntry> {
            on.policies().iter().map(|policy| PolicyEntry::of(self, on, policy)).collect()
        };
        // No policy binds on a view, a function or a volume: only on tables.
        let can_have = Policy::most_on(found.kind()).is_some();
        Ok(path.into_iter().take(levels).filter(|_| can_have).flat_map(each).collect())
    }

    /// One policy.
    ///
    /// # Errors
    /// `NotFound` of the securable or the policy.
    pub fn get_policy(
        &self,
        kind: SecurableKind,
        securable: &FullName,
        policy: &Name,
    ) -> Result<PolicyEntry, CatalogError> {
        let on = self.resolve(kind, securable)?;
        let found = on.policies().iter().find(|other| other.name == *policy).ok_or_else(|| no_such(policy))?;
        Ok(PolicyEntry::of(self, &on, found))
    }
}

impl Pinned {
    /// A table as it would be read under a new policy on it and nothing else, whomever the policy binds, so that the engine
    /// can check it first. None when the policy is on no table, or the table's tags don't meet its conditions now.
    ///
    /// # Errors
    /// As `Metastore::create_policy`.
    pub fn preview_policy(&self, new: &NewPolicy, clock: Arc<dyn Clock>) -> Result<Option<Opened>, CatalogError> {
        let on = self.resolve_to_manage(new.kind, &new.securable)?;
        let policy = made(&self.rehearsal(clock), new, None)?;
        self.opened_under(&on, &policy)
    }
}

impl PolicyEntry {
    fn of(pinned: &Pinned, on: &Securable, policy: &Policy) -> Self {
        let state = pinned.state();
        let effect = match policy.effect {
            PolicyEffect::RowFilter => PolicyKind::RowFilter,
            PolicyEffect::ColumnMask { .. } => PolicyKind::ColumnMask,
        };
        Self {
            name: policy.name.to_string(),
            id: policy.id,
            effect,
            kind: on.kind(),
            securable: state.full_name(on.id),
            comment: policy.comment.clone(),
            function: pinned.sees(policy.function).then(|| state.full_name(policy.function)),
            terms: pinned.allows(on.id, Need::Manage).then(|| PolicyTerms::of(state, policy)),
            created_at_ms: policy.created_at_ms,
            created_by: state.principal_name(policy.created_by),
        }
    }
}

impl PolicyTerms {
    fn of(state: &State, policy: &Policy) -> Self {
        let names = |ids: &[PrincipalId]| ids.iter().map(|id| state.principal_name(*id)).collect();
        let shown = |one: &ColumnMatch| (one.condition.to_string(), one.alias.as_ref().map(Name::to_string));
        let input = |input: &PolicyInput| match input {
            PolicyInput::Matched(alias) => Argument::Column(alias.to_string()),
            PolicyInput::Literal(text) => Argument::Literal(text.clone()),
        };
        Self {
            to: names(&policy.to),
            except: names(&policy.except),
            when: policy.when.as_ref().map(Condition::to_string),
            matches: policy.matches.iter().map(shown).collect(),
            on_column: match &policy.effect {
                PolicyEffect::RowFilter => None,
                PolicyEffect::ColumnMask { on } => Some(on.to_string()),
            },
            using: policy.using.iter().map(input).collect(),
        }
    }
}

fn managed(tx: &Tx, kind: SecurableKind, name: &FullName) -> Result<Arc<Securable>, CatalogError> {
    let on = tx.pinned().resolve_to_manage(kind, name)?;
    refuse_system(tx, &on)?;
    Ok(on)
}

fn with_policies(on: &Securable, policies: Vec<Policy>) -> Securable {
    let policies = (!policies.is_empty()).then(|| Box::new(Policies(policies)));
    Securable { policies, ..on.clone() }
}

fn no_such(policy: &Name) -> CatalogError {
    CatalogError::NoSuch { what: "policy", name: policy.to_string() }
}

fn no_policies_on(on: &Securable, name: &FullName) -> CatalogError {
    let kind = on.kind().noun();
    let message = format!("`{name}` is a {kind}: policies are on catalogs, schemas and tables");
    CatalogError::precondition("NO_POLICIES", message)
}

fn note(tx: &mut Tx, new: &NewPolicy) {
    let names = |names: &[PrincipalName]| names.iter().map(PrincipalName::as_str).collect::<Vec<_>>().join(", ");
    tx.detail("policy", new.name.to_string());
    tx.detail("effect", new.effect.as_str());
    tx.detail("function", new.function.to_string());
    tx.detail("to", names(&new.to));
    if !new.except.is_empty() {
        tx.detail("except", names(&new.except));
    }
}

/// The record of a new policy, whose parts fit each other.
fn made(tx: &Tx, new: &NewPolicy, id: Option<PolicyId>) -> Result<Policy, CatalogError> {
    let pinned = tx.pinned();
    let function = executable(&pinned, &new.function)?;
    require_arity(&function, new)?;
    let matches = matches(&new.matches)?;
    let policy = Policy {
        id: id.unwrap_or_else(|| PolicyId(tx.new_id())),
        name: new.name.clone(),
        comment: new.comment.clone(),
        effect: effect(new, &matches)?,
        function: function.id,
        to: principals(tx.state(), &new.to)?,
        except: principals(tx.state(), &new.except)?,
        when: new.when.clone(),
        using: new.using.iter().map(|argument| input(argument, &matches)).collect::<Result<_, _>>()?,
        matches,
        created_at_ms: tx.now_ms(),
        created_by: tx.caller().principal,
    };
    if policy.to.is_empty() {
        return Err(CatalogError::invalid("to", "name at least one principal that the policy binds"));
    }
    policy.conditions().try_for_each(require_bounded)?;
    require_known_values(&pinned, &policy)?;
    Ok(policy)
}

fn require_arity(function: &Securable, new: &NewPolicy) -> Result<(), CatalogError> {
    let (body, name) = (function_body(function)?, &new.function);
    let (masked, how) = match new.effect {
        PolicyKind::RowFilter => {
            require_boolean(name, body)?;
            (0, "USING COLUMNS")
        }
        PolicyKind::ColumnMask => (1, "the column, then USING COLUMNS,"),
    };
    let (needed, given) = (body.parameters.len(), new.using.len() + masked);
    if needed == given {
        return Ok(());
    }
    let message = format!("`{name}` has {needed} parameters and {how} gives {given}");
    Err(CatalogError::invalid("using", message))
}

fn effect(new: &NewPolicy, matches: &[ColumnMatch]) -> Result<PolicyEffect, CatalogError> {
    match (new.effect, &new.on_column) {
        (PolicyKind::RowFilter, None) => Ok(PolicyEffect::RowFilter),
        (PolicyKind::RowFilter, Some(_)) => {
            Err(CatalogError::invalid("on_column", "a ROW FILTER has no ON COLUMN: it takes columns by USING COLUMNS"))
        }
        (PolicyKind::ColumnMask, None) => {
            Err(CatalogError::invalid("on_column", "a COLUMN MASK needs ON COLUMN with an alias of MATCH COLUMNS"))
        }
        (PolicyKind::ColumnMask, Some(on)) => Ok(PolicyEffect::ColumnMask { on: declared("on_column", on, matches)? }),
    }
}

fn matches(new: &[NewMatch]) -> Result<Vec<ColumnMatch>, CatalogError> {
    if new.len() > MAX_MATCHES {
        let message = format!("a policy has at most {MAX_MATCHES} conditions in MATCH COLUMNS");
        return Err(CatalogError::invalid("matches", message));
    }
    let mut seen = HashSet::new();
    let each = |one: &NewMatch| {
        let alias = one.alias.as_deref().map(Name::parse).transpose()?;
        match &alias {
            Some(alias) if !seen.insert(alias.folded().clone()) => {
                Err(CatalogError::invalid("matches", format!("alias `{alias}` is declared twice")))
            }
            _ => Ok(ColumnMatch { condition: one.condition.clone(), alias }),
        }
    };
    new.iter().map(each).collect()
}

/// The alias of this name in MATCH COLUMNS.
fn declared(field: &str, alias: &str, matches: &[ColumnMatch]) -> Result<Name, CatalogError> {
    let known = matches.iter().filter_map(|one| one.alias.as_ref());
    let name = Name::parse(alias)?;
    let found = known.into_iter().find(|known| **known == name).cloned();
    found.ok_or_else(|| {
        CatalogError::invalid(
            field,
            format!("`{alias}` is no alias of MATCH COLUMNS: declare it there, as in `… AS {alias}`"),
        )
    })
}

fn input(argument: &Argument, matches: &[ColumnMatch]) -> Result<PolicyInput, CatalogError> {
    match argument {
        Argument::Column(alias) => declared("using", alias, matches).map(PolicyInput::Matched),
        Argument::Literal(text) => Ok(PolicyInput::Literal(text.clone())),
    }
}

fn principals(state: &State, names: &[PrincipalName]) -> Result<Vec<PrincipalId>, CatalogError> {
    let mut ids: Vec<PrincipalId> = Vec::with_capacity(names.len());
    for name in names {
        let id = named(state, name)?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn require_bounded(condition: &Condition) -> Result<(), CatalogError> {
    let tags = condition.tags();
    if condition.depth() > MAX_CONDITION_DEPTH || tags.len() > MAX_CONDITION_TAGS {
        let message = format!(
            "a condition asks for at most {MAX_CONDITION_TAGS} tags and is nested at most {MAX_CONDITION_DEPTH} deep"
        );
        return Err(CatalogError::invalid("condition", message));
    }
    if tags.is_empty() {
        return Err(CatalogError::invalid("condition", "a condition asks for at least one tag"));
    }
    tags.into_iter().try_for_each(|(key, value)| {
        require_tag_key(key)?;
        value.map_or(Ok(()), |value| require_tag_value(key, value))
    })
}

/// How a securable uses a function as a policy: bound to a table, or in a policy on it. None when it only calls it.
pub(crate) fn use_as_policy(pinned: &Pinned, user: &Securable, function: SecurableId) -> Option<String> {
    let (kind, name) = (user.kind().noun(), pinned.state().full_name(user.id));
    let policy = user.policies().iter().find(|policy| policy.function == function);
    match policy {
        None if user.kind() != SecurableKind::Table => None,
        None if pinned.sees(user.id) => Some(format!("a policy of {kind} `{name}`")),
        None => Some("a policy of a table that you may not see".to_owned()),
        Some(policy) if pinned.sees(user.id) => Some(format!("the function of {}", label(pinned, policy, user))),
        Some(_) => Some("the function of a policy that you may not see".to_owned()),
    }
}

/// Refuses to delete a principal that a policy names: it would bind or spare others than it was made for.
pub(crate) fn require_unnamed(tx: &Tx, principal: PrincipalId, name: &PrincipalName) -> Result<(), CatalogError> {
    let (pinned, state) = (tx.pinned(), tx.state());
    let mut users = state.bound_by_name(principal).into_iter().flatten().filter_map(|id| state.securable(*id));
    let Some(user) = users.next() else { return Ok(()) };
    let policy = user.policies().iter().find(|policy| policy.principals().any(|named| named == principal));
    let policy = policy.map_or_else(|| "a policy".to_owned(), |policy| label(&pinned, policy, user));
    let message = format!("{policy} names `{name}`: drop or replace the policy first");
    Err(CatalogError::precondition("IN_USE", message))
}

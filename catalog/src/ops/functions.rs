//! Creating SQL scalar functions.

use super::containers::{Describe, fresh};
use super::entries::Entry;
use super::policies::use_as_policy;
use super::tables::require_may_create;
use super::views::require_no_cycle;
use crate::model::{Body, FullName, FunctionBody, Securable, SecurableKind};
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

/// A new function. The engine has checked its body.
#[derive(Debug, Clone)]
pub struct NewFunction {
    /// Its full name.
    pub name: FullName,
    /// Parameters, result and body.
    pub body: FunctionBody,
    /// Comment and properties.
    pub describe: Describe,
    /// Replaces a function of this name; its id and grants stay, and the caller becomes its owner.
    pub replace: bool,
}

impl Metastore {
    /// Creates a function; its creator owns it.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` without CREATE FUNCTION on the schema, `AlreadyExists`, `FailedPrecondition` when it
    /// would call itself, or replaces a policy's function with other parameters or another result.
    pub fn create_function(&self, caller: &Caller, new: &NewFunction) -> Result<Entry, CatalogError> {
        self.write(caller, "functions.create", &new.name.to_string(), |tx| {
            require_distinct_parameters(&new.body)?;
            let (schema, last) = require_may_create(tx, SecurableKind::Function, &new.name, new.replace)?;
            let body = Body::Function(Box::new(new.body.clone()));
            let old = tx.state().child(schema, SecurableKind::Function.name_class(), &last).cloned();
            let saved = match old {
                Some(old) => {
                    require_no_cycle(tx, old.id, &new.body.dependencies)?;
                    require_same_signature_in_use(tx, &old, &new.body)?;
                    let mut changed = old.as_ref().clone();
                    changed.body = body;
                    // Whoever writes the body lends it their rights, never the rights of the owner before.
                    changed.owner = tx.caller().principal;
                    changed.comment.clone_from(&new.describe.comment);
                    tx.update_securable(changed)?
                }
                None => {
                    let fresh = fresh(tx, schema, last, &new.describe, body);
                    tx.put_securable(fresh)?
                }
            };
            Ok(Entry::of(&tx.changed(), saved))
        })
    }
}

fn require_distinct_parameters(body: &FunctionBody) -> Result<(), CatalogError> {
    let mut seen = std::collections::HashSet::new();
    match body.parameters.iter().find(|p| !seen.insert(p.name.folded().clone())) {
        Some(twice) => Err(CatalogError::invalid("parameters", format!("parameter `{}` is named twice", twice.name))),
        None => Ok(()),
    }
}

fn require_same_signature_in_use(tx: &Tx, old: &Securable, new: &FunctionBody) -> Result<(), CatalogError> {
    let Some(was) = old.as_function() else {
        return Ok(());
    };
    let types = |f: &FunctionBody| {
        let parameters = f.parameters.iter().map(|p| p.type_text.to_lowercase()).collect::<Vec<_>>();
        (parameters, f.return_type.to_lowercase())
    };
    if types(was) == types(new) {
        return Ok(());
    }
    let pinned = tx.pinned();
    match tx.state().users_of(old.id).find_map(|user| use_as_policy(&pinned, user, old.id)) {
        Some(used) => {
            let name = tx.state().full_name(old.id);
            let message = format!("function `{name}` is {used}: its parameters and result cannot change");
            Err(CatalogError::precondition("IN_USE", message))
        }
        None => Ok(()),
    }
}

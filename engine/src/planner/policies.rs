//! The policies of a table, planned for one caller: functions bound to the columns as they are stored now.
//!
//! A policy that doesn't fit any more (a column gone or of another type, a function or mapping table gone, a body that no
//! longer plans) closes the table. There is no reading without it.

use std::collections::BTreeMap;

use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use lakewarden_catalog::model::{ColumnId, PolicyArgument, TableBody, Text};
use lakewarden_catalog::ops::open::{BoundMask, BoundPolicy, Opened};

use super::{Planner, Scope, fitting, subqueries};
use crate::delta::{OpenTable, parse_sql_type};
use crate::error::EngineError;
use crate::governed::fields::{MaskedField, fields_on_path, guarded_field, masked_struct};
use crate::governed::policy::{guarded_column, guarded_schema};
use crate::governed::{GovernedSpec, TablePolicy, govern_table};

/// The property of a table that is read whole, whatever the caller asks: no file is skipped by their predicates.
const STRICT: &str = "lakewarden.strictScan";

impl Planner {
    /// What the caller may see of a table.
    pub async fn govern(
        &self,
        opened: &Opened,
        stored: &OpenTable,
        scope: &Scope,
    ) -> Result<GovernedSpec, EngineError> {
        let mut policy = TablePolicy {
            label: opened.full_name.clone(),
            policy_ids: Vec::new(),
            row_filter: None,
            masks: Vec::new(),
            visible: stored.schema.fields().iter().map(|f| f.name().clone()).collect(),
        };
        self.require_known_columns(opened, stored)?;
        if let Some(filter) = &opened.row_filter {
            policy.policy_ids.push(filter.label.clone());
            policy.row_filter = Some(self.row_filter(opened, filter, stored, scope).await?);
        }
        let mut fields: BTreeMap<String, Vec<MaskedField>> = BTreeMap::new();
        for mask in &opened.masks {
            policy.policy_ids.push(mask.policy.label.clone());
            let (name, path, value) = self.mask(opened, mask, stored, scope).await?;
            match path.is_empty() {
                true => policy.masks.push((name, value)),
                false => fields.entry(name).or_default().push(MaskedField { path, value }),
            }
        }
        let name = policy.policy_ids.join(", ");
        let spec = self.governed_with(policy, fields, stored);
        let spec = spec.map_err(|error| self.closed(opened, &name, &EngineError::from_planning(&error)))?;
        let is_strict = opened.securable.properties.get(STRICT).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(GovernedSpec { strict: is_strict, ..spec })
    }

    /// The governed plan; the masked fields of a column become one mask of it.
    fn governed_with(
        &self,
        mut policy: TablePolicy,
        fields: BTreeMap<String, Vec<MaskedField>>,
        stored: &OpenTable,
    ) -> datafusion::error::Result<GovernedSpec> {
        let guarded = guarded_schema(&stored.schema)?;
        for (column, fields) in fields {
            let masked = masked_struct(&column, fields, &guarded)?;
            policy.masks.push((column, masked));
        }
        govern_table(&stored.raw, policy, &self.system)
    }

    /// The row filter of a table as an expression over its stored columns.
    pub async fn row_filter(
        &self,
        opened: &Opened,
        filter: &BoundPolicy,
        stored: &OpenTable,
        scope: &Scope,
    ) -> Result<Expr, EngineError> {
        let planned = async {
            let table = table(opened)?;
            fitting::require_filter(table, filter)?;
            let arguments = self.arguments(table, &filter.arguments, stored)?;
            self.apply(filter, arguments, stored, scope).await
        };
        planned.await.map_err(|error| self.closed(opened, &filter.label, &error))
    }

    /// The column that is masked, the stored names of the fields on the way to what is masked inside it, and what is shown.
    async fn mask(
        &self,
        opened: &Opened,
        mask: &BoundMask,
        stored: &OpenTable,
        scope: &Scope,
    ) -> Result<(String, Vec<String>, Expr), EngineError> {
        let policy = &mask.policy;
        let planned = async {
            let table = table(opened)?;
            fitting::require_mask(table, mask)?;
            let name = stored_column(table, mask.column, stored)?;
            let path = stored_path(&name, &mask.path, stored)?;
            let mut arguments = vec![guarded_field(&name, &path)];
            arguments.extend(self.arguments(table, &policy.arguments, stored)?);
            let value = self.apply(policy, arguments, stored, scope).await?;
            Ok((name, path, computed(value, stored).map_err(|e| EngineError::from_planning(&e))?))
        };
        planned.await.map_err(|error| self.closed(opened, &policy.label, &error))
    }

    /// A column that the catalog does not know has no tags. Where a policy binds columns without tags nobody can say whether
    /// it was meant to bind this one, so that the table is closed.
    pub(super) fn require_known_columns(&self, opened: &Opened, stored: &OpenTable) -> Result<(), EngineError> {
        let Some(label) = &opened.unknown_columns else { return Ok(()) };
        let known = |name: &str| opened.securable.columns().iter().any(|column| column.name == name);
        match stored.schema.fields().iter().find(|field| !known(field.name())) {
            Some(field) => {
                let fault = EngineError::invalid(format!("the catalog does not know column `{}`", field.name()));
                Err(self.closed(opened, label, &fault))
            }
            None => Ok(()),
        }
    }

    fn arguments(
        &self,
        table: &TableBody,
        arguments: &[PolicyArgument],
        stored: &OpenTable,
    ) -> Result<Vec<Expr>, EngineError> {
        let argument = |argument: &PolicyArgument| match argument {
            PolicyArgument::Column(id) => Ok(guarded_column(&stored_column(table, *id, stored)?)),
            PolicyArgument::Literal(text) => super::calls::literal_text(text),
        };
        arguments.iter().map(argument).collect()
    }

    /// The body of a policy's function with its arguments in place, under the rights of the function's owner.
    async fn apply(
        &self,
        policy: &BoundPolicy,
        arguments: Vec<Expr>,
        stored: &OpenTable,
        scope: &Scope,
    ) -> Result<Expr, EngineError> {
        let body = policy.function.as_function().ok_or_else(|| EngineError::internal("not a function"))?;
        let inner = scope.policy(policy, body.namespace.clone(), &body.dependencies)?;
        let call = self.call(&policy.name, body, &inner).await?;
        let guarded = guarded_schema(&stored.schema).map_err(|e| EngineError::from_planning(&e))?;
        call.inline(arguments, &guarded).map_err(|e| EngineError::from_planning(&e))
    }

    /// The error that a caller sees: it names the policy, and the log has the rest.
    pub(super) fn closed(&self, opened: &Opened, policy: &str, error: &EngineError) -> EngineError {
        let details = DataFusionError::Execution(format!("policy {policy}: {error}"));
        let reference = self.faults.record(&opened.full_name, &details);
        EngineError::Policy { label: opened.full_name.clone(), policy: policy.to_owned(), reference }
    }
}

fn table(opened: &Opened) -> Result<&TableBody, EngineError> {
    opened.securable.as_table().ok_or_else(|| EngineError::internal("a policy on what is no table"))
}

/// A mask as the library can compute it.
fn computed(mask: Expr, stored: &OpenTable) -> datafusion::error::Result<Expr> {
    Ok(subqueries::computed_in_expr(mask, &guarded_schema(&stored.schema)?)?.data)
}

/// The stored names of the fields on a path inside a column.
fn stored_path(column: &str, path: &[Text], stored: &OpenTable) -> Result<Vec<String>, EngineError> {
    let field = stored.schema.field_with_name(column).map_err(EngineError::internal)?;
    let names: Vec<&str> = path.iter().map(Text::as_str).collect();
    let fields = fields_on_path(field.data_type(), &names).map_err(|e| EngineError::from_planning(&e))?;
    Ok(fields.iter().map(|field| field.name().clone()).collect())
}

/// The stored name of a column that a policy is bound to; its type must be the one that the catalog knows.
fn stored_column(table: &TableBody, id: ColumnId, stored: &OpenTable) -> Result<String, EngineError> {
    let column = table.columns.iter().find(|c| c.id == id);
    let column = column.ok_or_else(|| EngineError::invalid("a column of the policy is gone"))?;
    let field = stored.schema.fields().iter().find(|f| column.name == f.name().as_str());
    let field = field.ok_or_else(|| EngineError::invalid(format!("column `{}` is gone", column.name)))?;
    let (known, found) = (parse_sql_type(&column.type_text), crate::delta::sql_type(field.data_type()));
    let same = known.is_ok_and(|known| crate::delta::sql_type(&known) == found);
    if same {
        Ok(field.name().clone())
    } else {
        Err(EngineError::invalid(format!("column `{}` is {found}, not {}", column.name, column.type_text)))
    }
}

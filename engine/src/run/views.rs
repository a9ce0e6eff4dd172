//! CREATE VIEW and CREATE FUNCTION. Both are planned under the caller's rights before they are stored.

use datafusion::logical_expr::LogicalPlan;
use lakewarden_catalog::model::{FunctionBody as StoredBody, Name, Parameter};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::functions::NewFunction;
use lakewarden_catalog::ops::tables::NewColumn;
use lakewarden_catalog::ops::views::NewView;

use super::{Run, unless_exists};
use crate::delta::{parse_sql_type, sql_type};
use crate::error::EngineError;
use crate::names;
use crate::planner::parameter_types;
use crate::statement::{CreateFunction, CreateView, ViewColumn};
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn create_view(&self, create: CreateView) -> Result<QueryStream, EngineError> {
        let name = names::object(&create.name, &self.namespace)?;
        let plan = self.planner.query(&create.query.query, &self.scope()).await?;
        if !parameter_types(&plan)?.is_empty() {
            return Err(EngineError::invalid("a view has no parameters: write the values in its query"));
        }
        let view = NewView {
            name,
            sql: create.query.text,
            namespace: self.namespace.clone(),
            columns: view_columns(&plan, &create.columns)?,
            dependencies: self.planner.dependencies().await,
            describe: Describe { comment: create.comment, properties: create.properties.into_iter().collect() },
            replace: create.or_replace,
        };
        let made = self.change(move |metastore, caller| metastore.create_view(caller, &view)).await;
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }

    pub(super) async fn create_function(&self, create: CreateFunction) -> Result<QueryStream, EngineError> {
        let name = names::object(&create.name, &self.namespace)?;
        let mut parameters = Vec::with_capacity(create.parameters.len());
        for parameter in create.parameters {
            if parameter.default.is_some() {
                return Err(EngineError::Unimplemented("DEFAULT of a function parameter".to_owned()));
            }
            let type_text = canonical_type(&parameter.type_text)?;
            parameters.push(Parameter { name: Name::parse(&parameter.name)?, type_text, comment: parameter.comment });
        }
        let mut body = StoredBody {
            parameters,
            return_type: canonical_type(&create.returns_text)?,
            body: create.body_text,
            namespace: self.namespace.clone(),
            dependencies: Vec::new(),
        };
        self.planner.check_function(&name.to_string(), &body, &self.scope()).await?;
        body.dependencies = self.planner.dependencies().await;
        let describe = Describe { comment: create.comment, ..Describe::default() };
        let function = NewFunction { name, body, describe, replace: create.or_replace };
        let made = self.change(move |metastore, caller| metastore.create_function(caller, &function)).await;
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }
}

fn view_columns(plan: &LogicalPlan, named: &[ViewColumn]) -> Result<Vec<NewColumn>, EngineError> {
    let fields = plan.schema().fields();
    if !named.is_empty() && named.len() != fields.len() {
        let (given, has) = (named.len(), fields.len());
        return Err(EngineError::invalid(format!("the view names {given} columns and its query has {has}")));
    }
    let column = |(at, field): (usize, &std::sync::Arc<arrow::datatypes::Field>)| {
        let given = named.get(at);
        NewColumn {
            name: given.map_or_else(|| field.name().clone(), |g| g.name.clone()),
            type_text: sql_type(field.data_type()),
            nullable: field.is_nullable(),
            comment: given.and_then(|g| g.comment.clone()),
            partition_index: None,
        }
    };
    Ok(fields.iter().enumerate().map(column).collect())
}

/// A type in the words that the catalog keeps.
pub(super) fn canonical_type(text: &str) -> Result<String, EngineError> {
    let parsed = parse_sql_type(text).map_err(|e| EngineError::invalid(e.to_string()))?;
    Ok(sql_type(&parsed))
}

//! Calls of SQL functions: planned as placeholders, then replaced by the body, so that the optimizer sees through them.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::optimizer::utils::NamePreserver;
use lakewarden_catalog::model::FunctionBody;
use sqlparser::ast::{self as sql, Ident, ObjectNamePart, VisitMut, VisitorMut};

use super::{Planner, Scope};
use crate::delta::parse_sql_type;
use crate::error::EngineError;
use crate::governed::inline::{Parameters, inline};
use crate::names;
use crate::statement::{FunctionBody as Body, ObjectName, ParseLimits, parse_function_body};

/// A function with its body planned.
#[derive(Debug, Clone)]
pub(super) struct Call {
    key: String,
    parameters: Parameters,
    result: DataType,
    body: Expr,
}

impl Call {
    /// What stands for the function until its body does.
    pub(super) fn placeholder(&self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(Placeholder {
            name: self.key.clone(),
            signature: match self.parameters.count() {
                0 => Signature::nullary(Volatility::Volatile),
                count => Signature::any(count, Volatility::Volatile),
            },
            result: self.result.clone(),
        }))
    }

    /// The body with arguments for its parameters, as the declared type.
    pub(super) fn inline(&self, arguments: Vec<Expr>, scope: &DFSchema) -> Result<Expr> {
        inline(self.body.clone(), &self.parameters, arguments, scope)
    }
}

/// The functions that a query calls, by the folded parts of the names that it writes.
#[derive(Debug, Default)]
pub(super) struct Calls {
    by_name: HashMap<Vec<String>, Call>,
}

impl Calls {
    pub(super) fn add(&mut self, written: &ObjectName, call: Call) {
        self.by_name.insert(written.folded(), call);
    }

    fn named(&self, key: &str) -> Option<&Call> {
        self.by_name.values().find(|call| call.key == key)
    }
}

impl Planner {
    /// A function that a query calls: the caller (or the owner of what calls it) needs EXECUTE.
    pub(super) async fn function(&self, written: &ObjectName, scope: &Scope) -> Result<Call, EngineError> {
        if written.parts.len() < 3 && scope.namespace.catalog.is_none() {
            return Err(EngineError::Invalid {
                sqlstate: "42883",
                message: format!("there is no function `{written}`"),
            });
        }
        let name = names::object(written, &scope.namespace)?;
        let function = scope.rights.open_function(&name)?;
        scope.require_expected(function.id, written)?;
        self.named(function.id, scope).await;
        if !scope.sealed {
            self.shown.lock().await.insert(function.id);
        }
        let body = function.as_function().ok_or_else(|| EngineError::internal("not a function"))?;
        let rights = scope.rights.as_owner_of(&function);
        let inner = scope.inside(rights, body.namespace.clone(), &body.dependencies)?;
        let full_name = scope.rights.state().full_name(function.id);
        match self.call(&full_name, body, &inner).await {
            Ok(call) => Ok(call),
            Err(error @ (EngineError::Limit(_) | EngineError::Stopped(_) | EngineError::Internal(_))) => Err(error),
            // It was recorded where it happened, under a name that the caller may not see.
            Err(EngineError::Governed(inner)) => {
                Err(EngineError::Governed(crate::governed::ScanFault { label: full_name, reference: inner.reference }))
            }
            // The body may name what its caller may not see.
            Err(other) => {
                let details = DataFusionError::Execution(other.to_string());
                let reference = self.faults.record(&full_name, &details);
                Err(EngineError::Governed(crate::governed::ScanFault { label: full_name, reference }))
            }
        }
    }

    /// Plans the body of a function that is about to be stored, under the rights of who stores it.
    pub async fn check_function(&self, name: &str, body: &FunctionBody, scope: &Scope) -> Result<(), EngineError> {
        self.call(name, body, scope).await.map(drop)
    }

    /// Plans the body of a function over its parameters.
    pub(super) async fn call(&self, name: &str, body: &FunctionBody, scope: &Scope) -> Result<Call, EngineError> {
        let typed = |text: &str| parse_sql_type(text).map_err(|e| EngineError::invalid(e.to_string()));
        let mut parameters = Vec::with_capacity(body.parameters.len());
        for parameter in &body.parameters {
            parameters.push((parameter.name.to_string(), typed(&parameter.type_text)?));
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let parameters = Parameters::new(number, parameters).counted(self.grown.clone());
        let schema = parameters.schema().map_err(|e| EngineError::from_planning(&e))?;
        let expr = match parse_function_body(&body.body, &ParseLimits::default())? {
            Body::Expr(expr) => *expr,
            Body::Query(query) => sql::Expr::Subquery(query),
        };
        let planned = self.expr(&expr, &schema, scope).await?;
        let is_placeholder = |node: &Expr| Ok(matches!(node, Expr::Placeholder(_)));
        if planned.exists(is_placeholder).map_err(|e| EngineError::from_planning(&e))? {
            return Err(EngineError::invalid("the body of a function names its parameters: `?` stands for none"));
        }
        let result = typed(&body.return_type)?;
        let body = planned.cast_to(&result, &schema).map_err(|e| EngineError::from_planning(&e))?;
        Ok(Call { key: name.to_lowercase(), parameters, body, result })
    }
}

/// Gives calls of SQL functions the key of their placeholder for a name.
pub(super) fn rename<N: VisitMut>(node: &mut N, calls: &Calls) {
    let _: ControlFlow<()> = node.visit(&mut Renamed(calls));
}

struct Renamed<'a>(&'a Calls);

impl VisitorMut for Renamed<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut sql::Expr) -> ControlFlow<()> {
        if let sql::Expr::Function(function) = expr
            && let Some(name) = ObjectName::from_sql(&function.name)
        {
            let (key, quote) = match self.0.by_name.get(&name.folded()) {
                Some(call) => (call.key.clone(), Some('`')),
                None => (name.folded().join("."), None),
            };
            let ident = Ident { value: key, quote_style: quote, span: sqlparser::tokenizer::Span::empty() };
            function.name = sql::ObjectName(vec![ObjectNamePart::Identifier(ident)]);
        }
        ControlFlow::Continue(())
    }
}

/// Replaces the placeholders of a plan, in its subqueries too. Names of output columns stay.
pub(super) fn inline_all(plan: LogicalPlan, calls: &Calls) -> Result<LogicalPlan> {
    if calls.by_name.is_empty() {
        return Ok(plan);
    }
    let done = plan.transform_up_with_subqueries(|node| {
        let scope = merge_schema(&node.inputs());
        let preserver = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = preserver.save(&expr);
            let inlined = replace(expr, &scope, calls)?;
            Ok(inlined.update_data(|expr| name.restore(expr)))
        })?;
        if node.transformed { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
    })?;
    Ok(done.data)
}

/// Replaces the placeholders of an expression over a schema, in its subqueries too.
pub(super) fn inline_in_expr(expr: Expr, schema: &DFSchema, calls: &Calls) -> Result<Expr> {
    if calls.by_name.is_empty() {
        return Ok(expr);
    }
    let done = expr.transform_up(|node| match node {
        Expr::ScalarSubquery(mut subquery) => {
            subquery.subquery = Arc::new(inline_all(Arc::unwrap_or_clone(subquery.subquery), calls)?);
            Ok(Transformed::yes(Expr::ScalarSubquery(subquery)))
        }
        Expr::InSubquery(mut list) => {
            list.subquery.subquery = Arc::new(inline_all(Arc::unwrap_or_clone(list.subquery.subquery), calls)?);
            Ok(Transformed::yes(Expr::InSubquery(list)))
        }
        Expr::Exists(mut exists) => {
            exists.subquery.subquery = Arc::new(inline_all(Arc::unwrap_or_clone(exists.subquery.subquery), calls)?);
            Ok(Transformed::yes(Expr::Exists(exists)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(replace(done.data, schema, calls)?.data)
}

fn replace(expr: Expr, scope: &DFSchema, calls: &Calls) -> Result<Transformed<Expr>> {
    expr.transform_up(|node| match node {
        Expr::ScalarFunction(function) => match calls.named(function.func.name()) {
            Some(call) => Ok(Transformed::yes(call.inline(function.args, scope)?)),
            None => Ok(Transformed::no(Expr::ScalarFunction(function))),
        },
        other => Ok(Transformed::no(other)),
    })
}

/// A literal argument of a policy, from its SQL text.
pub(super) fn literal_text(text: &str) -> std::result::Result<Expr, EngineError> {
    match parse_function_body(text, &ParseLimits::default())? {
        Body::Expr(expr) => literal(&expr),
        Body::Query(_) => Err(EngineError::invalid("a policy takes columns and plain literals")),
    }
}

fn literal(expr: &sql::Expr) -> std::result::Result<Expr, EngineError> {
    use datafusion::logical_expr::lit;
    let unfit = || EngineError::invalid("a policy takes columns and plain literals");
    match expr {
        sql::Expr::Value(value) => match &value.value {
            sql::Value::SingleQuotedString(text) | sql::Value::DoubleQuotedString(text) => Ok(lit(text.clone())),
            sql::Value::Boolean(value) => Ok(lit(*value)),
            sql::Value::Null => Ok(Expr::Literal(datafusion::common::ScalarValue::Null, None)),
            sql::Value::Number(text, _) => {
                let whole = text.parse::<i64>().ok().map(lit);
                whole.or_else(|| text.parse::<f64>().ok().map(lit)).ok_or_else(unfit)
            }
            _ => Err(unfit()),
        },
        sql::Expr::UnaryOp { op: sql::UnaryOperator::Minus, expr } => match literal(expr)? {
            Expr::Literal(value, _) => Ok(Expr::Literal(value.arithmetic_negate().map_err(|_| unfit())?, None)),
            _ => Err(unfit()),
        },
        _ => Err(unfit()),
    }
}

/// Stands for a function until its body is put in its place; it is never run.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Placeholder {
    name: String,
    signature: Signature,
    result: DataType,
}

impl ScalarUDFImpl for Placeholder {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("a call of `{}` was not replaced by its body", self.name)
    }
}

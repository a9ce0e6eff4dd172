//! What a query may name, opened: the planner finds relations and functions here and nowhere else.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableFunctionArgs;
use datafusion::common::{DFSchema, TableReference};
use datafusion::config::ConfigOptions;
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::{TableProvider, provider_as_source};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

use super::closed::Closed;

/// The relations and functions of one query, by the folded parts of the names that it writes.
pub(super) struct Sources<'a> {
    state: &'a SessionState,
    relations: HashMap<Vec<String>, (Arc<dyn TableSource>, Closed)>,
    functions: HashMap<String, Arc<ScalarUDF>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(state: &'a SessionState) -> Self {
        Self { state, relations: HashMap::new(), functions: HashMap::new() }
    }

    pub(super) fn add_relation(&mut self, written: Vec<String>, provider: Arc<dyn TableProvider>, closed: Closed) {
        self.relations.insert(written, (provider_as_source(provider), closed));
    }

    /// Whether a relation has columns that may not be named.
    pub(super) fn has_closed(&self) -> bool {
        self.relations.values().any(|(_, closed)| !closed.is_empty())
    }

    /// What of a relation may not be named; none for what is no relation of the catalog.
    pub(super) fn closed_of(&self, source: &Arc<dyn TableSource>) -> Option<&Closed> {
        let same = |own: &Arc<dyn TableSource>| std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(source));
        self.relations.values().find(|(own, _)| same(own)).map(|(_, closed)| closed)
    }

    pub(super) fn add_function(&mut self, function: Arc<ScalarUDF>) {
        self.functions.insert(function.name().to_owned(), function);
    }
}

impl ContextProvider for Sources<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let parts: Vec<String> = name.to_vec().iter().map(|part| part.to_lowercase()).collect();
        let unopened =
            || DataFusionError::Plan(format!("table `{}` does not exist, or you may not see it", parts.join(".")));
        self.relations.get(&parts).map(|(source, _)| source.clone()).ok_or_else(unopened)
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        let unknown = || DataFusionError::Plan(format!("there is no table function `{name}`"));
        let function = self.state.table_functions().get(name).cloned().ok_or_else(unknown)?;
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.state.config_options()))
            .with_query_execution_start_time(self.state.execution_props().query_execution_start_time)
            .build();
        let (simplifier, schema) = (ExprSimplifier::new(context), DFSchema::empty());
        let simple = |arg| simplifier.simplify(simplifier.coerce(arg, &schema)?);
        let args = args.into_iter().map(simple).collect::<Result<Vec<_>>>()?;
        let arguments = TableFunctionArgs::new(&args, self.state);
        Ok(provider_as_source(function.create_table_provider_with_args(arguments)?))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.functions.get(name).or_else(|| self.state.scalar_functions().get(name)).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _variable_names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}

/// Whether the engine has a built-in function of this name.
pub(super) fn is_built_in(state: &SessionState, name: &str) -> bool {
    // The planner knows `unnest` by its name.
    name == "unnest"
        || state.scalar_functions().contains_key(name)
        || state.aggregate_functions().contains_key(name)
        || state.window_functions().contains_key(name)
        || state.table_functions().contains_key(name)
        || state.higher_order_functions().contains_key(name)
}

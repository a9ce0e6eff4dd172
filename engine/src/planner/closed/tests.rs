//! Plans made by hand: what the planner below does not make today counts as naming all that is closed.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::logical_plan::Repartition;
use datafusion::logical_expr::{LogicalPlanBuilder, Partitioning, col};
use datafusion::prelude::SessionContext;

use super::*;

/// The relation `t` with columns `a`, `b` and `c`, of which `b` and `c` are closed.
fn relation() -> (Arc<dyn TableProvider>, Closed) {
    let field = |name: &str| Field::new(name, DataType::Int64, true);
    let schema = Schema::new(vec![field("a"), field("b"), field("c")]);
    let columns = [(1, "b".to_owned()), (2, "c".to_owned())];
    let columns = columns.into_iter().collect();
    let closed = Closed { relation: "table `x.y.t`".to_owned(), columns, masked: Default::default() };
    (Arc::new(EmptyTable::new(Arc::new(schema))), closed)
}

/// The verdict on a plan over a scan of the relation.
fn judged(plan: impl FnOnce(LogicalPlanBuilder) -> LogicalPlan) -> std::result::Result<(), String> {
    let state: SessionState = SessionContext::new().state();
    let mut sources = Sources::new(&state);
    let (provider, closed) = relation();
    sources.add_relation(vec!["t".to_owned()], provider, closed);
    let source = datafusion::logical_expr::planner::ContextProvider::get_table_source(&sources, "t".into()).unwrap();
    let scan = LogicalPlanBuilder::scan("t", source, None).unwrap();
    require_open(&plan(scan), &sources).map_err(|error| error.to_string())
}

const ALL: &str = "permission denied: this needs SELECT on columns `b`, `c` of table `x.y.t`";

#[test]
fn fields_are_followed_to_what_names_them() {
    let named = |column: &str| {
        judged(|scan| scan.filter(col(column).is_null()).unwrap().project([col("a")]).unwrap().build().unwrap())
    };
    assert_eq!(named("a"), Ok(()));
    assert_eq!(named("c").unwrap_err(), "permission denied: this needs SELECT on column `c` of table `x.y.t`");
    // Under another name it is the same column.
    let renamed = judged(|scan| {
        scan.alias("u")
            .unwrap()
            .sort([col("u.b").sort(true, true)])
            .unwrap()
            .project([col("a")])
            .unwrap()
            .build()
            .unwrap()
    });
    assert_eq!(renamed.unwrap_err(), "permission denied: this needs SELECT on column `b` of table `x.y.t`");
}

#[test]
fn what_a_plan_gives_without_a_projection_is_read() {
    assert_eq!(judged(|scan| scan.build().unwrap()).unwrap_err(), ALL);
    assert_eq!(judged(|scan| scan.limit(0, Some(0)).unwrap().build().unwrap()).unwrap_err(), ALL);
}

#[test]
fn a_plan_of_an_unknown_kind_reads_everything() {
    let wrapped = judged(|scan| {
        let input = Arc::new(scan.build().unwrap());
        let node =
            LogicalPlan::Repartition(Repartition { input, partitioning_scheme: Partitioning::RoundRobinBatch(2) });
        LogicalPlanBuilder::from(node).project([col("a")]).unwrap().build().unwrap()
    });
    assert_eq!(wrapped.unwrap_err(), ALL);
    let explained = judged(|scan| scan.project([col("a")]).unwrap().explain(false, false).unwrap().build().unwrap());
    assert_eq!(explained.unwrap_err(), ALL);
}

#[test]
fn a_name_that_is_none_of_the_fields_may_be_any() {
    let field = Arc::new(Field::new("z", DataType::Int64, true));
    let lost = Expr::OuterReferenceColumn(field, Column::from_qualified_name("elsewhere.z"));
    let plan = judged(|scan| scan.filter(lost.is_null()).unwrap().project([col("a")]).unwrap().build().unwrap());
    assert_eq!(plan.unwrap_err(), ALL);
}

#[test]
fn a_relation_that_is_open_is_not_looked_at() {
    let state: SessionState = SessionContext::new().state();
    let mut sources = Sources::new(&state);
    let (provider, _) = relation();
    sources.add_relation(vec!["t".to_owned()], provider.clone(), Closed::default());
    let scan = LogicalPlanBuilder::scan("t", provider_as_source(provider), None).unwrap().build().unwrap();
    assert!(require_open(&scan, &sources).is_ok());
}

#[test]
fn closed_columns_are_refused_in_any_case_of_letters() {
    let (_, closed) = relation();
    let refused = |named: Option<&[&str]>| {
        let named: Option<Vec<String>> = named.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        closed.refuse(Privilege::Modify, named.as_deref()).map_err(|error| error.to_string())
    };
    assert_eq!(refused(Some(&["A"])), Ok(()));
    assert_eq!(refused(Some(&[])), Ok(()));
    let one = "permission denied: this needs MODIFY on column `c` of table `x.y.t`";
    assert_eq!(refused(Some(&["a", "C"])).unwrap_err(), one);
    assert_eq!(refused(None).unwrap_err(), ALL.replace("SELECT", "MODIFY"));
    assert_eq!(closed.places(), BTreeSet::from([1, 2]));
}

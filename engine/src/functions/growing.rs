//! Operators and brackets by which values grow, bounded like the functions that they stand for.
//!
//! DataFusion's parser puts its own functions in place of `[a, b]` and of `||` between arrays, past the registry, and `||` between texts is
//! an operator. Both would make values of any size out of short texts: ten `WITH` items that each say `s || s` make a
//! thousand times the first.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, exec_err, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr as PhysicalBinary, Column};

use crate::runtime::meter::made;
use crate::runtime::weight;

/// Bytes that one `||` may make for one batch of rows.
const MOST_BYTES: usize = 1 << 30;

/// Puts the bounded forms in place. Belongs after all other analyzers, which settle the types.
#[derive(Debug)]
pub struct BoundGrowth {
    functions: HashMap<String, Arc<ScalarUDF>>,
    join: Arc<ScalarUDF>,
}

impl BoundGrowth {
    /// The rule over the functions of a session.
    pub fn new(functions: &[Arc<ScalarUDF>]) -> Self {
        let bounded = ["array_concat", "make_array"];
        let bounded = functions.iter().filter(|function| bounded.contains(&function.name()));
        Self {
            functions: bounded.map(|function| (function.name().to_owned(), Arc::clone(function))).collect(),
            join: Arc::new(ScalarUDF::from(JoinTexts { signature: Signature::any(2, Volatility::Immutable) })),
        }
    }

    fn bounded(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(mut call) => match self.functions.get(call.func.name()) {
                Some(function) if *function != call.func => {
                    call.func = Arc::clone(function);
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
            },
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                let types = (left.get_type(schema).ok(), right.get_type(schema).ok());
                let is_text = matches!(types.0, Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View))
                    && types.0 == types.1;
                Ok(match is_text {
                    true => Transformed::yes(self.join.call(vec![*left, *right])),
                    false => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right })),
                })
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

impl AnalyzerRule for BoundGrowth {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let done = plan.transform_down_with_subqueries(|plan| {
            let mut schema = DFSchema::empty();
            for input in plan.inputs() {
                schema.merge(input.schema());
            }
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let done = expr.transform_up(|expr| self.bounded(expr, &schema))?;
                Ok(done.update_data(|expr| name.restore(expr)))
            })
        })?;
        Ok(done.data)
    }

    fn name(&self) -> &str {
        "bound_growth"
    }
}

/// `a || b` of texts of one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct JoinTexts {
    signature: Signature,
}

impl ScalarUDFImpl for JoinTexts {
    fn name(&self) -> &str {
        "||"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [one, ..] => Ok(one.clone()),
            [] => internal_err!("`||` has two sides"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|side| matches!(side, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let mut bytes = 0_usize;
        for side in &args.args {
            bytes = bytes.saturating_add(match side {
                ColumnarValue::Scalar(value) => weight::of_array(&value.to_array()?).saturating_mul(rows),
                ColumnarValue::Array(array) => weight::of_array(array),
            });
        }
        if bytes > MOST_BYTES {
            return exec_err!("`||` would make {bytes} bytes at once, more than {MOST_BYTES}");
        }
        made(bytes as u64)?;
        let sides = args.args.iter().map(|side| side.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let fields = sides.iter().map(|side| Field::new("side", side.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(schema, sides, &options)?;
        let side = |at| Arc::new(Column::new("side", at)) as Arc<dyn PhysicalExpr>;
        let joined = PhysicalBinary::new(side(0), Operator::StringConcat, side(1)).evaluate(&batch)?;
        match (constant, joined) {
            (true, ColumnarValue::Array(array)) => {
                Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&array, 0)?))
            }
            (_, joined) => Ok(joined),
        }
    }
}

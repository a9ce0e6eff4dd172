//! Parameters of a statement: `?` in the order of the text, or `$1`.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::LogicalPlan;
use sqlparser::ast::{Query, Value, ValueWithSpan, VisitMut, VisitorMut};

use crate::error::EngineError;

/// Gives every `?` the number that its place in the text is.
pub(super) fn number(query: &mut Query) {
    number_from(query, 1);
}

/// Gives every `?` of a part of a statement a number, from this one on; the next number is the answer.
pub(crate) fn number_from(part: &mut impl VisitMut, next: usize) -> usize {
    let mut numbered = Numbered { next };
    let _: ControlFlow<()> = part.visit(&mut numbered);
    numbered.next
}

struct Numbered {
    next: usize,
}

impl VisitorMut for Numbered {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::Placeholder(name) = &mut value.value
            && name == "?"
        {
            *name = format!("${}", self.next);
            self.next += 1;
        }
        ControlFlow::Continue(())
    }
}

/// Puts values for parameters.
pub(super) fn bind(plan: LogicalPlan, values: &[ScalarValue]) -> Result<LogicalPlan, EngineError> {
    if values.is_empty() {
        return Ok(plan);
    }
    let needed = types(&plan)?.len();
    if needed != values.len() {
        let given = values.len();
        return Err(EngineError::invalid(format!(
            "the statement has {needed} parameters and {given} values are given"
        )));
    }
    plan.with_param_values(values.to_vec()).map_err(|e| EngineError::from_planning(&e))
}

/// The types of the parameters, in order, as far as the planner could tell them.
///
/// # Errors
/// When a parameter is named, or their numbers have gaps.
pub(crate) fn types(plan: &LogicalPlan) -> Result<Vec<Option<DataType>>, EngineError> {
    let found = plan.get_parameter_types().map_err(|e| EngineError::from_planning(&e))?;
    let numbered = |n: usize| {
        let missing =
            || EngineError::invalid(format!("parameter ${n} is missing: number them from 1 without gaps, or use ?"));
        found.get(&format!("${n}")).cloned().ok_or_else(missing)
    };
    (1..=found.len()).map(numbered).collect()
}

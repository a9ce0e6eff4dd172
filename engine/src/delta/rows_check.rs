//! Refusing rows that their writer could not read.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::write_error::RowFault;

/// A predicate that fails with [`RowFault::Hidden`] on the first row for which `verdict` is FALSE or NULL, and is TRUE for all others.
///
/// With the row filter of a table as the verdict, over the values as they will be stored, nobody writes a row that they could not read. It
/// is a predicate and no column, since only predicates may hold subqueries.
pub fn require_true(verdict: Expr) -> Expr {
    require(verdict, RowFault::Hidden)
}

/// The same for another fault.
pub fn require(verdict: Expr, fault: RowFault) -> Expr {
    let signature = Signature::exact(vec![DataType::Boolean], Volatility::Volatile);
    ScalarUDF::from(RequireTrue { signature, fault }).call(vec![verdict])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RequireTrue {
    signature: Signature,
    fault: RowFault,
}

impl ScalarUDFImpl for RequireTrue {
    fn name(&self) -> &str {
        "__require_true"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all_pass = match args.args.first() {
            Some(ColumnarValue::Scalar(ScalarValue::Boolean(verdict))) => {
                args.number_rows == 0 || *verdict == Some(true)
            }
            Some(ColumnarValue::Array(verdicts)) => match verdicts.as_boolean_opt() {
                Some(verdicts) => verdicts.null_count() == 0 && verdicts.true_count() == verdicts.len(),
                None => return internal_err!("a row check must be BOOLEAN"),
            },
            _ => return internal_err!("a row check must be BOOLEAN"),
        };
        if all_pass {
            Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))))
        } else {
            Err(self.fault.clone().into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
    use datafusion::logical_expr::col;
    use datafusion::prelude::SessionContext;
    use rstest::rstest;

    use super::*;

    async fn run(verdicts: Vec<Option<bool>>) -> Result<usize> {
        let column: ArrayRef = Arc::new(BooleanArray::from(verdicts));
        let rows = RecordBatch::try_from_iter([("verdict", column)]).unwrap();
        let frame = SessionContext::new().read_batch(rows)?.filter(require_true(col("verdict")))?;
        frame.count().await
    }

    #[rstest]
    #[case(vec![])]
    #[case(vec![Some(true)])]
    #[case(vec![Some(true), Some(true)])]
    #[tokio::test]
    async fn rows_that_pass_stay(#[case] verdicts: Vec<Option<bool>>) {
        let rows = verdicts.len();
        assert_eq!(run(verdicts).await.unwrap(), rows);
    }

    #[rstest]
    #[case(vec![Some(false)])]
    #[case(vec![None])]
    #[case(vec![Some(true), None, Some(true)])]
    #[tokio::test]
    async fn one_row_that_does_not_pass_fails_all(#[case] verdicts: Vec<Option<bool>>) {
        let error = run(verdicts).await.unwrap_err();
        assert_eq!(RowFault::find(&error), Some(&RowFault::Hidden));
    }
}

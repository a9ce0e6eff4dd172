//! Masks on fields of structs: the struct as it is stored, with something else in the place of some of its fields.
//!
//! The column is no pass-through then: nothing that a caller says of it or of any of its fields goes below the masks.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{DFSchema, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::policy::{as_type, guarded_column};

/// A field inside a column and what is shown in its place.
#[derive(Debug, Clone)]
pub struct MaskedField {
    /// The names of the fields on the way to it, as stored.
    pub path: Vec<String>,
    /// What is shown.
    pub value: Expr,
}

/// The fields on the way to one inside a type, by names without case.
///
/// # Errors
/// A plan error when there is no such field, or when it lies inside an array or a map.
pub fn fields_on_path(of: &DataType, path: &[impl AsRef<str>]) -> Result<Vec<FieldRef>> {
    let mut found: Vec<FieldRef> = Vec::with_capacity(path.len());
    for name in path.iter().map(AsRef::as_ref) {
        let outer = found.last().map_or(of, |field| field.data_type());
        match outer {
            DataType::Struct(fields) => match fields.iter().find(|field| is_named(field, name)) {
                Some(field) => found.push(Arc::clone(field)),
                None => return plan_err!("there is no field `{name}`"),
            },
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) | DataType::Map(_, _) => {
                return plan_err!("`{name}` lies inside an array or a map: mask the whole column");
            }
            _ => return plan_err!("there is no field `{name}`: what it would lie in is no struct"),
        }
    }
    Ok(found)
}

fn is_named(field: &Field, name: &str) -> bool {
    field.name().to_lowercase() == name.to_lowercase()
}

/// The stored value of a field of a column of the guarded table.
pub fn guarded_field(column: &str, path: &[String]) -> Expr {
    path.iter().fold(guarded_column(column), |outer, name| get_field(outer, name.clone()))
}

/// The column with its masked fields. `schema` is that of the guarded table.
///
/// # Errors
/// A plan error when a mask can't be shown as its field's type without loss, or one lies inside another.
pub fn masked_struct(column: &str, fields: Vec<MaskedField>, schema: &DFSchema) -> Result<Expr> {
    let of = schema.field_with_unqualified_name(column)?.data_type().clone();
    let (mut paths, mut arguments): (Vec<Vec<String>>, _) = (Vec::new(), vec![guarded_column(column)]);
    for MaskedField { path, value } in fields {
        if paths.iter().any(|other| other.starts_with(&path) || path.starts_with(other)) {
            return plan_err!("a masked field of column {column} lies inside another, or has two masks");
        }
        let on_path = fields_on_path(&of, &path)?;
        let Some(field) = on_path.last() else { return plan_err!("the path of a masked field is empty") };
        arguments.push(as_type(value, schema, field.data_type(), &path.join("."))?);
        paths.push(path);
    }
    Ok(ScalarUDF::from(WithFields { paths, signature: Signature::any(arguments.len(), Volatility::Immutable) })
        .call(arguments))
}

/// `(struct, values..)`: the struct with a value in the place of the field at each path. A struct that is NULL stays NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct WithFields {
    paths: Vec<Vec<String>>,
    signature: Signature,
}

impl ScalarUDFImpl for WithFields {
    fn name(&self) -> &str {
        "with_masked_fields"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let Some(of) = given.first() else { return internal_err!("a masked struct has a struct") };
        self.paths.iter().try_fold(of.clone(), |of, path| with_nullable(&of, path))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some((of, values)) = arrays.split_first() else { return internal_err!("a masked struct has a struct") };
        if values.len() != self.paths.len() {
            return internal_err!("a masked struct has a value for each masked field");
        }
        let masked = values
            .iter()
            .zip(&self.paths)
            .try_fold(Arc::clone(of), |of, (value, path)| replaced(&of, path, value, None))?;
        Ok(ColumnarValue::Array(masked))
    }
}

/// The type whose field at a path may be NULL.
fn with_nullable(of: &DataType, path: &[String]) -> Result<DataType> {
    let (DataType::Struct(fields), Some((name, rest))) = (of, path.split_first()) else {
        return internal_err!("a masked field lies in a struct");
    };
    let changed = |field: &FieldRef| {
        if field.name() != name {
            return Ok(Arc::clone(field));
        }
        let field = field.as_ref().clone();
        Ok(Arc::new(match rest.is_empty() {
            true => field.with_nullable(true),
            false => {
                let inner = with_nullable(field.data_type(), rest)?;
                field.with_data_type(inner)
            }
        }))
    };
    Ok(DataType::Struct(fields.iter().map(changed).collect::<Result<Fields>>()?))
}

/// The array with a value in the place of the field on a path. `outer` says where what it lies in is there: what is NULL has no fields.
fn replaced(of: &ArrayRef, path: &[String], value: &ArrayRef, outer: Option<&NullBuffer>) -> Result<ArrayRef> {
    let Some((name, rest)) = path.split_first() else {
        return Ok(match outer {
            Some(outer) => nullif(value, &BooleanArray::new(!outer.inner(), None))?,
            None => Arc::clone(value),
        });
    };
    let Some(structs) = of.as_struct_opt() else { return internal_err!("a masked field lies in a struct") };
    let (fields, mut columns, nulls) = structs.clone().into_parts();
    let Some(at) = fields.iter().position(|field| field.name() == name) else {
        return internal_err!("a masked field is in its struct");
    };
    let mut fields: Vec<FieldRef> = fields.iter().cloned().collect();
    if let (Some(column), Some(field)) = (columns.get_mut(at), fields.get_mut(at)) {
        *column = replaced(column, rest, value, NullBuffer::union(outer, nulls.as_ref()).as_ref())?;
        let nullable = field.is_nullable() || rest.is_empty();
        *field = Arc::new(field.as_ref().clone().with_data_type(column.data_type().clone()).with_nullable(nullable));
    }
    Ok(Arc::new(StructArray::try_new_with_length(fields.into(), columns, nulls, of.len())?))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray};

    use super::*;

    fn inner() -> ArrayRef {
        let fields = vec![Field::new("street", DataType::Utf8, false), Field::new("number", DataType::Int32, true)];
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringArray::from(vec!["a", "b", "c"])), Arc::new(Int32Array::from(vec![1, 2, 3]))];
        Arc::new(StructArray::new(fields.into(), columns, Some(NullBuffer::from(vec![true, false, true]))))
    }

    fn outer() -> ArrayRef {
        let fields =
            vec![Field::new("name", DataType::Utf8, true), Field::new("home", inner().data_type().clone(), true)];
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec!["x", "y", "z"])), inner()];
        Arc::new(StructArray::new(fields.into(), columns, Some(NullBuffer::from(vec![true, true, false]))))
    }

    #[test]
    fn only_the_field_changes_and_what_is_null_stays_null() {
        let value: ArrayRef = Arc::new(StringArray::from(vec!["*", "*", "*"]));
        let path = ["home".to_owned(), "street".to_owned()];
        let masked = replaced(&outer(), &path, &value, None).unwrap();
        assert_eq!(*masked.data_type(), with_nullable(outer().data_type(), &path).unwrap());
        let outer_struct = masked.as_struct();
        assert_eq!(outer_struct.nulls(), outer().nulls());
        assert_eq!(outer_struct.column(0).as_string::<i32>(), &StringArray::from(vec!["x", "y", "z"]));
        let home = outer_struct.column(1).as_struct();
        assert_eq!(home.nulls(), inner().nulls());
        assert_eq!(home.column(0).as_string::<i32>(), &StringArray::from(vec![Some("*"), None, None]));
        assert_eq!(home.column(1).as_primitive::<arrow::datatypes::Int32Type>(), &Int32Array::from(vec![1, 2, 3]));
    }

    #[test]
    fn a_path_is_found_without_case_and_ends_at_arrays() {
        let path = fields_on_path(outer().data_type(), &["HOME", "Street"]).unwrap();
        assert_eq!(path.iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["home", "street"]);
        assert!(fields_on_path(outer().data_type(), &["home", "town"]).is_err());
        assert!(fields_on_path(outer().data_type(), &["name", "first"]).is_err());
        let list = DataType::new_list(outer().data_type().clone(), true);
        let said = fields_on_path(&list, &["home"]).unwrap_err().to_string();
        assert!(said.contains("mask the whole column"), "{said}");
    }
}

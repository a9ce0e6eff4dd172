//! Who asks: `current_user()` and its kin.
//!
//! They are constants of one statement. A plan that holds them belongs to one caller, so plans are never kept across statements.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{AsArray, new_empty_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

/// The caller of a statement as functions see them.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name of the principal.
    pub user_name: String,
    /// Lower-case names of all groups that the principal is in, nested ones too.
    pub groups: Arc<HashSet<String>>,
    /// The session's catalog.
    pub catalog: Option<String>,
    /// The session's schema.
    pub schema: Option<String>,
    /// The name of the metastore.
    pub metastore: Option<String>,
    /// The properties of the recipient of a share that asks; none for everybody else.
    pub recipient: Option<Arc<RecipientProperties>>,
}

/// What is known of the recipient of a share, by lower-case keys.
pub type RecipientProperties = BTreeMap<String, String>;

impl Identity {
    /// Nobody in particular: for work of the engine itself. No name, no groups.
    pub fn nobody() -> Self {
        Self {
            user_name: String::new(),
            groups: Arc::default(),
            catalog: None,
            schema: None,
            metastore: None,
            recipient: None,
        }
    }

    fn is_member(&self, group: &str) -> bool {
        self.groups.contains(&group.to_lowercase())
    }

    fn recipient_property(&self, key: &str) -> Option<&String> {
        self.recipient.as_ref()?.get(&key.to_lowercase())
    }
}

/// Groups stay out of plans that are printed.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.user_name.hash(state);
    }
}

/// The identity functions of one statement.
pub(super) fn functions(identity: &Identity) -> Vec<Arc<ScalarUDF>> {
    let constant = |name, aliases: &[&str], value: Option<&String>| {
        let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        let signature = Signature::nullary(Volatility::Stable);
        Arc::new(ScalarUDF::from(Constant { name, aliases, value: value.cloned(), signature }))
    };
    let lookup = |name, known| {
        let one_of = vec![TypeSignature::String(1), TypeSignature::Exact(vec![DataType::Null])];
        let signature = Signature::one_of(one_of, Volatility::Stable);
        Arc::new(ScalarUDF::from(Lookup { name, known, identity: identity.clone(), signature }))
    };
    vec![
        constant("current_user", &["user"], Some(&identity.user_name)),
        constant("session_user", &[], Some(&identity.user_name)),
        constant("current_catalog", &[], identity.catalog.as_ref()),
        constant("current_schema", &["current_database"], identity.schema.as_ref()),
        constant("current_metastore", &[], identity.metastore.as_ref()),
        lookup("is_member", Known::Member),
        lookup("is_account_group_member", Known::Member),
        lookup("current_recipient", Known::RecipientProperty),
    ]
}

/// A function without arguments that always gives the same text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    name: &'static str,
    aliases: Vec<String>,
    value: Option<String>,
    signature: Signature,
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::Utf8(self.value.clone())))
    }

    fn simplify(&self, _: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(ScalarValue::Utf8(self.value.clone()), None)))
    }
}

/// What the identity knows under a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Known {
    /// Whether the caller is in the group; false for a group that doesn't exist.
    Member,
    /// A property of the recipient who asks; NULL for who is none.
    RecipientProperty,
}

/// A function of one text. NULL for NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Lookup {
    name: &'static str,
    known: Known,
    identity: Identity,
    signature: Signature,
}

impl Lookup {
    fn answer(&self, asked: Option<&str>) -> ScalarValue {
        match self.known {
            Known::Member => ScalarValue::Boolean(asked.map(|group| self.identity.is_member(group))),
            Known::RecipientProperty => {
                ScalarValue::Utf8(asked.and_then(|key| self.identity.recipient_property(key)).cloned())
            }
        }
    }
}

impl ScalarUDFImpl for Lookup {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.known {
            Known::Member => DataType::Boolean,
            Known::RecipientProperty => DataType::Utf8,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [asked] = args.args.as_slice() else { return internal_err!("{} takes one argument", self.name) };
        if let ColumnarValue::Scalar(value) = asked {
            return Ok(ColumnarValue::Scalar(self.answer(text(value)?.as_deref())));
        }
        if args.number_rows == 0 {
            return Ok(ColumnarValue::Array(new_empty_array(args.return_type())));
        }
        let asked = cast(&asked.to_array(args.number_rows)?, &DataType::Utf8)?;
        let answers = asked.as_string::<i32>().iter().map(|asked| self.answer(asked));
        Ok(ColumnarValue::Array(ScalarValue::iter_to_array(answers)?))
    }

    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let answer = match args.as_slice() {
            [Expr::Literal(value, _)] => self.answer(text(value)?.as_deref()),
            _ => return Ok(ExprSimplifyResult::Original(args)),
        };
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(answer, None)))
    }
}

fn text(value: &ScalarValue) -> Result<Option<String>> {
    match value.cast_to(&DataType::Utf8)? {
        ScalarValue::Utf8(text) => Ok(text),
        _ => internal_err!("a text stays a text"),
    }
}

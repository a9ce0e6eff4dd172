//! `tokenize`: a value's stand-in under a key that no statement can read.
//!
//! Equal values of one domain have one token on one server, so that tokens can be joined and counted; without the key nobody can tell which
//! value a token stands for by trying values elsewhere. Whoever may call the function with the same domain can try them here.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use aws_lc_rs::hmac;
use datafusion::common::not_impl_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::masks::{bytes, hex};
use super::native::{Takes, coerced, each_text, invoked, text, texts};

const NAME: &str = "tokenize";
const TAKES: &[Takes] = &[Takes::Bytes, Takes::Text];

/// The key of `tokenize`. It prints as nothing.
#[derive(Clone)]
pub struct TokenKey(Arc<hmac::Key>);

impl TokenKey {
    /// Bytes that a key has.
    pub const BYTES: usize = 32;

    /// A key of these bytes.
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// The token of a value. The domain's length goes before it, so that no two pairs are written alike.
    fn token(&self, domain: &str, value: &[u8]) -> String {
        let mut signing = hmac::Context::with_key(&self.0);
        signing.update(&(domain.len() as u64).to_be_bytes());
        signing.update(domain.as_bytes());
        signing.update(value);
        hex(signing.sign().as_ref())
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey")
    }
}

/// `tokenize(value[, domain])`. Without a key it is there and says that it isn't built.
pub(super) fn function(key: Option<TokenKey>) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Tokenize { key, signature: Signature::user_defined(Volatility::Immutable) }))
}

#[derive(Debug)]
struct Tokenize {
    key: Option<TokenKey>,
    signature: Signature,
}

/// An engine has one.
impl PartialEq for Tokenize {
    fn eq(&self, other: &Self) -> bool {
        match (&self.key, &other.key) {
            (Some(own), Some(other)) => Arc::ptr_eq(&own.0, &other.0),
            (own, other) => own.is_none() && other.is_none(),
        }
    }
}

impl Eq for Tokenize {}

impl Hash for Tokenize {
    fn hash<H: Hasher>(&self, state: &mut H) {
        NAME.hash(state);
    }
}

impl ScalarUDFImpl for Tokenize {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        match self.key {
            Some(_) => Ok(DataType::Utf8View),
            None => not_impl_err!("tokenize without a key in the server's configuration"),
        }
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerced(NAME, TAKES, 1, given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(key) = &self.key else { return not_impl_err!("tokenize without a key") };
        invoked(&args, |args| tokens(key, args))
    }
}

fn tokens(key: &TokenKey, args: &[ArrayRef]) -> Result<ArrayRef> {
    each_text(args, |row| {
        let domain = match texts(args, 1) {
            Some(given) => text(Some(given), row),
            None => Some(""),
        };
        Ok(domain.and_then(|domain| bytes(args, row).map(|value| key.token(domain, value))))
    })
}

//! Tags: keys with values on securables and columns, and the governed ones, whose values are listed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Text;
use crate::CatalogError;

/// The most tags on one securable or column. Source: Unity Catalog's limits.
pub const MAX_TAGS: usize = 50;
const MAX_KEY_CHARS: usize = 255;
const MAX_VALUE_CHARS: usize = 1_000;
/// What a key may not hold. Source: Unity Catalog's rules for tag names.
const NOT_IN_KEYS: &str = ".,-=/:";

/// The tags of one securable or column, by key. Keys are compared with case; a value may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Text, Text>", into = "BTreeMap<Text, Text>")]
pub struct Tags(Vec<(Text, Text)>);

impl Tags {
    /// The value of a tag.
    pub fn get(&self, key: &str) -> Option<&Text> {
        self.place(key).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// The tags, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Text)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a tag in place of the one of this key before.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        match self.place(key) {
            Ok(at) => self.0.iter_mut().skip(at).take(1).for_each(|tag| tag.1 = value.into()),
            Err(at) => self.0.insert(at, (key.into(), value.into())),
        }
    }

    /// Takes a tag away.
    pub(crate) fn unset(&mut self, key: &str) {
        self.0.retain(|(tag, _)| tag.as_str() != key);
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(tag, _)| tag.as_str().cmp(key))
    }
}

impl From<BTreeMap<Text, Text>> for Tags {
    fn from(tags: BTreeMap<Text, Text>) -> Self {
        Self(tags.into_iter().collect())
    }
}

impl From<Tags> for BTreeMap<Text, Text> {
    fn from(tags: Tags) -> Self {
        tags.0.into_iter().collect()
    }
}

/// What a governed tag adds: the values that it may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagBody {
    /// The values, in the order in which they were given; when there are none, every value is allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Text>,
}

impl TagBody {
    /// Whether the tag may take a value.
    pub fn allows(&self, value: &str) -> bool {
        self.values.is_empty() || self.values.iter().any(|allowed| allowed.as_str() == value)
    }
}

/// Checks the key of a tag.
///
/// # Errors
/// `InvalidArgument` when it is empty, too long, starts or ends with a blank, or holds one of `.,-=/:` or a control
/// character.
pub fn require_tag_key(key: &str) -> Result<(), CatalogError> {
    let fault = if key.is_empty() {
        "is empty"
    } else if key.chars().count() > MAX_KEY_CHARS {
        "is longer than 255 characters"
    } else if key.trim() != key {
        "starts or ends with a blank"
    } else if key.chars().any(|c| c.is_control() || NOT_IN_KEYS.contains(c)) {
        "holds one of `.,-=/:` or a control character"
    } else {
        return Ok(());
    };
    Err(CatalogError::invalid("tags", format!("tag key `{}` {fault}", key.escape_debug())))
}

/// Checks the value of a tag.
///
/// # Errors
/// `InvalidArgument` when it is longer than 1000 characters or holds a control character.
pub fn require_tag_value(key: &str, value: &str) -> Result<(), CatalogError> {
    let fault = if value.chars().count() > MAX_VALUE_CHARS {
        "is longer than 1000 characters"
    } else if value.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return Ok(());
    };
    Err(CatalogError::invalid("tags", format!("the value of tag `{}` {fault}", key.escape_debug())))
}

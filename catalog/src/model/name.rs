//! Names: one checked part, folded once, and dotted names of up to three parts.
//!
//! Text becomes a name only at an edge. Names are compared without regard to case and shown as they were given.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// The longest name, in characters. Source: Unity Catalog object name limits.
const MAX_NAME_CHARS: usize = 255;

/// One part of a name: shown as given, compared by its folded (lower-case) form.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name {
    shown: Arc<str>,
    folded: Arc<str>,
}

/// A text and its folded form, which most texts share with it.
fn shown_and_folded(text: &str) -> (Arc<str>, Arc<str>) {
    let (shown, folded): (Arc<str>, _) = (text.into(), text.to_lowercase());
    let folded = if folded == text { shown.clone() } else { folded.into() };
    (shown, folded)
}

impl Name {
    /// Checks and folds one part of a name.
    ///
    /// # Errors
    /// `InvalidArgument` when it is empty, longer than 255 characters, or holds a blank, dot, slash or control character.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let fault = if text.is_empty() {
            Some("is empty")
        } else if text.chars().count() > MAX_NAME_CHARS {
            Some("is longer than 255 characters")
        } else if text.chars().any(|c| c == '.' || c == '/' || c.is_whitespace() || c.is_control()) {
            Some("holds a blank, dot, slash or control character")
        } else {
            None
        };
        match fault {
            Some(why) => Err(CatalogError::invalid("name", format!("name `{}` {why}", text.escape_debug()))),
            None => {
                let (shown, folded) = shown_and_folded(text);
                Ok(Self { shown, folded })
            }
        }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form in which names are compared.
    pub fn folded(&self) -> &Arc<str> {
        &self.folded
    }
}

impl TryFrom<String> for Name {
    type Error = CatalogError;

    fn try_from(text: String) -> Result<Self, CatalogError> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.shown.to_string()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.shown)
    }
}

/// A dotted name of one to three parts: `catalog`, `catalog.schema` or `catalog.schema.object`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FullName(Vec<Name>);

impl FullName {
    /// Checks the parts of a dotted name.
    ///
    /// # Errors
    /// `InvalidArgument` when there are none or more than three, or a part is not a name.
    pub fn from_parts<S: AsRef<str>>(parts: &[S]) -> Result<Self, CatalogError> {
        if parts.is_empty() || parts.len() > 3 {
            let text = parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(".");
            return Err(CatalogError::invalid(
                "name",
                format!("`{}` is not a name of one to three parts, as in catalog.schema.table", text.escape_debug()),
            ));
        }
        Ok(Self(parts.iter().map(|part| Name::parse(part.as_ref())).collect::<Result<_, _>>()?))
    }

    /// Splits a dotted name as people type it; a part may stand in backticks.
    ///
    /// # Errors
    /// As `from_parts`; also when a backtick is not closed.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        Self::from_parts(&split_parts(text)?)
    }

    /// The parts, outermost first.
    pub fn parts(&self) -> &[Name] {
        &self.0
    }

    /// The name of something inside this one.
    pub fn child(&self, name: &Name) -> Self {
        Self(self.0.iter().chain([name]).cloned().collect())
    }

    /// The last part.
    pub fn last(&self) -> Option<&Name> {
        self.0.last()
    }

    /// All but the last part, when there is more than one.
    pub fn parent(&self) -> Option<Self> {
        match self.0.split_last() {
            Some((_, rest)) if !rest.is_empty() => Some(Self(rest.to_vec())),
            _ => None,
        }
    }
}

fn split_parts(text: &str) -> Result<Vec<String>, CatalogError> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '`' if quoted && chars.peek() == Some(&'`') => {
                chars.next();
                push(&mut parts, '`');
            }
            '`' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c => push(&mut parts, c),
        }
    }
    if quoted {
        let message = format!("`{}` has a backtick that is not closed", text.escape_debug());
        return Err(CatalogError::invalid("name", message));
    }
    Ok(parts)
}

fn push(parts: &mut [String], c: char) {
    if let Some(last) = parts.last_mut() {
        last.push(c);
    }
}

impl fmt::Display for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            f.write_str(part.as_str())?;
        }
        Ok(())
    }
}

/// The name of a principal: an e-mail, a group name (blanks allowed) or an application id. Compared without case.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrincipalName {
    shown: Arc<str>,
    folded: Arc<str>,
}

impl PrincipalName {
    /// Checks and folds the name of a principal.
    ///
    /// # Errors
    /// `InvalidArgument` when it is empty, longer than 255 characters, starts or ends with a blank, or holds a control
    /// character.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let fault = if text.is_empty() {
            Some("is empty")
        } else if text.chars().count() > MAX_NAME_CHARS {
            Some("is longer than 255 characters")
        } else if text.trim() != text {
            Some("starts or ends with a blank")
        } else if text.chars().any(char::is_control) {
            Some("holds a control character")
        } else {
            None
        };
        match fault {
            Some(why) => {
                Err(CatalogError::invalid("principal", format!("principal name `{}` {why}", text.escape_debug())))
            }
            None => {
                let (shown, folded) = shown_and_folded(text);
                Ok(Self { shown, folded })
            }
        }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form in which names are compared.
    pub fn folded(&self) -> &Arc<str> {
        &self.folded
    }
}

impl TryFrom<String> for PrincipalName {
    type Error = CatalogError;

    fn try_from(text: String) -> Result<Self, CatalogError> {
        Self::parse(&text)
    }
}

impl From<PrincipalName> for String {
    fn from(name: PrincipalName) -> Self {
        name.shown.to_string()
    }
}

impl PartialEq for PrincipalName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for PrincipalName {}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.shown)
    }
}

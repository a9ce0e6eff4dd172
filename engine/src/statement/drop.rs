//! `DROP` of catalog objects.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::{ObjectKind, ObjectName};
use super::storage::drops_by_force;
use super::tag::tag_word;

/// `DROP kind [IF EXISTS] name [RESTRICT | CASCADE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop {
    /// One of `Catalog`, `Schema`, `Table`, `View`, `Function`, `Volume`, `ExternalLocation`, `StorageCredential`, `Tag`.
    pub kind: ObjectKind,
    /// Whether an absent one is fine.
    pub if_exists: bool,
    /// Its name.
    pub name: ObjectName,
    /// `CASCADE`: with all that is inside. Without it, or with `RESTRICT`, it has to be empty. For an external location or a
    /// storage credential, `FORCE`: also when it is in use.
    pub cascade: bool,
}

/// The kinds that `DROP` is built for.
const KINDS: &[ObjectKind] = &[
    ObjectKind::Catalog,
    ObjectKind::Schema,
    ObjectKind::Table,
    ObjectKind::View,
    ObjectKind::Function,
    ObjectKind::Volume,
    ObjectKind::ExternalLocation,
    ObjectKind::StorageCredential,
    ObjectKind::Tag,
];

/// The rest of `DROP`, for an object that is no principal.
pub(super) fn drop_object(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    if cursor.is_word(0, "TEMPORARY") || cursor.is_word(0, "TEMP") {
        return Err(ParseError::unsupported("temporary objects"));
    }
    let Some(kind) = cursor.kind() else {
        return Err(cursor.unexpected("what to drop (CATALOG, SCHEMA, TABLE, VIEW, FUNCTION, VOLUME, USER, GROUP)"));
    };
    if !KINDS.contains(&kind) {
        return Err(ParseError::unsupported(format!("DROP {}", kind.word().to_uppercase())));
    }
    let if_exists = cursor.if_exists();
    let name = cursor.name_of(kind)?;
    if matches!(cursor.peek(0), Token::Comma) {
        return Err(ParseError::unsupported("DROP of several objects at once"));
    }
    if cursor.is_word(0, "PURGE") {
        return Err(ParseError::unsupported("DROP TABLE … PURGE"));
    }
    let cascade = if drops_by_force(kind) {
        cursor.eat("FORCE")
    } else {
        cursor.eat_any(&["CASCADE", "RESTRICT"]) == Some("CASCADE")
    };
    Ok(Statement::Drop(Drop { kind, if_exists, name, cascade }))
}

impl Cursor<'_> {
    /// The name of an object of a kind. A tag is one word, or anything in quotes.
    pub(super) fn name_of(&mut self, kind: ObjectKind) -> Result<ObjectName, ParseError> {
        match kind {
            ObjectKind::Tag => Ok(ObjectName::new([tag_word(self, "a tag")?])),
            _ => self.object_name(&format!("a {kind}")),
        }
    }

    /// Steps over the words of an object kind, if they come next.
    pub(super) fn kind(&mut self) -> Option<ObjectKind> {
        let found = ObjectKind::WORDS.iter().find(|(_, words)| self.is_words(words));
        found.map(|(kind, words)| {
            words.iter().for_each(|_| self.skip());
            *kind
        })
    }

    /// Like [`Self::kind`], but a kind's word that is itself a name (nothing follows it that could be one) stays.
    /// `ends` are the words that may follow a name.
    pub(super) fn kind_before_name(&mut self, ends: &[&str]) -> Option<ObjectKind> {
        let (kind, words) = ObjectKind::WORDS.iter().find(|(_, words)| self.is_words(words))?;
        let next = words.len();
        let ends_here = matches!(self.peek(next), Token::EOF) || ends.iter().any(|word| self.is_word(next, word));
        let goes_on = matches!(self.peek(next), Token::Period);
        if goes_on || (ends_here && !kind.is_nameless()) {
            return None;
        }
        words.iter().for_each(|_| self.skip());
        Some(*kind)
    }
}

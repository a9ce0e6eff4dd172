//! Users, groups and service principals.

use std::fmt;

use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;

/// The kinds of principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A group of principals.
    Group,
    /// A program.
    ServicePrincipal,
}

/// `CREATE {USER | GROUP | SERVICE PRINCIPAL} [IF NOT EXISTS] name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePrincipal {
    /// Its kind.
    pub kind: PrincipalKind,
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name.
    pub name: String,
}

/// `DROP {USER | GROUP | SERVICE PRINCIPAL} [IF EXISTS] name [RESTRICT | CASCADE | REASSIGN OWNED TO heir]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropPrincipal {
    /// Its kind.
    pub kind: PrincipalKind,
    /// Whether an absent one is fine.
    pub if_exists: bool,
    /// Its name.
    pub name: String,
    /// What becomes of what it owns and holds.
    pub leftovers: Leftovers,
}

/// What becomes of what a dropped principal owns and holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftovers {
    /// `RESTRICT`, or no word: it must own and hold nothing.
    Restrict,
    /// `CASCADE`: what it holds goes; it must own nothing.
    Cascade,
    /// `REASSIGN OWNED TO heir`: the heir owns what it owned; what it holds goes.
    Reassign(String),
}

/// `ALTER {USER | GROUP | SERVICE PRINCIPAL} name ..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterPrincipal {
    /// Its kind.
    pub kind: PrincipalKind,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub action: PrincipalAction,
}

/// A change of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalAction {
    /// `ALTER GROUP g ADD [USER | GROUP | SERVICE PRINCIPAL] m, …`.
    AddMembers(Vec<Member>),
    /// `ALTER GROUP g {DROP | REMOVE} [USER | GROUP | SERVICE PRINCIPAL] m, …`.
    RemoveMembers(Vec<Member>),
    /// `RENAME TO name`.
    RenameTo(String),
}

/// A member named in `ALTER GROUP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its kind when said.
    pub kind: Option<PrincipalKind>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
            Self::ServicePrincipal => "service principal",
        })
    }
}

impl Cursor<'_> {
    /// Steps over the words of a principal kind, if they come next.
    pub(super) fn principal_kind(&mut self) -> Option<PrincipalKind> {
        if self.eat_all(&["SERVICE", "PRINCIPAL"]) {
            return Some(PrincipalKind::ServicePrincipal);
        }
        self.eat_any(&["USER", "GROUP"])
            .map(|word| if word == "USER" { PrincipalKind::User } else { PrincipalKind::Group })
    }

    /// A principal: a word, anything in backticks, a string, or a bare e-mail address.
    pub(super) fn principal(&mut self, expected: &str) -> Result<String, ParseError> {
        if let Some(name) = self.maybe_string() {
            return if name.is_empty() { Err(self.error("a name may not be empty")) } else { Ok(name) };
        }
        let mark = self.mark();
        let is_bare = self.bare_word(0).is_some();
        let name = self.ident(expected)?;
        let glue = |token: &Token| matches!(token, Token::AtSign | Token::Period | Token::Minus | Token::Plus);
        if !is_bare || !self.is_glued() || !glue(self.peek(0)) {
            return Ok(name);
        }
        let mut has_at = false;
        while self.is_glued() && (glue(self.peek(0)) || self.bare_word(0).is_some()) {
            has_at |= matches!(self.peek(0), Token::AtSign);
            self.skip();
        }
        if !has_at {
            return Err(
                self.error("a principal that is not a plain word or an e-mail address has to stand in backticks")
            );
        }
        Ok(self.text_since(mark))
    }
}

/// The rest of `CREATE {USER | GROUP | SERVICE PRINCIPAL}`.
pub(super) fn create_principal(cursor: &mut Cursor<'_>, kind: PrincipalKind) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    let name = cursor.principal(&format!("a {kind}"))?;
    if cursor.is_words(&["WITH", "PASSWORD"]) || cursor.is_word(0, "PASSWORD") {
        return Err(ParseError::unsupported("a password (principals prove who they are with tokens)"));
    }
    if cursor.is_word(0, "WITH") {
        return Err(ParseError::unsupported("CREATE GROUP … WITH: use ALTER GROUP … ADD"));
    }
    Ok(Statement::CreatePrincipal(CreatePrincipal { kind, if_not_exists, name }))
}

/// The rest of `DROP {USER | GROUP | SERVICE PRINCIPAL}`.
pub(super) fn drop_principal(cursor: &mut Cursor<'_>, kind: PrincipalKind) -> Result<Statement, ParseError> {
    let if_exists = cursor.if_exists();
    let name = cursor.principal(&format!("a {kind}"))?;
    let leftovers = match cursor.eat_any(&["RESTRICT", "CASCADE"]) {
        Some("CASCADE") => Leftovers::Cascade,
        None if cursor.eat_all(&["REASSIGN", "OWNED", "TO"]) => Leftovers::Reassign(cursor.principal("a principal")?),
        _ => Leftovers::Restrict,
    };
    Ok(Statement::DropPrincipal(DropPrincipal { kind, if_exists, name, leftovers }))
}

/// The rest of `ALTER {USER | GROUP | SERVICE PRINCIPAL}`.
pub(super) fn alter_principal(cursor: &mut Cursor<'_>, kind: PrincipalKind) -> Result<Statement, ParseError> {
    let name = cursor.principal(&format!("a {kind}"))?;
    let action = if cursor.eat_all(&["RENAME", "TO"]) {
        PrincipalAction::RenameTo(cursor.principal("the new name")?)
    } else if kind == PrincipalKind::Group && cursor.eat("ADD") {
        PrincipalAction::AddMembers(members(cursor)?)
    } else if kind == PrincipalKind::Group && cursor.eat_any(&["DROP", "REMOVE"]).is_some() {
        PrincipalAction::RemoveMembers(members(cursor)?)
    } else if cursor.is_words(&["SET", "ROLE"]) {
        return Err(ParseError::unsupported("ROLE (groups are what roles are elsewhere)"));
    } else if cursor.is_word(0, "SET") || cursor.is_word(0, "WITH") {
        return Err(ParseError::unsupported(format!("ALTER {} … SET", kind.to_string().to_uppercase())));
    } else {
        return Err(cursor.unexpected("`ADD`, `DROP` or `RENAME TO`"));
    };
    Ok(Statement::AlterPrincipal(AlterPrincipal { kind, name, action }))
}

/// `[kind] name {, [kind] name}`: a kind holds for the names after it.
fn members(cursor: &mut Cursor<'_>) -> Result<Vec<Member>, ParseError> {
    let mut kind = None;
    cursor.list(|cursor| {
        let follows_name = !matches!(cursor.peek(1), Token::EOF | Token::Comma);
        if follows_name && let Some(said) = cursor.principal_kind() {
            kind = Some(said);
        }
        Ok(Member { kind, name: cursor.principal("a member")? })
    })
}

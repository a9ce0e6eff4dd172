//! Catalogs and schemas: creating them and working inside them.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::ObjectName;

/// `USE ..` and `SET CATALOG ..`: the names that later statements start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// `USE CATALOG c`, `SET CATALOG c`.
    Catalog(String),
    /// `USE SCHEMA s`, `USE DATABASE c.s`: one or two parts.
    Schema(ObjectName),
    /// `USE x`, `USE c.s`: a schema, or with one part whichever of schema and catalog there is.
    Auto(ObjectName),
}

/// `CREATE CATALOG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCatalog {
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name.
    pub name: String,
    /// `MANAGED LOCATION 'url'`.
    pub managed_location: Option<String>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
}

/// `CREATE SCHEMA` or `CREATE DATABASE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSchema {
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name, one or two parts.
    pub name: ObjectName,
    /// `MANAGED LOCATION 'url'` or `LOCATION 'url'`.
    pub managed_location: Option<String>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
    /// `WITH DBPROPERTIES (..)`.
    pub properties: Vec<(String, String)>,
}

/// The rest of `USE`.
pub(super) fn use_statement(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let names_kind = !matches!(cursor.peek(1), Token::EOF | Token::Period);
    if names_kind && cursor.eat("CATALOG") {
        return Ok(Statement::Use(Use::Catalog(catalog_name(cursor)?)));
    }
    if names_kind && cursor.eat_any(&["SCHEMA", "DATABASE"]).is_some() {
        let name = cursor.object_name("a schema")?;
        return Ok(Statement::Use(Use::Schema(at_most(cursor, name, 2)?)));
    }
    let name = cursor.object_name("a catalog or schema")?;
    Ok(Statement::Use(Use::Auto(at_most(cursor, name, 2)?)))
}

/// The rest of `SET`: only `SET CATALOG` is built.
pub(super) fn set_statement(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    if !matches!(cursor.peek(1), Token::Eq | Token::Period | Token::EOF) && cursor.eat("CATALOG") {
        return Ok(Statement::Use(Use::Catalog(catalog_name(cursor)?)));
    }
    Err(ParseError::unsupported("SET of a setting"))
}

fn catalog_name(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    match cursor.maybe_string() {
        Some(name) if !name.is_empty() => Ok(name),
        Some(_) => Err(cursor.error("a name may not be empty")),
        None => cursor.ident("a catalog"),
    }
}

/// Requires a name of few enough parts.
pub(super) fn at_most(cursor: &Cursor<'_>, name: ObjectName, parts: usize) -> Result<ObjectName, ParseError> {
    if name.parts.len() <= parts {
        return Ok(name);
    }
    Err(cursor.error(format!("the name `{name}` has more than {parts} parts")))
}

/// The rest of `CREATE CATALOG`.
pub(super) fn create_catalog(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    let mut made =
        CreateCatalog { if_not_exists, name: cursor.ident("a catalog")?, managed_location: None, comment: None };
    loop {
        if cursor.eat("COMMENT") {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut made.comment, text, "COMMENT")?;
        } else if cursor.eat_all(&["MANAGED", "LOCATION"]) {
            let url = cursor.string("a location string")?;
            once(cursor, &mut made.managed_location, url, "MANAGED LOCATION")?;
        } else if cursor.eat("USING") {
            return Err(ParseError::unsupported("CREATE CATALOG … USING SHARE"));
        } else if cursor.eat("OPTIONS") {
            return Err(ParseError::unsupported("CREATE CATALOG … OPTIONS"));
        } else if cursor.eat_all(&["DEFAULT", "COLLATION"]) {
            return Err(ParseError::unsupported("DEFAULT COLLATION"));
        } else {
            return Ok(Statement::CreateCatalog(made));
        }
    }
}

/// The rest of `CREATE SCHEMA`.
pub(super) fn create_schema(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    let name = cursor.object_name("a schema")?;
    let name = at_most(cursor, name, 2)?;
    let mut made = CreateSchema { if_not_exists, name, managed_location: None, comment: None, properties: vec![] };
    loop {
        if cursor.eat("COMMENT") {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut made.comment, text, "COMMENT")?;
        } else if cursor.eat_all(&["MANAGED", "LOCATION"]) || cursor.eat("LOCATION") {
            let url = cursor.string("a location string")?;
            once(cursor, &mut made.managed_location, url, "LOCATION")?;
        } else if cursor.eat_all(&["WITH", "DBPROPERTIES"]) {
            made.properties.extend(properties(cursor)?);
        } else if cursor.eat_all(&["DEFAULT", "COLLATION"]) {
            return Err(ParseError::unsupported("DEFAULT COLLATION"));
        } else {
            return Ok(Statement::CreateSchema(made));
        }
    }
}

/// Sets a clause that may stand only once.
pub(super) fn once<T>(cursor: &Cursor<'_>, slot: &mut Option<T>, value: T, clause: &str) -> Result<(), ParseError> {
    if slot.replace(value).is_some() {
        return Err(cursor.error(format!("{clause} stands twice")));
    }
    Ok(())
}

/// `( key [=] value, … )`, keys as strings or dotted words, values as strings, numbers or true and false.
pub(super) fn properties(cursor: &mut Cursor<'_>) -> Result<Vec<(String, String)>, ParseError> {
    cursor.parenthesized(|cursor| {
        let key = property_key(cursor)?;
        cursor.eat_token(&Token::Eq);
        Ok((key, property_value(cursor)?))
    })
}

/// A property's key: a string, or dotted words.
pub(super) fn property_key(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    match cursor.maybe_string() {
        Some(key) => Ok(key),
        None => Ok(cursor.object_name("a property")?.parts.join(".")),
    }
}

fn property_value(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    if let Some(text) = cursor.maybe_string() {
        return Ok(text);
    }
    let mark = cursor.mark();
    cursor.eat_token(&Token::Minus);
    if matches!(cursor.peek(0), Token::Number(..)) || cursor.is_word(0, "TRUE") || cursor.is_word(0, "FALSE") {
        cursor.skip();
        return Ok(cursor.text_since(mark));
    }
    Err(cursor.unexpected("a property's value"))
}

//! `CREATE TABLE`.

use super::Statement;
use super::column::{ColumnSpec, column_list};
use super::cursor::Cursor;
use super::error::ParseError;
use super::limits::ParseLimits;
use super::name::ObjectName;
use super::namespace::{once, properties};
use super::parse_query;
use super::policy::{RowFilterSpec, row_filter};
use super::query::{SourceQuery, source_query, starts_query};
use sqlparser::tokenizer::Token;

/// `CREATE [OR REPLACE] [EXTERNAL] TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// Whether an existing one is replaced.
    pub or_replace: bool,
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Whether the word `EXTERNAL` stands there (then so does `LOCATION`).
    pub external: bool,
    /// Its name, one to three parts.
    pub name: ObjectName,
    /// The columns, in order; empty when they come from the query or from the data at the location.
    pub columns: Vec<ColumnSpec>,
    /// The word after `USING`, in upper case; absent means Delta. See [`Self::is_delta`].
    pub format: Option<String>,
    /// `OPTIONS (..)`.
    pub options: Vec<(String, String)>,
    /// `LOCATION 'url'`.
    pub location: Option<String>,
    /// `PARTITIONED BY (..)`, by column names; columns given with a type there are in `columns` too.
    pub partitioned_by: Vec<String>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES (..)`.
    pub properties: Vec<(String, String)>,
    /// `WITH ROW FILTER f ON (..)`.
    pub row_filter: Option<RowFilterSpec>,
    /// `LIKE t`: the columns are those of another table or view.
    pub like: Option<ObjectName>,
    /// `AS query`; for `DEEP CLONE t`, all of `t`.
    pub query: Option<SourceQuery>,
}

impl CreateTable {
    /// Whether the table is a Delta table: no `USING`, or `USING DELTA`.
    pub fn is_delta(&self) -> bool {
        self.format.as_deref().is_none_or(|format| format == "DELTA")
    }
}

/// What stands before the word `TABLE`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TableWords {
    pub(super) or_replace: bool,
    pub(super) external: bool,
}

/// The rest of `CREATE TABLE`.
pub(super) fn create_table(cursor: &mut Cursor<'_>, words: TableWords) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    if if_not_exists && words.or_replace {
        return Err(cursor.error("OR REPLACE and IF NOT EXISTS do not go together"));
    }
    let name = cursor.object_name("a table")?;
    let mut table = CreateTable {
        or_replace: words.or_replace,
        if_not_exists,
        external: words.external,
        name,
        columns: Vec::new(),
        format: None,
        options: Vec::new(),
        location: None,
        partitioned_by: Vec::new(),
        comment: None,
        properties: Vec::new(),
        row_filter: None,
        like: None,
        query: None,
    };
    if cursor.eat("LIKE") {
        table.like = Some(cursor.object_name("a table")?);
        while clause(cursor, &mut table)? {}
        return check(cursor, table);
    }
    if let Some(query) = copied(cursor)? {
        table.query = Some(query);
        while clause(cursor, &mut table)? {}
        return check(cursor, table);
    }
    if matches!(cursor.peek(0), Token::LParen) && !starts_query(cursor, 0) {
        table.columns = column_list(cursor)?;
    }
    while clause(cursor, &mut table)? {}
    if cursor.eat("AS") || starts_query(cursor, 0) {
        table.query = Some(source_query(cursor)?);
    }
    check(cursor, table)
}

fn check(cursor: &Cursor<'_>, table: CreateTable) -> Result<Statement, ParseError> {
    if table.query.is_some() && !table.columns.is_empty() {
        return Err(
            cursor.error("a table made from a query takes its columns from the query: leave out the column list")
        );
    }
    if table.external && table.location.is_none() {
        return Err(cursor.error("an external table needs LOCATION"));
    }
    Ok(Statement::CreateTable(Box::new(table)))
}

/// `[DEEP] CLONE t [VERSION AS OF n | TIMESTAMP AS OF time]`, which reads all that the caller may see of the table.
fn copied(cursor: &mut Cursor<'_>) -> Result<Option<SourceQuery>, ParseError> {
    if cursor.is_words(&["SHALLOW", "CLONE"]) {
        return Err(ParseError::unsupported(
            "SHALLOW CLONE (it would name the files of another table, past its policies; DEEP CLONE copies what you may see)",
        ));
    }
    if !cursor.eat_all(&["DEEP", "CLONE"]) && !cursor.eat("CLONE") {
        return Ok(None);
    }
    let mark = cursor.mark();
    cursor.object_name("a table")?;
    if cursor.eat_all(&["VERSION", "AS", "OF"]) {
        cursor.whole_number("the number of a version")?;
    } else if cursor.eat_all(&["TIMESTAMP", "AS", "OF"]) {
        cursor.expr()?;
    }
    let text = format!("SELECT * FROM {}", cursor.text_since(mark));
    let query = parse_query(&text, &ParseLimits { max_relations: cursor.max_relations(), ..ParseLimits::default() })?;
    Ok(Some(SourceQuery { query, text }))
}

/// Reads one clause after the columns; false when there is none.
fn clause(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Result<bool, ParseError> {
    let word = cursor.eat_any(&["USING", "OPTIONS", "LOCATION", "COMMENT", "TBLPROPERTIES"]);
    match word {
        Some("USING") => {
            let format = cursor.object_name("a table format")?.parts.join(".").to_uppercase();
            once(cursor, &mut table.format, format, "USING")?;
        }
        Some("OPTIONS") => table.options.extend(properties(cursor)?),
        Some("LOCATION") => {
            let url = cursor.string("a location string")?;
            once(cursor, &mut table.location, url, "LOCATION")?;
        }
        Some("COMMENT") => {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut table.comment, text, "COMMENT")?;
        }
        Some(_) => table.properties.extend(properties(cursor)?),
        None => return longer_clause(cursor, table),
    }
    Ok(true)
}

fn longer_clause(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Result<bool, ParseError> {
    if cursor.eat_all(&["PARTITIONED", "BY"]) {
        if !table.partitioned_by.is_empty() {
            return Err(cursor.error("PARTITIONED BY stands twice"));
        }
        partitions(cursor, table)?;
        return Ok(true);
    }
    if cursor.eat_all(&["WITH", "ROW", "FILTER"]) {
        let filter = row_filter(cursor)?;
        once(cursor, &mut table.row_filter, filter, "WITH ROW FILTER")?;
        return Ok(true);
    }
    let unbuilt: &[(&[&str], &str)] = &[
        (&["CLUSTER", "BY"], "CLUSTER BY"),
        (&["CLUSTERED", "BY"], "CLUSTERED BY … INTO BUCKETS (Delta tables have no buckets)"),
        (&["DEFAULT", "COLLATION"], "DEFAULT COLLATION"),
        (&["STORED"], "STORED AS: a table is a Delta table"),
        (&["ROW", "FORMAT"], "ROW FORMAT: a table is a Delta table"),
        (&["WITH", "TAGS"], "tags"),
        (&["TAGS"], "tags"),
    ];
    match unbuilt.iter().find(|(words, _)| cursor.is_words(words)) {
        Some((_, what)) => Err(ParseError::unsupported(*what)),
        None => Ok(false),
    }
}

/// `( name [type [COMMENT ..]], … )`.
fn partitions(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Result<(), ParseError> {
    let names_only = matches!(cursor.peek(2), Token::Comma | Token::RParen);
    if names_only {
        table.partitioned_by = cursor.parenthesized(|cursor| cursor.ident("a column"))?;
        return Ok(());
    }
    if matches!(cursor.peek(2), Token::LParen) {
        return Err(ParseError::unsupported("partition transforms: name plain columns"));
    }
    let columns = column_list(cursor)?;
    table.partitioned_by = columns.iter().map(|column| column.name.clone()).collect();
    table.columns.extend(columns);
    Ok(())
}

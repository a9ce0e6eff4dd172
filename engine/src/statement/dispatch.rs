//! Which statement it is, by its leading words.

use super::Statement;
use super::abac::{create_policy, drop_policy};
use super::alter::alter_object;
use super::comment::comment_on;
use super::cursor::Cursor;
use super::delete::{delete, truncate};
use super::describe::describe;
use super::drop::drop_object;
use super::error::ParseError;
use super::function::create_function;
use super::grant::{GrantVerb, grant};
use super::insert::insert;
use super::merge::merge;
use super::namespace::{create_catalog, create_schema, set_statement, use_statement};
use super::principal::{alter_principal, create_principal, drop_principal};
use super::query::{explain, gated_query, starts_query};
use super::show::show;
use super::storage::{create_storage, list_files};
use super::table::{TableWords, create_table};
use super::tag::{create_tag, set_tag, unset_tag};
use super::update::update;
use super::view::create_view;

/// Statements that are recognised and not built, by their first words.
const UNBUILT: &[(&[&str], &str)] = &[
    (&["COPY"], "COPY (files are read as Delta tables: CREATE TABLE … LOCATION, then INSERT … SELECT from it)"),
    (&["LOAD"], "LOAD DATA"),
    (&["UNDROP"], "UNDROP"),
    (&["OPTIMIZE"], "OPTIMIZE"),
    (&["VACUUM"], "VACUUM"),
    (&["RESTORE"], "RESTORE"),
    (&["CONVERT"], "CONVERT TO DELTA (write a Delta table there, and register it with CREATE TABLE … LOCATION)"),
    (&["ANALYZE"], "ANALYZE TABLE"),
    (&["REFRESH"], "REFRESH"),
    (&["MSCK"], "MSCK REPAIR TABLE"),
    (&["REPAIR"], "REPAIR TABLE"),
    (&["REORG"], "REORG TABLE"),
    (&["GENERATE"], "GENERATE"),
    (&["FSCK"], "FSCK"),
    (&["CACHE"], "CACHE TABLE"),
    (&["UNCACHE"], "UNCACHE TABLE"),
    (&["CLEAR"], "CLEAR CACHE"),
    (&["PUT"], "PUT"),
    (&["GET"], "GET"),
    (&["REMOVE"], "REMOVE"),
    (&["ADD"], "ADD of files and jars"),
    (&["UNSET"], "UNSET"),
    (&["RESET"], "RESET"),
    (&["VALIDATE"], "VALIDATE STORAGE CREDENTIAL"),
    (&["SYNC"], "SYNC"),
    (&["PREPARE"], "PREPARE: drivers prepare statements by their own call"),
    (&["EXECUTE"], "EXECUTE"),
    (&["DEALLOCATE"], "DEALLOCATE"),
    (&["DECLARE"], "DECLARE"),
    (&["CALL"], "CALL"),
    (&["BEGIN"], "transactions and scripts (BEGIN)"),
    (&["START"], "transactions (START TRANSACTION)"),
    (&["COMMIT"], "transactions (COMMIT)"),
    (&["ROLLBACK"], "transactions (ROLLBACK)"),
    (&["SAVEPOINT"], "transactions (SAVEPOINT)"),
    (&["RELEASE"], "transactions (RELEASE)"),
    (&["LOCK"], "LOCK TABLE"),
    (&["KILL"], "KILL"),
    (&["ATTACH"], "ATTACH"),
    (&["DETACH"], "DETACH"),
    (&["INSTALL"], "INSTALL"),
    (&["PRAGMA"], "PRAGMA"),
    (&["REPLACE"], "REPLACE"),
    (&["EXPORT"], "EXPORT"),
    (&["IMPORT"], "IMPORT"),
    (&["UNLOAD"], "UNLOAD"),
    (&["RENAME"], "RENAME"),
    (&["FROM"], "a query that starts with FROM: start it with SELECT"),
    (&["TABLE"], "TABLE as a query: use SELECT * FROM"),
    (&["MAP"], "MAP"),
    (&["REDUCE"], "REDUCE"),
];

/// Objects whose `CREATE` is recognised and not built, by the words after `CREATE [OR REPLACE]`.
const UNBUILT_CREATE: &[(&[&str], &str)] = &[
    (&["FOREIGN"], "CREATE FOREIGN CATALOG"),
    (&["METASTORE"], "CREATE METASTORE: there is always exactly one"),
    (&["MATERIALIZED"], "materialized views"),
    (&["OR", "REFRESH"], "streaming tables and materialized views"),
    (&["STREAMING"], "streaming tables"),
    (&["LIVE"], "streaming tables"),
    (&["TEMP"], "temporary objects"),
    (&["TEMPORARY"], "temporary objects"),
    (&["GLOBAL"], "temporary objects"),
    (&["EXTERNAL", "METADATA"], "external metadata"),
    (&["SERVICE", "CREDENTIAL"], "service credentials"),
    (&["CREDENTIAL"], "credentials"),
    (&["CONNECTION"], "connections"),
    (&["SHARE"], "shares"),
    (&["RECIPIENT"], "recipients"),
    (&["PROVIDER"], "providers"),
    (&["MODEL"], "models"),
    (&["PROCEDURE"], "procedures"),
    (&["BLOOMFILTER"], "bloom filter indexes"),
    (&["INDEX"], "indexes"),
    (&["UNIQUE"], "indexes"),
    (&["SEQUENCE"], "sequences"),
    (&["TYPE"], "types"),
    (&["ROLE"], "roles: use groups"),
    (&["TRIGGER"], "triggers"),
    (&["SERVER"], "connections"),
    (&["SECRET"], "secrets"),
    (&["EXTENSION"], "extensions"),
    (&["UNBOUNDED"], "external tables without Delta"),
    (&["AGGREGATE"], "aggregate functions of users"),
    (&["CLEAN"], "clean rooms"),
];

/// One statement. What stands after it is the caller's to refuse.
pub(super) fn statement(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    if starts_query(cursor, 0) {
        return Ok(Statement::Query(gated_query(cursor)?));
    }
    let words = [
        "EXPLAIN", "USE", "SET", "CREATE", "ALTER", "DROP", "INSERT", "GRANT", "REVOKE", "DENY", "SHOW", "DESC",
        "DESCRIBE", "COMMENT", "LIST", "LS", "UPDATE", "DELETE", "MERGE", "TRUNCATE",
    ];
    match cursor.eat_any(&words) {
        Some("EXPLAIN") => explain(cursor),
        Some("USE") => use_statement(cursor),
        Some("SET") => set_or_refuse(cursor),
        Some("CREATE") => create(cursor),
        Some("ALTER") => alter(cursor),
        Some("DROP") => drop_any(cursor),
        Some("INSERT") => insert(cursor),
        Some("GRANT") => grant(cursor, GrantVerb::Grant),
        Some("REVOKE") => grant(cursor, GrantVerb::Revoke),
        Some("DENY") => grant(cursor, GrantVerb::Deny),
        Some("SHOW") => show(cursor),
        Some("COMMENT") => comment_on(cursor),
        Some("LIST" | "LS") => list_files(cursor),
        Some("UPDATE") => update(cursor),
        Some("DELETE") => delete(cursor),
        Some("MERGE") => merge(cursor),
        Some("TRUNCATE") => truncate(cursor),
        Some(_) => describe(cursor),
        None if cursor.eat_all(&["UNSET", "TAG"]) => unset_tag(cursor),
        None => match UNBUILT.iter().find(|(words, _)| cursor.is_words(words)) {
            Some((_, what)) => Err(ParseError::unsupported(*what)),
            None => Err(cursor.unexpected("a statement")),
        },
    }
}

fn set_or_refuse(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    if cursor.at_end() {
        return Err(cursor.unexpected("`CATALOG`"));
    }
    if cursor.eat("TAG") {
        return set_tag(cursor);
    }
    set_statement(cursor)
}

fn create(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let or_replace = cursor.eat_all(&["OR", "REPLACE"]);
    if cursor.eat("TABLE") {
        return create_table(cursor, TableWords { or_replace, external: false });
    }
    if cursor.eat_all(&["EXTERNAL", "TABLE"]) {
        return create_table(cursor, TableWords { or_replace, external: true });
    }
    if cursor.eat("VIEW") {
        return create_view(cursor, or_replace);
    }
    if cursor.eat("FUNCTION") {
        return create_function(cursor, or_replace);
    }
    if cursor.eat("POLICY") {
        return create_policy(cursor, or_replace);
    }
    if !or_replace && let Some(made) = create_storage(cursor)? {
        return Ok(made);
    }
    if !or_replace && (cursor.eat("TAG") || cursor.eat_all(&["GOVERNED", "TAG"])) {
        return create_tag(cursor);
    }
    if let Some((_, what)) = UNBUILT_CREATE.iter().find(|(words, _)| cursor.is_words(words)) {
        return Err(ParseError::unsupported(*what));
    }
    if or_replace {
        return Err(cursor.unexpected("`TABLE`, `VIEW`, `FUNCTION` or `POLICY` after OR REPLACE"));
    }
    if cursor.eat("CATALOG") {
        return create_catalog(cursor);
    }
    if cursor.eat_any(&["SCHEMA", "DATABASE"]).is_some() {
        return create_schema(cursor);
    }
    match cursor.principal_kind() {
        Some(kind) => create_principal(cursor, kind),
        None => Err(cursor.unexpected("what to create (CATALOG, SCHEMA, TABLE, VIEW, FUNCTION, VOLUME, USER, GROUP)")),
    }
}

fn alter(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    match cursor.principal_kind() {
        Some(kind) => alter_principal(cursor, kind),
        None => alter_object(cursor),
    }
}

fn drop_any(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    match cursor.principal_kind() {
        Some(kind) => drop_principal(cursor, kind),
        None if cursor.eat("POLICY") => drop_policy(cursor),
        None => drop_object(cursor),
    }
}

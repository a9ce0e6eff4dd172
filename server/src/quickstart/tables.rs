//! The tables of TPC-H as managed tables: staged, filled by the generator, and recorded once all rows are there.

use lakewarden_catalog::model::{FullName, SecurableKind};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::tables::{NewColumn, NewLocation, NewTable, Staged};
use lakewarden_catalog::{Caller, CatalogError};
use lakewarden_engine::delta::{Location, sql_type};
use lakewarden_engine::tpch::{TableWritten, TpchTable, generate};

use super::{CATALOG, Listener};
use crate::error::ServerError;
use crate::wire::Base;

/// Makes the tables that are not there.
pub(super) async fn make_all(
    base: &Base,
    admin: &Caller,
    scale: f64,
    listener: &mut dyn Listener,
) -> Result<(), ServerError> {
    listener.tables(TpchTable::ALL.iter().map(|table| table.rows(scale)).sum());
    for table in TpchTable::ALL {
        let name = FullName::from_parts(&[CATALOG, "tpch", table.name()]).map_err(|e| catalog_fault(table, &e))?;
        match base.catalog.reads().get(admin, SecurableKind::Table, &name) {
            Ok(_) => listener.rows(table.name(), table.rows(scale), true),
            Err(CatalogError::NotFound { .. }) => make(base, admin, (table, scale), name, listener).await?,
            Err(other) => return Err(catalog_fault(table, &other)),
        }
    }
    Ok(())
}

async fn make(
    base: &Base,
    admin: &Caller,
    (table, scale): (TpchTable, f64),
    name: FullName,
    listener: &mut dyn Listener,
) -> Result<(), ServerError> {
    let fault = |cause: &dyn std::fmt::Display| ServerError::quickstart(table.name(), cause);
    let root = Location::from_path(base.engine.managed_root()).map_err(|e| fault(&e))?.to_string();
    let (caller, target) = (admin.clone(), name.clone());
    let staged = base.catalog.call(move |metastore| metastore.stage_table(&caller, &target, &root, false));
    let staged = staged.await.map_err(|e| catalog_fault(table, &e))?;
    let made = fill(table, scale, &staged, listener).await;
    let recorded = match made {
        Ok(written) => record(base, admin, table, name, &staged, &written).await,
        Err(fault) => Err(fault),
    };
    if recorded.is_err() {
        // The first error is the one to tell; the folder goes now, or at the next start.
        let (caller, staged) = (admin.clone(), staged.clone());
        let _ = base.catalog.call(move |metastore| metastore.abandon_table(&caller, &staged)).await;
        base.engine.purge_dropped(false).await;
    }
    recorded
}

async fn fill(
    table: TpchTable,
    scale: f64,
    staged: &Staged,
    listener: &mut dyn Listener,
) -> Result<TableWritten, ServerError> {
    let fault = |cause: &dyn std::fmt::Display| ServerError::quickstart(table.name(), cause);
    let location = Location::parse(&staged.location).map_err(|e| fault(&e))?;
    let written = generate(table, scale, &location, |progress| listener.rows(table.name(), progress.rows_done, false));
    let written = written.await.map_err(|e| fault(&e))?;
    listener.rows(table.name(), written.rows, true);
    Ok(written)
}

async fn record(
    base: &Base,
    admin: &Caller,
    table: TpchTable,
    name: FullName,
    staged: &Staged,
    written: &TableWritten,
) -> Result<(), ServerError> {
    let column = |column: &lakewarden_engine::delta::TableColumn| NewColumn {
        name: column.name.clone(),
        type_text: sql_type(&column.data_type),
        nullable: column.nullable,
        comment: column.comment.clone(),
        partition_index: None,
    };
    let new = NewTable {
        name,
        location: NewLocation::Managed(staged.clone()),
        columns: written.columns.iter().map(column).collect(),
        describe: Describe { comment: Some(table.description().to_owned()), ..Describe::default() },
        row_filter: None,
        masks: Vec::new(),
        replace: false,
    };
    let caller = admin.clone();
    let created = base.catalog.call(move |metastore| metastore.create_table(&caller, &new).map(drop));
    created.await.map_err(|e| catalog_fault(table, &e))
}

fn catalog_fault(table: TpchTable, error: &CatalogError) -> ServerError {
    let cause = format!("table `{CATALOG}.tpch.{}`: {error}", table.name());
    ServerError::Quickstart { cause, kind: error.kind() }
}

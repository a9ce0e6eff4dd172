//! The copy: what who asks may see of a world, worked out by plain DataFusion over rows in memory. No scan, function or policy of the
//! product takes part in it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::config::Dialect;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::kinds::Kind;
use crate::world::{Column, Step, Table, World};

/// The rows of a table after each of its steps: those of each insert apart, as they lie in files.
pub type Versions = Vec<Vec<RecordBatch>>;

#[derive(Default)]
pub struct Copy {
    /// What is stored.
    pub stored: HashMap<String, Versions>,
    /// What may be seen, closed columns too.
    pub seen: HashMap<String, Versions>,
    pub views: HashMap<String, RecordBatch>,
    pub hidden_rows: usize,
}

/// A session that knows SQL as the product does and nothing else of it.
pub fn plain() -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().sql_parser.dialect = Dialect::Databricks;
    config.options_mut().sql_parser.parse_float_as_decimal = true;
    SessionContext::new_with_config(config)
}

pub fn schema(columns: &[Column]) -> SchemaRef {
    let fields = columns.iter().map(|column| Field::new(&column.name, column.kind.arrow(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

pub async fn query(session: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let frame = session.sql(sql).await.map_err(|e| format!("{sql}: {e}"))?;
    frame.collect().await.map_err(|e| format!("{sql}: {e}"))
}

/// Puts rows under a name, in place of what had it.
pub fn register(session: &SessionContext, name: &str, batches: &[RecordBatch], schema: SchemaRef) {
    let _ = session.deregister_table(name);
    let table = MemTable::try_new(schema, vec![batches.to_vec()]).unwrap();
    session.register_table(name, Arc::new(table)).unwrap();
}

/// Batches as one of the given columns.
fn typed(batches: &[RecordBatch], columns: &[Column]) -> RecordBatch {
    let wanted = schema(columns);
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let each = batches.iter().map(|batch| {
        let cast =
            |(array, field): (&ArrayRef, &Arc<Field>)| cast_with_options(array, field.data_type(), &strict).unwrap();
        let arrays = batch.columns().iter().zip(wanted.fields()).map(cast).collect();
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&wanted), arrays, &rows).unwrap()
    });
    concat_batches(&wanted, each.collect::<Vec<_>>().iter()).unwrap()
}

/// The rows of an INSERT.
pub async fn values(session: &SessionContext, rows: &[Vec<String>], columns: &[Column]) -> Result<RecordBatch, String> {
    Ok(typed(&query(session, &format!("VALUES {}", tuples(rows))).await?, columns))
}

pub fn tuples(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| format!("({})", row.join(", "))).collect::<Vec<_>>().join(", ")
}

impl Copy {
    /// The version of the copied table that has the rows of one of the table's: a step that shows nothing makes none.
    pub fn version(&self, table: &str, steps: usize) -> usize {
        self.seen[table].last().unwrap().iter().take(steps).filter(|batch| batch.num_rows() > 0).count()
    }

    pub async fn of(world: &World) -> Result<Self, String> {
        let session = plain();
        let mut copy = Self::default();
        let mapping = mapping_columns();
        let rows: Vec<Vec<String>> = world.mapping.iter().map(|row| row.to_vec()).collect();
        let rows = values(&session, &rows, &mapping).await?;
        register(&session, "m", &[rows], schema(&mapping));
        for table in &world.tables {
            let stored = stored(&session, table).await?;
            let mut seen = Versions::new();
            for version in &stored {
                let mut batches = Vec::with_capacity(version.len());
                for batch in version {
                    batches.push(see(&session, world, table, batch).await?);
                }
                seen.push(batches);
            }
            let rows = |versions: &Versions| versions.last().unwrap().iter().map(RecordBatch::num_rows).sum::<usize>();
            copy.hidden_rows += rows(&stored) - rows(&seen);
            copy.stored.insert(table.name.clone(), stored);
            copy.seen.insert(table.name.clone(), seen);
        }
        for table in &world.tables {
            register(&session, &table.name, copy.seen[&table.name].last().unwrap(), schema(&table.columns));
        }
        for view in &world.views {
            let rows = query(&session, &world.caller.told(&view.body)).await?;
            copy.views.insert(view.name.clone(), typed(&rows, &view.columns));
        }
        Ok(copy)
    }
}

pub fn mapping_columns() -> Vec<Column> {
    [("who", Kind::Text), ("v", Kind::Text), ("n", Kind::Big)]
        .map(|(name, kind)| Column { name: name.into(), kind })
        .to_vec()
}

async fn stored(session: &SessionContext, table: &Table) -> Result<Versions, String> {
    let mut versions = Versions::new();
    let mut now = Vec::new();
    for step in &table.steps {
        match step {
            Step::Insert(rows) => now.push(values(session, rows, &table.columns).await?),
            Step::Delete(on) => {
                let sql = format!("SELECT * FROM now WHERE ({on}) IS NOT TRUE");
                now = changed(session, &now, table, &sql).await?;
            }
            Step::Update { column, value, on } => {
                let list = table.columns.iter().enumerate().map(|(at, c)| match at == *column {
                    true => format!("CASE WHEN {on} THEN {value} ELSE {0} END AS {0}", c.name),
                    false => c.name.clone(),
                });
                let sql = format!("SELECT {} FROM now", list.collect::<Vec<_>>().join(", "));
                now = changed(session, &now, table, &sql).await?;
            }
        }
        versions.push(now.clone());
    }
    Ok(versions)
}

async fn changed(
    session: &SessionContext,
    batches: &[RecordBatch],
    table: &Table,
    sql: &str,
) -> Result<Vec<RecordBatch>, String> {
    let mut changed = Vec::with_capacity(batches.len());
    for batch in batches {
        register(session, "now", std::slice::from_ref(batch), schema(&table.columns));
        changed.push(typed(&query(session, sql).await?, &table.columns));
    }
    Ok(changed)
}

/// What the policies of a table let through of some of its rows.
pub fn sql_of_policies(world: &World, table: &Table, from: &str) -> String {
    let shown = table.columns.iter().enumerate().map(|(at, column)| {
        let mask = table.masks.iter().find(|(masked, mask)| *masked == at && mask.by.binds(world.caller));
        match mask {
            Some((_, mask)) => {
                let value = world.caller.told(&mask.over_columns(&table.columns));
                format!("{value} AS {}", column.name)
            }
            None => column.name.clone(),
        }
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match table.filter.as_ref().filter(|filter| filter.by.binds(world.caller)) {
        Some(filter) => {
            let keep = world.caller.told(&filter.over_columns(&table.columns));
            format!("SELECT {shown} FROM {from} WHERE {keep}")
        }
        None => format!("SELECT {shown} FROM {from}"),
    }
}

async fn see(
    session: &SessionContext,
    world: &World,
    table: &Table,
    batch: &RecordBatch,
) -> Result<RecordBatch, String> {
    register(session, "now", std::slice::from_ref(batch), schema(&table.columns));
    let rows = query(session, &sql_of_policies(world, table, "now")).await?;
    Ok(typed(&rows, &table.columns))
}

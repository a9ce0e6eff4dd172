//! Delta tables: creating, opening, writing and deleting them. Everything that knows deltalake's types lives here.

pub mod cache;
pub mod changes;
pub mod commits;
pub mod conform;
mod contained;
pub mod create;
pub mod definition;
pub mod input;
pub mod location;
pub mod open;
pub mod purge;
pub mod rename;
pub mod rows_check;
pub mod sql_type;
mod watched;
pub mod write;
pub mod write_error;

pub use cache::SnapshotCache;
pub use changes::{ChangesError, change_feed};
pub use commits::{Metadata, PastError};
pub use conform::{ColumnMatch, conform};
pub use create::create_table;
pub use definition::{TableColumn, TableDefinition};
pub use input::ExecProvider;
pub use location::{Location, LocationError};
pub use open::{OpenError, OpenTable, open_table};
pub use purge::{PurgeError, purge};
pub use rename::rename_column;
pub use rows_check::{require, require_true};
pub use sql_type::{TypeError, parse_sql_type, sql_type, storage_type};
pub use write::{WriteMode, Written, append_batches, create_table_as, table_schema, write, write_as_judged};
pub use write_error::{RowFault, WriteError};

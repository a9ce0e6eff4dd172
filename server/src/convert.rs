//! Between the wire and the model: requests become checked values, records become messages.
//!
//! Text becomes a name here and nowhere behind. A request with several faults is told of all of them at once. Nothing
//! here decides anything: what a request asks for is asked of the catalog.

pub mod access;
pub mod audit;
pub mod catalogs;
pub mod ddl;
pub mod faults;
pub mod functions;
pub mod grants;
pub mod mask;
pub mod page;
pub mod policies;
pub mod principals;
pub mod records;
pub mod schemas;
pub mod tables;
pub mod tags;
pub mod tokens;

pub use faults::Faults;

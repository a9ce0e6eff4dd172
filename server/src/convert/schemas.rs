//! `schemas.proto`.

use lakewarden_catalog::model::FullName;
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::entries::{Delete, Entry, Update};
use lakewarden_proto::v1;
use tonic::Status;

use super::Faults;
use super::records::{Shown, UpdateRequest, describe, update};

/// A schema as it is sent.
pub fn show(entry: &Entry) -> v1::Schema {
    let shown = Shown::of(entry);
    v1::Schema {
        id: shown.id,
        name: shown.name,
        full_name: shown.full_name,
        owner: shown.owner,
        comment: shown.comment,
        properties: shown.properties,
        created_at: shown.created_at,
        created_by: shown.created_by,
        updated_at: shown.updated_at,
        updated_by: shown.updated_by,
        etag: shown.etag,
        parent: shown.parent,
    }
}

/// Reads a create request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn create(request: &v1::CreateSchemaRequest) -> Result<(FullName, Describe), Status> {
    let mut faults = Faults::new();
    let name = faults.child(&request.parent, 1, &request.name);
    let describe = describe(&request.comment, &request.properties, &mut faults);
    faults.finish(name.zip(describe))
}

/// Reads an update request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn change(request: &v1::UpdateSchemaRequest) -> Result<(FullName, Update), Status> {
    let values = request.schema.as_ref();
    let values = values.map(|new| (new.name.as_str(), new.owner.as_str(), new.comment.as_str(), &new.properties));
    let (mask, mut faults) = (request.update_mask.as_ref(), Faults::new());
    let read = UpdateRequest { full_name: &request.full_name, mask, etag: &request.etag, values };
    let read = update(&read, 2, "schema", &mut faults);
    faults.finish(read)
}

/// Reads a delete request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn delete(request: &v1::DeleteSchemaRequest) -> Result<(FullName, Delete), Status> {
    let mut faults = Faults::new();
    let name = faults.full_name("full_name", &request.full_name, 2);
    let etag = faults.etag(&request.etag);
    faults.finish(name.zip(etag).map(|(name, etag)| (name, Delete { cascade: request.force, etag })))
}

//! `functions.proto`, but for creating; that is SQL's, see `ddl`.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::FullName;
use lakewarden_catalog::ops::entries::{Delete, Entry, Update};
use lakewarden_proto::v1;
use tonic::Status;

use super::Faults;
use super::records::{Shown, UpdateRequest, shows_text, update};

/// A function as the caller may see it.
pub fn show(pinned: &Pinned, entry: &Entry) -> v1::Function {
    let shown = Shown::of(entry);
    let mut function = v1::Function {
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
        language: "SQL".to_owned(),
        ..v1::Function::default()
    };
    if let Some(body) = entry.securable.as_function() {
        function.return_type.clone_from(&body.return_type);
        function.parameters = body.parameters.iter().map(show_parameter).collect();
        if shows_text(pinned, &entry.securable) {
            function.routine_definition.clone_from(&body.body);
        }
    }
    function
}

fn show_parameter(parameter: &lakewarden_catalog::model::Parameter) -> v1::FunctionParameter {
    v1::FunctionParameter {
        name: parameter.name.to_string(),
        type_text: parameter.type_text.clone(),
        comment: parameter.comment.clone().unwrap_or_default(),
    }
}

/// Reads an update request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn change(request: &v1::UpdateFunctionRequest) -> Result<(FullName, Update), Status> {
    let values = request.function.as_ref();
    let values = values.map(|new| (new.name.as_str(), new.owner.as_str(), new.comment.as_str(), &new.properties));
    let (mask, mut faults) = (request.update_mask.as_ref(), Faults::new());
    let read = UpdateRequest { full_name: &request.full_name, mask, etag: &request.etag, values };
    let read = update(&read, 3, "function", &mut faults);
    faults.finish(read)
}

/// Reads a delete request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn delete(request: &v1::DeleteFunctionRequest) -> Result<(FullName, Delete), Status> {
    let mut faults = Faults::new();
    let name = faults.full_name("full_name", &request.full_name, 3);
    let etag = faults.etag(&request.etag);
    faults.finish(name.zip(etag).map(|(name, etag)| (name, Delete { cascade: false, etag })))
}

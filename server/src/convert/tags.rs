//! `tags.proto`.

use std::collections::BTreeMap;

use lakewarden_catalog::model::{FullName, Tags, require_tag_key};
use lakewarden_catalog::ops::entries::{Delete, Entry, Update};
use lakewarden_catalog::ops::governed::{NewTag, ValuesChange};
use lakewarden_catalog::ops::tags::TagTarget;
use lakewarden_proto::v1;
use lakewarden_proto::v1::change_tag_values_request::Change;
use tonic::Status;

use super::faults::show_etag;
use super::records::{Shown, UpdateRequest, describe, update};
use super::{Faults, grants};

/// The most values or tags of one request.
const MAX_ITEMS: usize = 10_000;

/// A governed tag as it is sent.
pub fn show(entry: &Entry) -> v1::GovernedTag {
    let shown = Shown::of(entry);
    let values = entry.securable.as_tag().map(|tag| tag.values.as_slice()).unwrap_or_default();
    v1::GovernedTag {
        id: shown.id,
        key: shown.name,
        values: values.iter().map(String::from).collect(),
        owner: shown.owner,
        comment: shown.comment,
        properties: shown.properties,
        created_at: shown.created_at,
        created_by: shown.created_by,
        updated_at: shown.updated_at,
        updated_by: shown.updated_by,
        etag: shown.etag,
    }
}

/// The tags of a securable as they are sent.
pub fn show_tags(entry: &Entry) -> v1::SecurableTags {
    let map = |tags: &Tags| tags.iter().map(|(key, value)| (key.into(), value.into())).collect::<BTreeMap<_, _>>();
    let securable = &entry.securable;
    let columns = securable.columns().iter().filter_map(|column| {
        let tags = column.tags.as_ref()?;
        Some(v1::ColumnTags { column: column.name.to_string(), tags: map(tags) })
    });
    v1::SecurableTags {
        securable: Some(grants::show_securable(securable.kind(), entry.full_name.clone())),
        tags: securable.tags.as_ref().map(|tags| map(tags)).unwrap_or_default(),
        columns: columns.collect(),
        etag: show_etag(securable.etag),
    }
}

/// What a request tags.
fn target(securable: Option<&v1::SecurableRef>, column: &str, faults: &mut Faults) -> Option<TagTarget> {
    let (kind, name) = grants::securable(securable, faults)?;
    Some(TagTarget { kind, name, column: (!column.is_empty()).then(|| column.to_owned()) })
}

/// Reads a request for tags.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn get(request: &v1::GetTagsRequest) -> Result<TagTarget, Status> {
    let mut faults = Faults::new();
    let target = target(request.securable.as_ref(), "", &mut faults);
    faults.finish(target)
}

/// Reads a request to set tags.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn set(request: &v1::SetTagsRequest) -> Result<(TagTarget, Vec<(String, String)>), Status> {
    let mut faults = Faults::new();
    let target = target(request.securable.as_ref(), &request.column, &mut faults);
    check_number("tags", request.tags.len(), &mut faults);
    if request.tags.is_empty() {
        faults.add("tags", "is required: name at least one");
    }
    let tags = request.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    faults.finish(target.map(|target| (target, tags)))
}

/// Reads a request to take tags away.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn unset(request: &v1::UnsetTagsRequest) -> Result<(TagTarget, Vec<String>), Status> {
    let mut faults = Faults::new();
    let target = target(request.securable.as_ref(), &request.column, &mut faults);
    check_number("keys", request.keys.len(), &mut faults);
    if request.keys.is_empty() {
        faults.add("keys", "is required: name at least one");
    }
    faults.finish(target.map(|target| (target, request.keys.clone())))
}

fn check_number(field: &str, number: usize, faults: &mut Faults) {
    if number > MAX_ITEMS {
        faults.add(field, format!("holds {number} items, the most is {MAX_ITEMS}"));
    }
}

/// The key of a governed tag that a request names.
pub fn key(text: &str, faults: &mut Faults) -> Option<FullName> {
    let name = faults.name("key", text)?;
    faults.take("key", require_tag_key(name.as_str()))?;
    faults.take("key", FullName::from_parts(&[name.as_str()]))
}

/// Reads a request for one governed tag.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn named(text: &str) -> Result<FullName, Status> {
    let mut faults = Faults::new();
    let name = key(text, &mut faults);
    faults.finish(name)
}

/// Reads a create request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn create(request: &v1::CreateGovernedTagRequest) -> Result<NewTag, Status> {
    let mut faults = Faults::new();
    let name = faults.name("key", &request.key);
    check_number("values", request.values.len(), &mut faults);
    let describe = describe(&request.comment, &request.properties, &mut faults);
    let new = name.zip(describe);
    faults.finish(new.map(|(name, describe)| NewTag { name, values: request.values.clone(), describe }))
}

/// Reads an update request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn change(request: &v1::UpdateGovernedTagRequest) -> Result<(FullName, Update), Status> {
    let mut faults = Faults::new();
    key(&request.key, &mut faults);
    let values = request.tag.as_ref();
    let values = values.map(|new| ("", new.owner.as_str(), new.comment.as_str(), &new.properties));
    if request.update_mask.as_ref().is_some_and(|mask| mask.paths.iter().any(|path| path == "name")) {
        faults.add("update_mask.paths", "`name` cannot be changed: a governed tag keeps its key");
    }
    let (full_name, mask) = (request.key.as_str(), request.update_mask.as_ref());
    let read = UpdateRequest { full_name, mask, etag: &request.etag, values };
    let read = update(&read, 1, "tag", &mut faults);
    faults.finish(read)
}

/// Reads a change of values.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn values(request: &v1::ChangeTagValuesRequest) -> Result<(FullName, ValuesChange, Option<u64>), Status> {
    let mut faults = Faults::new();
    let name = key(&request.key, &mut faults);
    let etag = faults.etag(&request.etag);
    let change = match &request.change {
        Some(Change::Set(values)) => Some(ValuesChange::Set(values.values.clone())),
        Some(Change::Add(values)) => Some(ValuesChange::Add(values.values.clone())),
        Some(Change::Drop(values)) => Some(ValuesChange::Drop(values.values.clone())),
        None => {
            faults.add("change", "is required: set, add or drop");
            None
        }
    };
    let read = name.zip(change).zip(etag);
    faults.finish(read.map(|((name, change), etag)| (name, change, etag)))
}

/// Reads a delete request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn delete(request: &v1::DeleteGovernedTagRequest) -> Result<(FullName, Delete), Status> {
    let mut faults = Faults::new();
    let name = key(&request.key, &mut faults);
    let etag = faults.etag(&request.etag);
    faults.finish(name.zip(etag).map(|(name, etag)| (name, Delete { cascade: false, etag })))
}

//! What the records of all kinds share: names, owner, comment, properties, times and etag; and how they are changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use lakewarden_catalog::model::{FullName, Securable};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::entries::{Entry, Update};
use lakewarden_catalog::{Need, Pinned};
use prost_types::{FieldMask, Timestamp};

use super::Faults;
use super::faults::show_etag;
use super::mask::changes;

/// The fields of a securable that may be updated.
pub const CHANGEABLE: &[&str] = &["name", "owner", "comment", "properties"];

/// The most bytes of a comment.
const MAX_COMMENT: usize = 64 * 1024;
/// The most properties of a record.
const MAX_PROPERTIES: usize = 1_000;
/// The most bytes of the key of a property.
const MAX_KEY: usize = 255;
/// The most bytes of the value of a property.
const MAX_VALUE: usize = 16 * 1024;

/// What every record shows.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its full name.
    pub full_name: String,
    /// The full name of what it is in; empty for a catalog.
    pub parent: String,
    /// The name of its owner.
    pub owner: String,
    /// Its comment.
    pub comment: String,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Who created it.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Who changed it last.
    pub updated_by: String,
    /// The etag of its state.
    pub etag: String,
}

impl Shown {
    /// What a record shows.
    pub fn of(entry: &Entry) -> Self {
        let record = &entry.securable;
        let parent = entry.full_name.rsplit_once('.').map(|(parent, _)| parent.to_owned());
        Self {
            id: record.id.to_string(),
            name: record.name.to_string(),
            full_name: entry.full_name.clone(),
            parent: parent.unwrap_or_default(),
            owner: entry.owner.clone(),
            comment: record.comment.clone().unwrap_or_default(),
            properties: record.properties.clone(),
            created_at: Some(timestamp(record.created_at_ms)),
            created_by: entry.created_by.clone(),
            updated_at: Some(timestamp(record.updated_at_ms)),
            updated_by: entry.updated_by.clone(),
            etag: show_etag(record.etag),
        }
    }
}

/// A record of a pinned state with the names that its ids stand for.
pub fn entry(pinned: &Pinned, securable: Arc<Securable>) -> Entry {
    let state = pinned.state();
    Entry {
        full_name: state.full_name(securable.id),
        owner: state.principal_name(securable.owner),
        created_by: state.principal_name(securable.created_by),
        updated_by: state.principal_name(securable.updated_by),
        securable,
    }
}

/// Whether the caller may read the text of a view or function: whoever may manage it. The text names what it reads.
pub fn shows_text(pinned: &Pinned, securable: &Securable) -> bool {
    pinned.allows(securable.id, Need::Manage)
}

/// Milliseconds since 1970 as a timestamp.
pub fn timestamp(ms: i64) -> Timestamp {
    let nanos = i32::try_from(ms.rem_euclid(1_000)).unwrap_or_default() * 1_000_000;
    Timestamp { seconds: ms.div_euclid(1_000), nanos }
}

/// A timestamp as milliseconds since 1970.
pub fn milliseconds(field: &str, at: &Timestamp, faults: &mut Faults) -> Option<i64> {
    let ms = at.seconds.checked_mul(1_000).and_then(|ms| ms.checked_add(i64::from(at.nanos) / 1_000_000));
    if ms.is_none() || !(0..1_000_000_000).contains(&at.nanos) {
        faults.add(field, "is not a time");
        return None;
    }
    ms
}

/// The comment and properties of something new.
pub fn describe(comment: &str, properties: &BTreeMap<String, String>, faults: &mut Faults) -> Option<Describe> {
    let comment = checked_comment(comment, faults);
    let properties = checked_properties(properties, faults);
    Some(Describe { comment: comment?, properties: properties? })
}

/// A comment; an empty one is none.
pub fn checked_comment(text: &str, faults: &mut Faults) -> Option<Option<String>> {
    if text.len() > MAX_COMMENT {
        faults.add("comment", format!("has {} bytes, the most is {MAX_COMMENT}", text.len()));
        return None;
    }
    Some((!text.is_empty()).then(|| text.to_owned()))
}

fn checked_properties(given: &BTreeMap<String, String>, faults: &mut Faults) -> Option<BTreeMap<String, String>> {
    let mut good = given.len() <= MAX_PROPERTIES;
    if !good {
        faults.add("properties", format!("holds {} keys, the most is {MAX_PROPERTIES}", given.len()));
    }
    for (key, value) in given {
        good &= checked_property(key, value, faults);
    }
    good.then(|| given.clone())
}

fn checked_property(key: &str, value: &str, faults: &mut Faults) -> bool {
    let fault = if key.is_empty() {
        Some("has an empty key".to_owned())
    } else if key.len() > MAX_KEY {
        Some(format!("has a key of {} bytes, the most is {MAX_KEY}", key.len()))
    } else if value.len() > MAX_VALUE {
        Some(format!("`{key}` has a value of {} bytes, the most is {MAX_VALUE}", value.len()))
    } else {
        None
    };
    fault.map(|what| faults.add("properties", what)).is_none()
}

/// What an update request carries, whatever the kind.
pub struct UpdateRequest<'a> {
    /// The full name of the record.
    pub full_name: &'a str,
    /// Which fields to change.
    pub mask: Option<&'a FieldMask>,
    /// The etag that it must have.
    pub etag: &'a str,
    /// The new values, if the request has them: name, owner, comment, properties.
    pub values: Option<(&'a str, &'a str, &'a str, &'a BTreeMap<String, String>)>,
}

/// Reads an update of a record whose full name has so many parts. `resource` is the field that holds the new values.
pub fn update(
    request: &UpdateRequest<'_>,
    parts: usize,
    resource: &str,
    faults: &mut Faults,
) -> Option<(FullName, Update)> {
    let full_name = faults.full_name("full_name", request.full_name, parts);
    let etag = faults.etag(request.etag);
    let changes = changes(request.mask, CHANGEABLE, faults);
    let Some((name, owner, comment, properties)) = request.values else {
        faults.add(resource, "is required: it holds the new values");
        return None;
    };
    let changes = changes?;
    let mut update = Update { etag: etag?, ..Update::default() };
    let mut good = true;
    if changes.has("name") {
        update.name = faults.name(&format!("{resource}.name"), name);
        good &= update.name.is_some();
    }
    if changes.has("owner") {
        update.owner = faults.principal(&format!("{resource}.owner"), owner);
        good &= update.owner.is_some();
    }
    if changes.has("comment") {
        update.comment = checked_comment(comment, faults);
        good &= update.comment.is_some();
    }
    if changes.has("properties") {
        update.properties = checked_properties(properties, faults);
        good &= update.properties.is_some();
    }
    for key in changes.property_keys() {
        match properties.get(key) {
            Some(value) => {
                good &= checked_property(key, value, faults);
                update.set_properties.insert(key.to_owned(), value.clone());
            }
            None => update.unset_properties.push(key.to_owned()),
        }
    }
    if good { Some((full_name?, update)) } else { None }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(paths: &[&str], full_name: &str, name: &str) -> Result<(FullName, Update), tonic::Status> {
        let mask = FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
        let properties = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        let request =
            UpdateRequest { full_name, mask: Some(&mask), etag: "2a", values: Some((name, "bob", "", &properties)) };
        let mut faults = Faults::new();
        let update = update(&request, 1, "catalog", &mut faults);
        faults.finish(update)
    }

    #[test]
    fn only_masked_fields_are_read() {
        let (name, update) = read(&["comment"], "main", "not a name").unwrap();
        assert_eq!(name.to_string(), "main");
        assert_eq!(update.comment, Some(None), "an empty comment takes the comment away");
        assert!(update.name.is_none() && update.owner.is_none() && update.properties.is_none());
        assert_eq!(update.etag, Some(42));
    }

    #[test]
    fn keys_are_set_or_taken_away() {
        let (_, update) = read(&["properties.a", "properties.gone"], "main", "").unwrap();
        assert_eq!(update.set_properties, BTreeMap::from([("a".to_owned(), "1".to_owned())]));
        assert_eq!(update.unset_properties, ["gone"]);
        assert_eq!(update.properties, None);
    }

    #[rstest]
    #[case(&["name"], "main", "", "catalog.name")]
    #[case(&["name"], "main.sales", "m", "full_name")]
    #[case(&["id"], "main", "m", "update_mask")]
    fn faults_name_their_field(
        #[case] paths: &[&str],
        #[case] full_name: &str,
        #[case] name: &str,
        #[case] field: &str,
    ) {
        let status = read(paths, full_name, name).unwrap_err();
        let told = tonic_types::StatusExt::get_details_bad_request(&status).unwrap().field_violations;
        assert_eq!(told.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), [field]);
    }

    #[test]
    fn the_new_values_are_required() {
        let mask = FieldMask { paths: vec!["name".to_owned()] };
        let request = UpdateRequest { full_name: "main", mask: Some(&mask), etag: "", values: None };
        let mut faults = Faults::new();
        assert!(update(&request, 1, "catalog", &mut faults).is_none());
        assert!(faults.finish(Some(())).is_err());
    }

    #[rstest]
    #[case(0, 0, 0)]
    #[case(1_999, 1, 999_000_000)]
    #[case(-1, -1, 999_000_000)]
    fn times_come_back_as_they_went(#[case] ms: i64, #[case] seconds: i64, #[case] nanos: i32) {
        assert_eq!(timestamp(ms), Timestamp { seconds, nanos });
        assert_eq!(milliseconds("since", &timestamp(ms), &mut Faults::new()), Some(ms));
    }

    #[rstest]
    #[case(i64::MAX, 0)]
    #[case(0, -1)]
    #[case(0, 1_000_000_000)]
    fn what_is_no_time_is_a_fault(#[case] seconds: i64, #[case] nanos: i32) {
        let mut faults = Faults::new();
        assert_eq!(milliseconds("since", &Timestamp { seconds, nanos }, &mut faults), None);
        assert!(faults.finish(Some(())).is_err());
    }

    #[test]
    fn oversized_texts_are_faults() {
        let mut faults = Faults::new();
        assert!(describe(&"x".repeat(MAX_COMMENT + 1), &BTreeMap::new(), &mut faults).is_none());
        assert!(describe("", &BTreeMap::from([(String::new(), String::new())]), &mut faults).is_none());
        assert!(describe("", &BTreeMap::from([("k".repeat(256), String::new())]), &mut faults).is_none());
        let long = BTreeMap::from([("k".to_owned(), "x".repeat(MAX_VALUE + 1))]);
        assert!(describe("", &long, &mut faults).is_none());
        let status = faults.finish(Some(())).unwrap_err();
        assert_eq!(tonic_types::StatusExt::get_details_bad_request(&status).unwrap().field_violations.len(), 4);
    }
}

//! Update masks: which fields of a resource a request wants to change.

use std::collections::BTreeSet;

use prost_types::FieldMask;

use super::Faults;

/// The field that holds the properties; its keys may be named one by one.
const PROPERTIES: &str = "properties";

/// The fields named by a mask, each of them known and changeable.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    fields: BTreeSet<&'static str>,
    keys: BTreeSet<String>,
}

impl Changes {
    /// Whether a field is to be changed; for `properties`, whether the whole map is.
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains(field)
    }

    /// The properties to be changed one by one.
    pub fn property_keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }
}

/// Reads a mask over fields that may be changed. `properties.<key>` is let in where `properties` is.
pub fn changes(mask: Option<&FieldMask>, changeable: &[&'static str], faults: &mut Faults) -> Option<Changes> {
    let mut changes = Changes::default();
    let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
    if paths.is_empty() {
        faults.add("update_mask", format!("is required: name what to change, of {}", changeable.join(", ")));
        return None;
    }
    let mut good = true;
    for path in paths {
        good &= add(&mut changes, path, changeable, faults);
    }
    if changes.has(PROPERTIES) && !changes.keys.is_empty() {
        faults.add("update_mask", "names `properties` and also keys of it: name the one or the others");
        good = false;
    }
    good.then_some(changes)
}

fn add(changes: &mut Changes, path: &str, changeable: &[&'static str], faults: &mut Faults) -> bool {
    if let Some(field) = changeable.iter().find(|field| **field == path) {
        changes.fields.insert(field);
        return true;
    }
    let key = path.strip_prefix(PROPERTIES).and_then(|rest| rest.strip_prefix('.'));
    match key {
        Some(key) if !key.is_empty() && changeable.contains(&PROPERTIES) => {
            changes.keys.insert(key.to_owned());
            true
        }
        _ => {
            let path = path.escape_debug();
            faults.add(
                "update_mask",
                format!("`{path}` is not a field that can be changed, of {}", changeable.join(", ")),
            );
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FIELDS: &[&str] = &["name", "comment", "properties"];

    fn read(paths: &[&str]) -> Option<Changes> {
        let mask = FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
        let mut faults = Faults::new();
        let changes = changes(Some(&mask), FIELDS, &mut faults);
        assert_eq!(
            changes.is_none(),
            faults.finish(Some(())).is_err(),
            "a fault is told if and only if there is no value"
        );
        changes
    }

    #[test]
    fn named_fields_alone_are_changed() {
        let changes = read(&["comment", "name", "comment"]).unwrap();
        assert!(changes.has("comment") && changes.has("name") && !changes.has("properties"));
    }

    #[test]
    fn a_key_is_everything_behind_the_first_dot() {
        let changes = read(&["properties.delta.appendOnly", "properties.b"]).unwrap();
        assert_eq!(changes.property_keys().collect::<Vec<_>>(), ["b", "delta.appendOnly"]);
        assert!(!changes.has("properties"));
    }

    #[rstest]
    #[case(&[])]
    #[case(&["*"])]
    #[case(&["id"])]
    #[case(&["Name"])]
    #[case(&[""])]
    #[case(&["name", "etag"])]
    #[case(&["properties."])]
    #[case(&["propertiesx.a"])]
    #[case(&["properties", "properties.a"])]
    fn other_masks_are_faults(#[case] paths: &[&str]) {
        assert_eq!(read(paths), None);
    }

    #[test]
    fn keys_are_refused_where_there_are_no_properties() {
        let mask = FieldMask { paths: vec!["properties.a".to_owned()] };
        assert_eq!(changes(Some(&mask), &["comment"], &mut Faults::new()), None);
    }
}

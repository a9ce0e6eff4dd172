//! Updates: which fields change, as the mask names them.

use std::collections::BTreeMap;

use prost_types::FieldMask;

use crate::args::ChangeArgs;
use crate::error::CliError;

/// The new values of a securable, and the mask that names them.
#[derive(Debug, PartialEq)]
pub struct Change {
    /// The name it has now.
    pub full_name: String,
    /// The new name.
    pub name: String,
    /// The new owner.
    pub owner: String,
    /// The new comment.
    pub comment: String,
    /// The properties to set.
    pub properties: BTreeMap<String, String>,
    /// Which of these are to change.
    pub mask: FieldMask,
    /// The etag it must still have.
    pub etag: String,
}

/// Reads the changes from the command line.
///
/// # Errors
/// When a property is both set and taken away.
pub fn change(args: ChangeArgs) -> Result<Change, CliError> {
    if let Some((key, _)) = args.set.iter().find(|(key, _)| args.unset.contains(key)) {
        return Err(CliError::usage(format!("property `{key}` is both set and taken away")));
    }
    let mut paths = Vec::new();
    let given = [("name", args.rename.is_some()), ("owner", args.owner.is_some()), ("comment", args.comment.is_some())];
    paths.extend(given.iter().filter(|(_, is)| *is).map(|(path, _)| (*path).to_owned()));
    paths.extend(args.set.iter().map(|(key, _)| key).chain(&args.unset).map(|key| format!("properties.{key}")));
    Ok(Change {
        full_name: args.name,
        name: args.rename.map(|name| crate::names::unquote(&name)).unwrap_or_default(),
        owner: args.owner.unwrap_or_default(),
        comment: args.comment.unwrap_or_default(),
        properties: args.set.into_iter().collect(),
        mask: FieldMask { paths },
        etag: args.etag,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> ChangeArgs {
        ChangeArgs {
            name: "demo".to_owned(),
            rename: None,
            owner: None,
            comment: None,
            set: vec![],
            unset: vec![],
            etag: String::new(),
        }
    }

    #[test]
    fn the_mask_names_what_was_given_and_nothing_else() {
        let change = change(ChangeArgs {
            comment: Some(String::new()),
            set: vec![("team".to_owned(), "sales".to_owned())],
            unset: vec!["old.key".to_owned()],
            ..args()
        })
        .unwrap();
        assert_eq!(change.mask.paths, ["comment", "properties.team", "properties.old.key"]);
        assert_eq!(change.properties.keys().collect::<Vec<_>>(), ["team"]);
    }

    #[test]
    fn a_property_cannot_be_set_and_taken_away_at_once() {
        let both = ChangeArgs { set: vec![("a".to_owned(), "b".to_owned())], unset: vec!["a".to_owned()], ..args() };
        assert!(change(both).is_err());
    }
}

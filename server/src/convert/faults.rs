//! The faults of a request, collected field by field, so that the caller is told of all of them at once.

use lakewarden_catalog::CatalogError;
use lakewarden_catalog::model::{FullName, Name, PrincipalName};
use tonic::Status;

use crate::status;

/// What is wrong with a request, so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// No faults yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what is wrong with a field.
    pub fn add(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.0.push((field.into(), what.into()));
    }

    /// Keeps the value, or notes the fault under the field's own path.
    pub fn take<T>(&mut self, field: &str, result: Result<T, CatalogError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(CatalogError::Invalid { message, .. }) => {
                self.add(field, message);
                None
            }
            Err(other) => {
                self.add(field, other.to_string());
                None
            }
        }
    }

    /// A text that must not be empty.
    pub fn required<'a>(&mut self, field: &str, text: &'a str) -> Option<&'a str> {
        if text.trim().is_empty() {
            self.add(field, "is required");
            return None;
        }
        Some(text)
    }

    /// One part of a name.
    pub fn name(&mut self, field: &str, text: &str) -> Option<Name> {
        let text = self.required(field, text)?;
        self.take(field, Name::parse(text))
    }

    /// A dotted name of just so many parts.
    pub fn full_name(&mut self, field: &str, text: &str, parts: usize) -> Option<FullName> {
        let text = self.required(field, text)?;
        let name = self.take(field, FullName::parse(text))?;
        if name.parts().len() != parts {
            let example = match parts {
                1 => "catalog",
                2 => "catalog.schema",
                _ => "catalog.schema.name",
            };
            self.add(field, format!("`{name}` has {} of {parts} parts: write it as {example}", name.parts().len()));
            return None;
        }
        Some(name)
    }

    /// The full name of something new: its parent's full name and its own name.
    pub fn child(&mut self, parent: &str, parent_parts: usize, name: &str) -> Option<FullName> {
        let parent = self.full_name("parent", parent, parent_parts);
        let name = self.name("name", name);
        Some(parent?.child(&name?))
    }

    /// The name of a principal.
    pub fn principal(&mut self, field: &str, text: &str) -> Option<PrincipalName> {
        let text = self.required(field, text)?;
        self.take(field, PrincipalName::parse(text))
    }

    /// An etag: empty for none.
    pub fn etag(&mut self, text: &str) -> Option<Option<u64>> {
        if text.is_empty() {
            return Some(None);
        }
        match parse_etag(text) {
            Some(etag) => Some(Some(etag)),
            None => {
                self.add("etag", format!("`{}` is not an etag of this server", text.escape_debug()));
                None
            }
        }
    }

    /// The value when there was no fault, else all of them. A value is absent only when a fault was noted.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with a violation for each fault.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Status> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ if self.0.is_empty() => Err(status::malformed(&[("request".to_owned(), "is not complete".to_owned())])),
            _ => Err(status::malformed(&self.0)),
        }
    }
}

/// The etag as it is sent.
pub fn show_etag(etag: u64) -> String {
    format!("{etag:x}")
}

fn parse_etag(text: &str) -> Option<u64> {
    let etag = u64::from_str_radix(text, 16).ok()?;
    (show_etag(etag) == text).then_some(etag)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tonic_types::StatusExt;

    use super::*;

    fn fields(status: &Status) -> Vec<(String, String)> {
        let violations = status.get_details_bad_request().unwrap().field_violations;
        violations.into_iter().map(|v| (v.field, v.description)).collect()
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let mut faults = Faults::new();
        let child = faults.child("main", 2, "a b");
        let owner = faults.principal("owner", " bob");
        let etag = faults.etag("zz");
        assert!(child.is_none() && owner.is_none() && etag.is_none());
        let status = faults.finish::<()>(None).unwrap_err();
        let told = fields(&status);
        let names: Vec<_> = told.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(names, ["parent", "name", "owner", "etag"]);
        assert_eq!(told[0].1, "`main` has 1 of 2 parts: write it as catalog.schema");
    }

    #[test]
    fn a_fault_beside_a_value_is_still_a_fault() {
        let mut faults = Faults::new();
        faults.add("comment", "is too long");
        assert_eq!(fields(&faults.finish(Some(1)).unwrap_err()), [("comment".to_owned(), "is too long".to_owned())]);
    }

    #[test]
    fn an_absent_value_without_a_fault_is_refused() {
        assert_eq!(fields(&Faults::new().finish::<()>(None).unwrap_err())[0].0, "request");
    }

    #[rstest]
    #[case(0)]
    #[case(17)]
    #[case(u64::MAX)]
    fn etags_come_back_as_they_went(#[case] etag: u64) {
        assert_eq!(Faults::new().etag(&show_etag(etag)), Some(Some(etag)));
    }

    #[rstest]
    #[case("+1")]
    #[case("01")]
    #[case("FF")]
    #[case(" 1")]
    #[case("11111111111111111")]
    fn foreign_etags_are_faults(#[case] text: &str) {
        assert_eq!(Faults::new().etag(text), None);
    }
}

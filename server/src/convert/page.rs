//! Page sizes and page tokens.
//!
//! A token is opaque to clients: a version, a digest of what was asked for, and where the page before ended. The digest
//! refuses a token that is used with other arguments. It is no secret and gives no rights: a forged one only
//! says where to go on in a list that is filtered anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lakewarden_catalog::ops::page::{Listing, MAX_PAGE_SIZE, Page};
use sha2::{Digest as _, Sha256};

use super::Faults;

/// How many items a page has when the request does not say.
pub const DEFAULT_PAGE_SIZE: usize = 100;

const VERSION: u8 = 1;
const DIGEST_BYTES: usize = 8;
/// The longest token that is read, in bytes; a position is a name or a number.
const MAX_TOKEN: usize = 16 * 1024;

/// What a list request asks for, apart from the page: its method and arguments. Tokens are bound to it.
#[derive(Debug, Clone)]
pub struct Scope([u8; DIGEST_BYTES]);

impl Scope {
    /// The scope of a method with these arguments.
    pub fn new(method: &str, arguments: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(&method).chain(arguments) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut digest = [0; DIGEST_BYTES];
        for (to, from) in digest.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Self(digest)
    }

    /// Reads which page is asked for.
    pub fn page(&self, size: i32, token: &str, faults: &mut Faults) -> Option<Page> {
        let size = match usize::try_from(size) {
            Ok(0) => Some(DEFAULT_PAGE_SIZE),
            Ok(size) => Some(size.min(MAX_PAGE_SIZE)),
            Err(_) => {
                faults.add(
                    "page_size",
                    format!("{size} is negative: give 0 for {DEFAULT_PAGE_SIZE}, or up to {MAX_PAGE_SIZE}"),
                );
                None
            }
        };
        let after = if token.is_empty() { Some(None) } else { self.position(token, faults).map(Some) };
        Some(Page { size: size?, after: after? })
    }

    /// The token of the page behind a listing; empty when it was the last.
    pub fn next_token<T>(&self, listing: &Listing<T>) -> String {
        listing.next.as_deref().map(|next| self.token(next)).unwrap_or_default()
    }

    fn token(&self, position: &str) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn position(&self, token: &str, faults: &mut Faults) -> Option<String> {
        let position = self.decode(token);
        if position.is_none() {
            faults
                .add("page_token", "is not a token of this list: use the next_page_token of the same request, or none");
        }
        position
    }

    fn decode(&self, token: &str) -> Option<String> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let rest = bytes.strip_prefix(&[VERSION])?;
        let position = rest.strip_prefix(&self.0)?;
        String::from_utf8(position.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn ends_at(position: &str) -> Listing<()> {
        Listing { items: Vec::new(), next: Some(position.to_owned()) }
    }

    #[rstest]
    #[case(0, Some(100))]
    #[case(1, Some(1))]
    #[case(1000, Some(1000))]
    #[case(1001, Some(1000))]
    #[case(i32::MAX, Some(1000))]
    #[case(-1, None)]
    #[case(i32::MIN, None)]
    fn page_sizes_are_bounded(#[case] asked: i32, #[case] given: Option<usize>) {
        let page = Scope::new("ListCatalogs", &[]).page(asked, "", &mut Faults::new());
        assert_eq!(page.map(|page| page.size), given);
    }

    #[test]
    fn no_token_on_the_last_page() {
        let last = Listing::<()> { items: Vec::new(), next: None };
        assert_eq!(Scope::new("ListCatalogs", &[]).next_token(&last), "");
    }

    #[rstest]
    #[case("ListSchemas", &["other"])]
    #[case("ListSchemas", &["main", ""])]
    #[case("ListSchemas", &["mai", "n"])]
    #[case("ListTables", &["main"])]
    fn a_token_of_another_request_is_a_fault(#[case] method: &str, #[case] arguments: &[&str]) {
        let token = Scope::new("ListSchemas", &["main"]).next_token(&ends_at("sales"));
        let mut faults = Faults::new();
        assert!(Scope::new(method, arguments).page(0, &token, &mut faults).is_none());
        assert!(faults.finish(Some(())).is_err());
    }

    #[test]
    fn both_faults_of_a_page_are_told() {
        let mut faults = Faults::new();
        assert!(Scope::new("ListCatalogs", &[]).page(-1, "x", &mut faults).is_none());
        let status = faults.finish(Some(())).unwrap_err();
        let told = tonic_types::StatusExt::get_details_bad_request(&status).unwrap().field_violations;
        assert_eq!(told.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), ["page_size", "page_token"]);
    }

    proptest! {
        #[test]
        fn tokens_come_back_as_they_went(position in ".*", argument in ".*") {
            let scope = Scope::new("ListTables", &[&argument]);
            let token = scope.next_token(&ends_at(&position));
            let page = scope.page(5, &token, &mut Faults::new()).unwrap();
            prop_assert_eq!(page.after, Some(position));
        }

        #[test]
        fn any_text_is_read_without_harm(token in ".*") {
            let _ = Scope::new("ListTables", &["main"]).page(5, &token, &mut Faults::new());
        }
    }
}

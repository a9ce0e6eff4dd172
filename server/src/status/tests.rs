use std::fmt::Write as _;

use lakewarden_catalog::model::SecurableKind;
use rstest::rstest;
use uuid::Uuid;

use super::*;

const KINDS: [ErrorKind; 12] = [
    ErrorKind::InvalidArgument,
    ErrorKind::Unauthenticated,
    ErrorKind::PermissionDenied,
    ErrorKind::NotFound,
    ErrorKind::AlreadyExists,
    ErrorKind::FailedPrecondition,
    ErrorKind::Conflict,
    ErrorKind::LimitExceeded,
    ErrorKind::TimedOut,
    ErrorKind::Unimplemented,
    ErrorKind::Unavailable,
    ErrorKind::Internal,
];

#[test]
fn table_of_kinds_is_the_one_documented() {
    let mut text = String::new();
    for kind in KINDS {
        let _ = writeln!(text, "{kind:?} {:?} {} {}", code(kind), http_status(kind), kind.sqlstate());
    }
    insta::assert_snapshot!(text, @r"
    InvalidArgument InvalidArgument 400 22023
    Unauthenticated Unauthenticated 401 28000
    PermissionDenied PermissionDenied 403 42501
    NotFound NotFound 404 42704
    AlreadyExists AlreadyExists 409 42710
    FailedPrecondition FailedPrecondition 409 55000
    Conflict Aborted 409 40001
    LimitExceeded ResourceExhausted 429 53000
    TimedOut DeadlineExceeded 504 57014
    Unimplemented Unimplemented 501 0A000
    Unavailable Unavailable 503 57P03
    Internal Internal 500 XX000
    ");
}

#[test]
fn catalog_error_keeps_its_reason_state_and_object() {
    let error = CatalogError::not_found(SecurableKind::Table, "main.sales.orders");
    let status = status(&error, Some(RequestId(Uuid::from_u128(7))));
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.message(), "table `main.sales.orders` does not exist, or you may not see it");
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("TABLE_NOT_FOUND", "lakewarden"));
    assert_eq!(info.metadata["sqlstate"], "42P01");
    assert_eq!(info.metadata["resource_type"], "table");
    assert_eq!(info.metadata["resource_name"], "main.sales.orders");
    assert_eq!(info.metadata["request_id"], Uuid::from_u128(7).to_string());
}

#[test]
fn invalid_argument_of_the_catalog_names_its_field() {
    let status = status(&CatalogError::invalid("name", "name `a b` holds a blank"), None);
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(
        (violations[0].field.as_str(), violations[0].description.as_str()),
        ("name", "name `a b` holds a blank")
    );
}

#[test]
fn internal_error_tells_nothing_but_the_request() {
    let error = CatalogError::internal("row 17 of /var/data is broken");
    let status = status(&error, Some(RequestId(Uuid::from_u128(9))));
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.message(), format!("internal error (request {})", Uuid::from_u128(9)));
    assert!(!format!("{status:?}").contains("row 17"));
    assert!(!String::from_utf8_lossy(status.details()).contains("row 17"));
}

#[test]
fn every_violation_is_told() {
    let faults =
        [("name".to_owned(), "is empty".to_owned()), ("columns[2].type_text".to_owned(), "is empty".to_owned())];
    let status = malformed(&faults);
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "2 fields are wrong: name: is empty; columns[2].type_text: is empty");
    let fields: Vec<_> =
        status.get_details_bad_request().unwrap().field_violations.into_iter().map(|v| v.field).collect();
    assert_eq!(fields, ["name", "columns[2].type_text"]);
}

#[rstest]
#[case("x".repeat(1_000_000))]
#[case("\u{1F525}".repeat(100_000))]
#[case("\u{e9}\n\0".repeat(100_000))]
fn a_status_fits_into_trailers_whatever_the_caller_wrote(#[case] text: String) {
    let faults: Vec<_> = (0..1000).map(|i| (format!("columns[{i}].{text}"), text.clone())).collect();
    for status in [malformed(&faults), status(&CatalogError::not_found(SecurableKind::Table, text.clone()), None)] {
        let mut headers = tonic::codegen::http::HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        assert!(bytes < 15_000, "{bytes} bytes of trailers");
    }
}

#[rstest]
#[case("abcdef", 6, "abcdef")]
#[case("abcdefg", 6, "abc...")]
#[case("\u{e9}\u{e9}\u{e9}\u{e9}", 6, "\u{e9}...")]
#[case("", 6, "")]
fn clip_cuts_at_characters(#[case] text: &str, #[case] max: usize, #[case] expected: &str) {
    assert_eq!(clip(text, max), expected);
}

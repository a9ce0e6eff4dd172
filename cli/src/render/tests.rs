use super::*;
use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, NullArray,
    RecordBatch, StringArray,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a use of the output writes to stdout and to stderr.
fn written(format: Format, to_terminal: bool, work: impl FnOnce(&mut Output)) -> (String, String) {
    let (out, messages) = (Shared::default(), Shared::default());
    let mut output = Output::captured(format, Box::new(out.clone()), Box::new(messages.clone()));
    output.to_terminal = to_terminal;
    work(&mut output);
    let text = |shared: Shared| String::from_utf8(shared.0.borrow().clone()).unwrap();
    (text(out), text(messages))
}

fn people() -> Vec<Record> {
    let person = |name: &str, comment: &str, size: i64| {
        Record::new()
            .with("full_name", name)
            .with("comment", Value::optional(comment))
            .with("size", Value::Number(size))
            .with("tags", Value::Map(vec![("team".to_owned(), "sales".into())]))
    };
    vec![person("bob", "", 1), person("NULL", "two\nlines, \"quoted\"", 22), person("eve\u{1b}[31m", "\u{202e}x", 3)]
}

const FIELDS: &[&str] = &["full_name", "comment", "tags"];

#[test]
fn a_list_as_a_table_shows_null_and_counts_rows_apart() {
    let (out, messages) = written(Format::Table, true, |o| o.list("user", &people(), FIELDS).unwrap());
    insta::assert_snapshot!(out);
    assert_eq!(messages, "3 users\n");
    assert!(!out.contains('\u{1b}'));
}

#[test]
fn a_list_as_json_is_one_array_that_says_everything() {
    let (out, messages) = written(Format::Json, false, |o| o.list("user", &people(), FIELDS).unwrap());
    insta::assert_snapshot!(out);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value[2]["full_name"], "eve\u{1b}[31m");
    assert_eq!((value[0]["comment"].is_null(), value[1]["size"].as_i64()), (true, Some(22)));
    assert_eq!(messages, "");
}

#[test]
fn a_list_as_csv_follows_rfc_4180() {
    let (out, _) = written(Format::Csv, false, |o| o.list("user", &people(), FIELDS).unwrap());
    let expected = "full_name,comment,size,tags\r\nbob,,1,team=sales\r\nNULL,\"two\nlines, \"\"quoted\"\"\",22,team=sales\r\n\
                    eve\u{1b}[31m,\u{202e}x,3,team=sales\r\n";
    assert_eq!(out, expected);
    let (shown, _) = written(Format::Csv, true, |o| o.list("user", &people(), FIELDS).unwrap());
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
}

#[test]
fn an_empty_list_is_still_a_list() {
    assert_eq!(written(Format::Json, false, |o| o.list("user", &[], FIELDS).unwrap()).0, "[]\n");
    assert_eq!(written(Format::Csv, false, |o| o.list("user", &[], FIELDS).unwrap()).0, "full_name,comment,tags\r\n");
    let (out, messages) = written(Format::Table, false, |o| o.list("policy", &[], FIELDS).unwrap());
    assert_eq!(
        (out.as_str(), messages.as_str()),
        (" full name | comment | tags\n-----------+---------+------\n", "0 policies\n")
    );
}

#[test]
fn a_single_thing_shows_its_fields_one_below_the_other() {
    let columns = vec![
        Record::new().with("column", "id").with("nullable", false).into(),
        Record::new().with("column", "na\u{1b}me").with("nullable", true).into(),
    ];
    let record = Record::new()
        .with("full_name", "demo.tpch.orders")
        .with("comment", Value::Null)
        .with("query", "SELECT 1\nFROM t")
        .with("columns", Value::List(columns))
        .with("groups", Value::texts(["a", "b"]));
    let (out, messages) = written(Format::Table, false, |o| o.record(&record).unwrap());
    insta::assert_snapshot!(out);
    assert_eq!(messages, "");
    insta::assert_snapshot!(written(Format::Json, false, |o| o.record(&record).unwrap()).0);
}

#[test]
fn a_table_keeps_to_the_width_of_the_terminal() {
    let long = Record::new().with("full_name", "demo").with("comment", "word ".repeat(60)).with("tags", Value::Null);
    let (out, _) = written(Format::Table, true, |o| {
        o.width = Some(60);
        o.list("user", &[long], FIELDS).unwrap();
    });
    assert!(out.lines().count() > 4 && out.lines().all(|line| line.chars().count() <= 60), "{out}");
}

#[test]
fn messages_cannot_carry_escape_codes() {
    let (_, messages) = written(Format::Table, true, |o| o.message("deleted `\u{1b}[2J\n`"));
    assert_eq!(messages, "deleted `\\u{1b}[2J\\n`\n");
}

fn batch() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), None, Some(-300)])), true),
        (
            "na\u{1b}me",
            Arc::new(StringArray::from(vec![Some("plain"), Some("NULL"), Some("a,\"b\"\n\u{1b}[0m")])),
            true,
        ),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![Some(12_345), None, Some(-1)]).with_precision_and_scale(15, 2).unwrap(),
            ),
            true,
        ),
        ("ratio", Arc::new(Float64Array::from(vec![Some(0.5), Some(1e300), None])), true),
        ("open", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn rows(format: Format, batches: &[RecordBatch]) -> String {
    let (out, _) = written(format, true, |o| {
        let mut writer = BatchWriter::begin(o, &batch().schema()).unwrap();
        for batch in batches {
            writer.push(o, batch.clone()).unwrap();
        }
        let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(writer.finish(o).unwrap(), count);
    });
    out
}

#[test]
fn rows_as_a_table_have_numbers_to_the_right() {
    insta::assert_snapshot!(rows(Format::Table, &[batch()]));
}

#[test]
fn rows_as_json_are_one_array_over_all_batches() {
    let out = rows(Format::Json, &[batch(), batch()]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value.as_array().unwrap().len(), 6);
    assert_eq!(value[1]["id"], serde_json::Value::Null);
    assert_eq!(value[2]["na\u{1b}me"], "a,\"b\"\n\u{1b}[0m");
    insta::assert_snapshot!(rows(Format::Json, &[batch()]));
    assert_eq!(rows(Format::Json, &[]), "[]\n");
}

#[test]
fn rows_as_csv_tell_nothing_from_empty() {
    insta::assert_debug_snapshot!(rows(Format::Csv, &[batch()]));
    let empty =
        RecordBatch::try_from_iter([("a", Arc::new(StringArray::from(vec![Some(""), None])) as ArrayRef)]).unwrap();
    let (out, _) = written(Format::Csv, false, |o| {
        let mut writer = BatchWriter::begin(o, &empty.schema()).unwrap();
        writer.push(o, empty.clone()).unwrap();
        writer.finish(o).unwrap();
    });
    assert_eq!(out, "a\r\n\"\"\r\n\r\n");
}

#[test]
fn null_is_null_in_a_column_without_a_type_and_behind_a_dictionary() {
    let untyped: ArrayRef = Arc::new(NullArray::new(1));
    let dictionary: ArrayRef = Arc::new(
        DictionaryArray::try_new(Int32Array::from(vec![0]), Arc::new(StringArray::from(vec![None::<&str>]))).unwrap(),
    );
    let batch = RecordBatch::try_from_iter([("a", untyped), ("b", dictionary)]).unwrap();
    let shown = |format| {
        written(format, false, |o| {
            let mut writer = BatchWriter::begin(o, &batch.schema()).unwrap();
            writer.push(o, batch.clone()).unwrap();
            writer.finish(o).unwrap();
        })
        .0
    };
    assert_eq!(shown(Format::Table), " a    | b\n------+------\n NULL | NULL\n");
    assert_eq!(shown(Format::Csv), "a,b\r\n,\r\n");
    assert!(shown(Format::Json).contains("\"a\":null"));
}

#[test]
fn a_column_name_that_comes_twice_is_told_apart_in_json() {
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch =
        RecordBatch::try_from_iter([("a", one.clone()), ("a", one.clone()), ("a_2", one.clone()), ("a", one)]).unwrap();
    let (out, _) = written(Format::Json, false, |o| {
        let mut writer = BatchWriter::begin(o, &batch.schema()).unwrap();
        writer.push(o, batch.clone()).unwrap();
        writer.finish(o).unwrap();
    });
    assert_eq!(out, "[\n {\"a\":1,\"a_3\":1,\"a_2\":1,\"a_4\":1}\n]\n");
}

#[test]
fn a_long_answer_is_shown_as_several_tables() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..6_000));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let (out, _) = written(Format::Table, false, |o| {
        let mut writer = BatchWriter::begin(o, &batch.schema()).unwrap();
        for _ in 0..4 {
            writer.push(o, batch.clone()).unwrap();
        }
        assert_eq!(writer.finish(o).unwrap(), 24_000);
    });
    assert_eq!(out.lines().count(), 24_000 + 2 * 2);
}

#[test]
fn counts_read_well() {
    assert_eq!([counted(1, "row"), counted(0, "row"), counted(2, "policy")], ["1 row", "0 rows", "2 policies"]);
}

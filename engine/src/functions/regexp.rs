//! Regular expressions as Spark has them: Java's words, lookaround and backreferences, all matches replaced.
//!
//! `\w`, `\d`, `\s` and `\b` know all letters and digits, as Java's do under `(?U)`: a mask covers `É` as it covers `E`.

mod pattern;
mod replacement;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanBuilder, Int32Builder, ListBuilder, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use fancy_regex::Captures;

use self::pattern::{Compiled, Pattern, Spending};
use self::replacement::Replacement;
use super::native::{Growth, Native, Takes, rows, text, texts, whole};

/// The functions.
pub(super) const FUNCTIONS: &[Native] = &[
    Native {
        name: "regexp_like",
        aliases: &["rlike", "regexp"],
        takes: &[Takes::Text, Takes::Text],
        required: 2,
        returns: || DataType::Boolean,
        run: like,
    },
    Native {
        name: "regexp_replace",
        aliases: &[],
        takes: &[Takes::Text, Takes::Text, Takes::Text, Takes::Whole],
        required: 3,
        returns: || DataType::Utf8View,
        run: replace,
    },
    Native {
        name: "regexp_extract",
        aliases: &[],
        takes: &[Takes::Text, Takes::Text, Takes::Whole],
        required: 2,
        returns: || DataType::Utf8View,
        run: extract,
    },
    Native {
        name: "regexp_extract_all",
        aliases: &[],
        takes: &[Takes::Text, Takes::Text, Takes::Whole],
        required: 2,
        returns: text_list,
        run: extract_all,
    },
    Native {
        name: "regexp_substr",
        aliases: &[],
        takes: &[Takes::Text, Takes::Text],
        required: 2,
        returns: || DataType::Utf8View,
        run: substr,
    },
    Native {
        name: "regexp_count",
        aliases: &[],
        takes: &[Takes::Text, Takes::Text],
        required: 2,
        returns: || DataType::Int32,
        run: count,
    },
    Native {
        name: "regexp_instr",
        aliases: &[],
        takes: &[Takes::Text, Takes::Text, Takes::Whole],
        required: 2,
        returns: || DataType::Int32,
        run: instr,
    },
    Native {
        name: "split",
        aliases: &[],
        takes: &[Takes::Text, Takes::Text, Takes::Whole],
        required: 2,
        returns: text_list,
        run: split,
    },
];

/// Bytes that an element of a list is counted as, besides its text.
const ELEMENT_BYTES: usize = 16;

fn text_list() -> DataType {
    DataType::new_list(DataType::Utf8View, true)
}

/// Calls `each` with the text and the pattern of every row; with none where one of the two is NULL.
fn each_row<'t>(
    args: &'t [ArrayRef],
    mut each: impl FnMut(usize, Option<(&'t str, &Pattern)>, &Spending) -> Result<()>,
) -> Result<()> {
    let (given, patterns) = (texts(args, 0), texts(args, 1));
    let (mut compiled, spending) = (Compiled::default(), Spending::start());
    for row in 0..rows(args) {
        match (text(given, row), text(patterns, row)) {
            (Some(given), Some(pattern)) => {
                spending.check()?;
                each(row, Some((given, compiled.pattern(pattern)?)), &spending)?;
            }
            _ => each(row, None, &spending)?,
        }
    }
    Ok(())
}

fn like(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut answers = BooleanBuilder::with_capacity(rows(args));
    each_row(args, |_, given, _| {
        answers.append_option(given.map(|(text, pattern)| pattern.is_match(text)).transpose()?);
        Ok(())
    })?;
    Ok(Arc::new(answers.finish()))
}

fn replace(args: &[ArrayRef]) -> Result<ArrayRef> {
    let replacements = texts(args, 2);
    let mut answers = StringViewBuilder::with_capacity(rows(args));
    let mut growth = Growth::beyond("regexp_replace", texts(args, 0));
    each_row(args, |row, given, spending| {
        let (Some((given, pattern)), Some(with)) = (given, text(replacements, row)) else {
            answers.append_null();
            return Ok(());
        };
        let position = match args.get(3) {
            Some(_) => whole(args, 3, row),
            None => Some(1),
        };
        let Some(position) = position else {
            answers.append_null();
            return Ok(());
        };
        let Some((before, given)) = from_position(given, position)? else {
            answers.append_value(given);
            return Ok(());
        };
        let with = Replacement::parse(with, pattern)?;
        let mut made = before.to_owned();
        made.push_str(&replaced(given, pattern, &with, spending, &mut growth)?);
        answers.append_value(made);
        Ok(())
    })?;
    Ok(Arc::new(answers.finish()))
}

/// What lies before a position and what begins there; none when it lies behind the end.
fn from_position(text: &str, position: i64) -> Result<Option<(&str, &str)>> {
    if position == 1 {
        return Ok(Some(("", text)));
    }
    let Some(skipped) = usize::try_from(position).ok().and_then(|position| position.checked_sub(1)) else {
        return exec_err!("the position of regexp_replace is 1 or more, not {position}");
    };
    Ok(text.char_indices().nth(skipped).and_then(|(at, _)| text.split_at_checked(at)))
}

fn replaced(
    text: &str,
    pattern: &Pattern,
    with: &Replacement,
    spending: &Spending,
    growth: &mut Growth,
) -> Result<String> {
    let mut made = String::new();
    let mut done = 0;
    pattern.every(text, spending, |found| {
        let (start, end) = found.get(0).map_or((done, done), |whole| (whole.start(), whole.end()));
        let kept = text.get(done..start).unwrap_or_default();
        growth.make(kept.len() + with.len(found))?;
        made.push_str(kept);
        with.write(found, &mut made);
        done = end;
        Ok(true)
    })?;
    made.push_str(text.get(done..).unwrap_or_default());
    Ok(made)
}

/// The group that a row asks for, the first one when it doesn't say; none for NULL.
fn wanted_group(args: &[ArrayRef], row: usize, pattern: &Pattern) -> Result<Option<usize>> {
    let asked = match args.get(2) {
        Some(_) => whole(args, 2, row),
        None => Some(1),
    };
    let Some(asked) = asked else { return Ok(None) };
    match usize::try_from(asked).ok().filter(|number| *number <= pattern.groups()) {
        Some(number) => Ok(Some(number)),
        None => exec_err!("there is no group {asked}: the regular expression has {}", pattern.groups()),
    }
}

fn group_text<'t>(found: &Captures<'t, str>, number: usize) -> &'t str {
    found.get(number).map_or("", |group| group.as_str())
}

fn extract(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut answers = StringViewBuilder::with_capacity(rows(args));
    each_row(args, |row, given, _| {
        let Some((given, pattern)) = given else {
            answers.append_null();
            return Ok(());
        };
        let Some(group) = wanted_group(args, row, pattern)? else {
            answers.append_null();
            return Ok(());
        };
        answers.append_value(pattern.first(given)?.map_or("", |found| group_text(&found, group)));
        Ok(())
    })?;
    Ok(Arc::new(answers.finish()))
}

fn extract_all(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut answers = ListBuilder::new(StringViewBuilder::new());
    let mut growth = Growth::beyond("regexp_extract_all", texts(args, 0));
    each_row(args, |row, given, spending| {
        let group = given.map(|(_, pattern)| wanted_group(args, row, pattern)).transpose()?.flatten();
        if let (Some((given, pattern)), Some(group)) = (given, group) {
            pattern.every(given, spending, |found| {
                let found = group_text(found, group);
                growth.make(found.len() + ELEMENT_BYTES)?;
                answers.values().append_value(found);
                Ok(true)
            })?;
            answers.append(true);
        } else {
            answers.append(false);
        }
        Ok(())
    })?;
    Ok(Arc::new(answers.finish()))
}

fn substr(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut answers = StringViewBuilder::with_capacity(rows(args));
    each_row(args, |_, given, _| {
        let found = given.map(|(given, pattern)| pattern.first(given)).transpose()?.flatten();
        answers.append_option(found.as_ref().map(|found| group_text(found, 0)));
        Ok(())
    })?;
    Ok(Arc::new(answers.finish()))
}

fn count(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut answers = Int32Builder::with_capacity(rows(args));
    each_row(args, |_, given, spending| {
        let Some((given, pattern)) = given else {
            answers.append_null();
            return Ok(());
        };
        let mut matches = 0_i32;
        pattern.every(given, spending, |_| {
            matches = matches.saturating_add(1);
            Ok(true)
        })?;
        answers.append_value(matches);
        Ok(())
    })?;
    Ok(Arc::new(answers.finish()))
}

/// The place of the first match in characters, 0 when there is none. The group that may be given says nothing, as in Spark.
fn instr(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut answers = Int32Builder::with_capacity(rows(args));
    each_row(args, |row, given, _| {
        let is_null = args.get(2).is_some_and(|group| group.is_null(row));
        let Some((given, pattern)) = given.filter(|_| !is_null) else {
            answers.append_null();
            return Ok(());
        };
        let start = pattern.first(given)?.and_then(|found| found.get(0).map(|whole| whole.start()));
        let place = start.and_then(|start| given.get(..start)).map_or(0, |before| before.chars().count() + 1);
        answers.append_value(i32::try_from(place).unwrap_or(i32::MAX));
        Ok(())
    })?;
    Ok(Arc::new(answers.finish()))
}

/// The parts between the matches; at most as many as the limit says where it is more than 0. An empty match cuts nothing off at the start.
fn split(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut answers = ListBuilder::new(StringViewBuilder::new());
    let mut growth = Growth::beyond("split", texts(args, 0));
    each_row(args, |row, given, spending| {
        let limit = match args.get(2) {
            Some(_) => whole(args, 2, row),
            None => Some(-1),
        };
        let (Some((given, pattern)), Some(limit)) = (given, limit) else {
            answers.append(false);
            return Ok(());
        };
        let most = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let (mut done, mut parts) = (0, 1);
        pattern.every(given, spending, |found| {
            let (start, end) = found.get(0).map_or((done, done), |whole| (whole.start(), whole.end()));
            if parts >= most || (end == 0 && start == 0) || (start == end && start == given.len()) {
                return Ok(parts < most);
            }
            let part = given.get(done..start).unwrap_or_default();
            growth.make(part.len() + ELEMENT_BYTES)?;
            answers.values().append_value(part);
            (done, parts) = (end, parts + 1);
            Ok(true)
        })?;
        answers.values().append_value(given.get(done..).unwrap_or_default());
        answers.append(true);
        Ok(())
    })?;
    Ok(Arc::new(answers.finish()))
}

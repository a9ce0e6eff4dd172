//! Names as they are written on the command line: parts joined by dots, a part in backticks when it is not a plain word, a
//! backtick inside doubled. What a name may be is decided by the server.

/// The name of something new: the full name of its parent, as written, and its own name, without backticks.
///
/// # Errors
/// When the name does not have `parts` parts; the text says how it is written.
pub fn split_new(text: &str, parts: usize) -> Result<(String, String), String> {
    let found = split_at(text, '.').ok_or_else(|| format!("`{text}` is no name: {}", how(parts)))?;
    match found.split_last() {
        Some((last, parents)) if found.len() == parts => Ok((parents.join("."), unquote(last))),
        _ => Err(format!("`{text}` has {}: {}", crate::render::counted(found.len(), "part"), how(parts))),
    }
}

fn how(parts: usize) -> &'static str {
    match parts {
        1 => "write one part, in backticks if there is a dot in it",
        2 => "write CATALOG.SCHEMA",
        _ => "write CATALOG.SCHEMA.NAME",
    }
}

/// The parts of a text between marks, as they are written; `None` when a part is empty or a backtick is open.
pub fn split_at(text: &str, mark: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let end = quoted_end(rest)?.unwrap_or_else(|| rest.find(mark).unwrap_or(rest.len()));
        let (part, tail) = rest.split_at_checked(end)?;
        if part.trim().is_empty() {
            return None;
        }
        parts.push(part.trim());
        match tail.trim_start().strip_prefix(mark) {
            Some(next) => rest = next.trim_start(),
            None if tail.trim().is_empty() => return Some(parts),
            None => return None,
        }
    }
}

/// Where the first word of the text ends, be it plain or in backticks.
pub fn part_end(text: &str) -> Option<usize> {
    Some(quoted_end(text)?.unwrap_or_else(|| text.find(char::is_whitespace).unwrap_or(text.len())))
}

/// Where a part in backticks ends: `None` when it never does, `Some(None)` when the text does not begin with one.
fn quoted_end(text: &str) -> Option<Option<usize>> {
    if !text.starts_with('`') {
        return Some(None);
    }
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '`' {
            match chars.peek() {
                Some((_, '`')) => chars.next(),
                _ => return Some(Some(at + 1)),
            };
        }
    }
    None
}

/// A part without its backticks.
pub fn unquote(part: &str) -> String {
    match part.strip_prefix('`').and_then(|p| p.strip_suffix('`')) {
        Some(inner) => inner.replace("``", "`"),
        None => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("demo", 1, "", "demo")]
    #[case("`my-cat`", 1, "", "my-cat")]
    #[case("demo.tpch", 2, "demo", "tpch")]
    #[case("`a.b`.`c``d`", 2, "`a.b`", "c`d")]
    #[case("demo.tpch.orders", 3, "demo.tpch", "orders")]
    #[case("demo . tpch . orders", 3, "demo.tpch", "orders")]
    #[case("größe.表", 2, "größe", "表")]
    fn names_fall_into_parent_and_last_part(
        #[case] text: &str,
        #[case] parts: usize,
        #[case] parent: &str,
        #[case] name: &str,
    ) {
        assert_eq!(split_new(text, parts), Ok((parent.to_owned(), name.to_owned())));
    }

    #[rstest]
    #[case("", 1)]
    #[case("a.b", 1)]
    #[case("a", 2)]
    #[case("a..b", 3)]
    #[case(".a", 2)]
    #[case("a.", 2)]
    #[case("`a", 1)]
    #[case("`a`b", 1)]
    #[case("a.b.c.d", 3)]
    fn other_texts_are_refused(#[case] text: &str, #[case] parts: usize) {
        assert!(split_new(text, parts).is_err());
    }
}

//! The values that nobody who is bound by the policies may come by, in every form that they could leave the server in.

/// What a reader who isn't bound finds, and one who is bound must not.
pub struct Mark {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// A number that hidden rows have.
pub const NUMBER: i64 = 987_654_321;

pub fn marks() -> Vec<Mark> {
    let mut marks: Vec<Mark> = [
        ("text", "CANARY"),
        ("text in lower case", "canary"),
        ("text backwards", "YRANAC"),
        ("text in hexadecimal digits", "43414e415259"),
        ("text in base64", "Q0FOQVJZ"),
        ("number as text", "987654321"),
        ("decimal as text", "98765432109.87"),
        ("date as text", "2177-07-07"),
        ("bytes in hexadecimal digits", "cafebabedeadbeef"),
    ]
    .map(|(name, text)| Mark { name, bytes: text.as_bytes().to_vec() })
    .into();
    let days: i32 = 75_793;
    let micros = i64::from(days) * 86_400_000_000 + 25_627_777_777;
    for (name, bytes) in [
        ("number", NUMBER.to_le_bytes()[..4].to_vec()),
        ("decimal", 9_876_543_210_987_i64.to_le_bytes().to_vec()),
        ("date", days.to_le_bytes().to_vec()),
        ("time", micros.to_le_bytes().to_vec()),
        ("double", 98_765.432_1_f64.to_le_bytes().to_vec()),
        ("bytes", vec![0xca, 0xfe, 0xba, 0xbe, 0xde, 0xad, 0xbe, 0xef]),
    ] {
        marks.push(Mark { name, bytes });
    }
    marks
}

/// What tells of files, folders and rows that aren't shown: in no plan, error or metric.
pub fn traces(data: &str) -> Vec<Mark> {
    let each = [("a data file", ".parquet"), ("a log", "_delta_log"), ("a partition", "k="), ("a folder", data)];
    each.map(|(name, text)| Mark { name, bytes: text.as_bytes().to_vec() }).into()
}

pub fn found<'a>(marks: &'a [Mark], bytes: &[u8]) -> Option<&'a str> {
    marks.iter().find(|mark| holds(bytes, &mark.bytes)).map(|mark| mark.name)
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    let Some((first, _)) = mark.split_first() else { return false };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(mark) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

//! Durations as people write them: `90s`, `15m`, `8h`, `30d`, `2w`, and sums such as `1d12h`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];

/// Reads a duration.
///
/// # Errors
/// The text says what is wrong with it and how durations are written.
pub fn parse(text: &str) -> Result<Duration, String> {
    let fault = |why: &str| format!("{why}: write a number and a unit, as in 90s, 15m, 8h, 30d or 1d12h");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(fault("it is empty"));
    }
    let mut seconds = 0u64;
    while !rest.is_empty() {
        let digits_end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(|| fault("the unit is missing"))?;
        let (digits, tail) = rest.split_at(digits_end);
        let number: u64 = digits.parse().map_err(|_| fault("there is no whole number before the unit"))?;
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| fault("the unit is not known"))?;
        seconds = number
            .checked_mul(*factor)
            .and_then(|part| seconds.checked_add(part))
            .ok_or_else(|| fault("it is too long"))?;
        rest = next.trim_start();
    }
    if seconds == 0 {
        return Err(fault("it must be longer than nothing"));
    }
    if i64::try_from(seconds).ok().and_then(|s| s.checked_mul(1000)).is_none() {
        return Err(fault("it is too long"));
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("90s", 90)]
    #[case("15m", 900)]
    #[case("8h", 28_800)]
    #[case("30d", 2_592_000)]
    #[case("2w", 1_209_600)]
    #[case("1d12h", 129_600)]
    #[case(" 1h 30m ", 5_400)]
    fn readable_durations_are_read(#[case] text: &str, #[case] seconds: u64) {
        assert_eq!(parse(text), Ok(Duration::from_secs(seconds)));
    }

    #[rstest]
    #[case("")]
    #[case("8")]
    #[case("h")]
    #[case("0h")]
    #[case("-1h")]
    #[case("1.5h")]
    #[case("8 hours")]
    #[case("1y")]
    #[case("99999999999999999999s")]
    #[case("9999999999999999w")]
    #[case("10000000000000000s")]
    fn other_texts_are_refused_with_an_example(#[case] text: &str) {
        let message = parse(text).unwrap_err();
        assert!(message.contains("8h"), "{message}");
    }
}

//! Durations as text: `"250 ms"`.

use std::time::Duration;

/// Every unit, from the largest to the smallest, in nanoseconds.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// How a duration is written, for messages.
pub(super) const FORM: &str = "a whole number and one of ns, us, ms, s, min, h, such as \"250 ms\"";

/// Reads `"250 ms"`; `None` if it is not of that form or too long to count in nanoseconds.
pub(super) fn read(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*nanos).map(Duration::from_nanos)
}

/// The duration in the largest unit that divides it.
pub(super) fn shown(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let whole = UNITS.iter().find(|(_, unit)| nanos != 0 && nanos.is_multiple_of((*unit).into()));
    whole.map_or_else(
        || "0 s".to_owned(),
        |(name, unit)| format!("{} {name}", nanos / u128::from(*unit)),
    )
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_written_form_is_read() {
        assert_eq!(read(" 250ms "), Some(Duration::from_millis(250)));
        assert_eq!(read("2 h"), Some(Duration::from_secs(7200)));
        for text in ["", "5", "ms", "-1 s", "1.5 s", "1 day", "1 s s", "99999999999999 h"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(nanos: u64) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(read(&shown(duration)), Some(duration));
        }
    }
}

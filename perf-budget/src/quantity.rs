//! A number with its unit: what a limit says and what a measurement yields.
//!
//! Owns the reading of `"1 ms"`, `"50_000 /s"`, `"1.15 x"`, `"4 KiB"`, `"99.9 %"` and `"0"`, and the
//! way such values are shown. Knows nothing of budgets.

use std::fmt;
use std::str::FromStr;

/// What a [`Quantity`] counts, in its base unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Time, in nanoseconds.
    Nanoseconds,
    /// A rate, in operations a second.
    PerSecond,
    /// A quotient of two measurements taken side by side (`1.15 x`).
    Ratio,
    /// Things counted an operation: instructions, allocations.
    Count,
    /// Memory, in bytes.
    Bytes,
    /// A share between 0 and 1, written in percent.
    Fraction,
}

impl Unit {
    /// The unit's name in a sentence, with an example of how a value is written.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Nanoseconds => "a time such as \"1 ms\"",
            Self::PerSecond => "a rate such as \"50_000 /s\"",
            Self::Ratio => "a ratio such as \"1.15 x\"",
            Self::Count => "a plain count such as \"120\"",
            Self::Bytes => "a size such as \"4 KiB\"",
            Self::Fraction => "a share such as \"99.9 %\"",
        }
    }
}

/// A finite number and its unit.
///
/// ```
/// use perf_budget::{Quantity, Unit};
///
/// let limit: Quantity = "1.5 ms".parse()?;
/// assert_eq!((limit.value(), limit.unit()), (1_500_000.0, Unit::Nanoseconds));
/// assert_eq!(limit.to_string(), "1.50 ms");
/// # Ok::<(), perf_budget::QuantityError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    value: f64,
    unit: Unit,
}

/// Why a text is no [`Quantity`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// The part before the unit is not a finite number.
    Number(String),
    /// The part behind the number names no unit.
    Unit(String),
    /// A negative value, for which no limit has a meaning.
    Negative(String),
}

/// Every written unit: its spelling, what it counts, and how many base units it is.
const SPELLINGS: [(&str, Unit, f64); 20] = [
    ("ns", Unit::Nanoseconds, 1.0),
    ("us", Unit::Nanoseconds, 1e3),
    ("µs", Unit::Nanoseconds, 1e3),
    ("ms", Unit::Nanoseconds, 1e6),
    ("s", Unit::Nanoseconds, 1e9),
    ("min", Unit::Nanoseconds, 60e9),
    ("/s", Unit::PerSecond, 1.0),
    ("k/s", Unit::PerSecond, 1e3),
    ("M/s", Unit::PerSecond, 1e6),
    ("x", Unit::Ratio, 1.0),
    ("", Unit::Count, 1.0),
    ("B", Unit::Bytes, 1.0),
    ("kB", Unit::Bytes, 1e3),
    ("KB", Unit::Bytes, 1e3),
    ("MB", Unit::Bytes, 1e6),
    ("GB", Unit::Bytes, 1e9),
    ("KiB", Unit::Bytes, 1024.0),
    ("MiB", Unit::Bytes, 1_048_576.0),
    ("GiB", Unit::Bytes, 1_073_741_824.0),
    ("%", Unit::Fraction, 0.01),
];

impl Quantity {
    /// `value` in the base unit of `unit`; `None` if it is not finite.
    pub const fn new(value: f64, unit: Unit) -> Option<Self> {
        if value.is_finite() { Some(Self { value, unit }) } else { None }
    }

    /// Nothing of `unit`.
    pub const fn zero(unit: Unit) -> Self {
        Self { value: 0.0, unit }
    }

    /// The number, in the base unit of [`unit`](Self::unit).
    pub const fn value(self) -> f64 {
        self.value
    }

    /// What the number counts.
    pub const fn unit(self) -> Unit {
        self.unit
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
        let number_ends = text
            .char_indices()
            .find(|&(at, c)| {
                let exponent = matches!(c, 'e' | 'E')
                    && text[at + 1..]
                        .starts_with(|next: char| next.is_ascii_digit() || next == '-');
                !(c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '+') || exponent)
            })
            .map_or(text.len(), |(at, _)| at);
        let (number, unit) = text.split_at(number_ends);
        let unit = unit.trim();
        let value: f64 = number
            .replace('_', "")
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .ok_or_else(|| QuantityError::Number(text.to_owned()))?;
        if value < 0.0 {
            return Err(QuantityError::Negative(text.to_owned()));
        }
        let &(_, unit, scale) = SPELLINGS
            .iter()
            .find(|(spelling, ..)| *spelling == unit)
            .ok_or_else(|| QuantityError::Unit(unit.to_owned()))?;
        // 99.9 % is 0.999, not the 0.9990000000000001 of the binary product.
        let value = match unit {
            Unit::Fraction => (value * 1e10).round() / 1e12,
            _ => value * scale,
        };
        Self::new(value, unit).ok_or_else(|| QuantityError::Number(text.to_owned()))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Nanoseconds => {
                scaled_text(f, self.value, &[(1e9, " s"), (1e6, " ms"), (1e3, " µs"), (0.0, " ns")])
            }
            Unit::PerSecond => {
                scaled_text(f, self.value, &[(1e6, " M/s"), (1e3, " k/s"), (0.0, " /s")])
            }
            Unit::Ratio => write!(f, "{:.3} x", self.value),
            Unit::Count if self.value.fract() == 0.0 => write!(f, "{:.0}", self.value),
            Unit::Count => write_number(f, self.value),
            Unit::Bytes => scaled_text(
                f,
                self.value,
                &[(1_073_741_824.0, " GiB"), (1_048_576.0, " MiB"), (1024.0, " KiB"), (0.0, " B")],
            ),
            Unit::Fraction => write!(f, "{} %", trimmed(self.value * 100.0, 4)),
        }
    }
}

/// Writes `value` in the largest of `steps` (scale, suffix) that it reaches; the last scale is 0.
fn scaled_text(f: &mut fmt::Formatter<'_>, value: f64, steps: &[(f64, &str)]) -> fmt::Result {
    let step = steps.iter().find(|(scale, _)| value.abs() >= *scale);
    let (scale, suffix) = step.copied().unwrap_or((1.0, ""));
    write_number(f, value / scale.max(1.0))?;
    f.write_str(suffix)
}

/// Three significant digits, whole numbers whole.
fn write_number(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    if value.fract() == 0.0 && value.abs() >= 1000.0 {
        return write!(f, "{value:.0}");
    }
    let decimals = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    write!(f, "{value:.decimals$}")
}

/// At most `decimals` decimals, without trailing zeros.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(text) => write!(f, "`{text}` does not start with a finite number"),
            Self::Negative(text) => write!(f, "`{text}` is negative"),
            Self::Unit(unit) => {
                write!(f, "unknown unit `{unit}`; known are")?;
                let mut separator = " ";
                for (spelling, ..) in SPELLINGS.iter().filter(|(spelling, ..)| !spelling.is_empty())
                {
                    write!(f, "{separator}{spelling}")?;
                    separator = ", ";
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for QuantityError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (f64, Unit) {
        let quantity: Quantity = text.parse().expect(text);
        (quantity.value(), quantity.unit())
    }

    #[test]
    fn every_form_that_the_docs_name_is_read() {
        assert_eq!(read("1 ms"), (1e6, Unit::Nanoseconds));
        assert_eq!(read("2.5us"), (2500.0, Unit::Nanoseconds));
        assert_eq!(read("50_000 /s"), (50_000.0, Unit::PerSecond));
        assert_eq!(read("1.15 x"), (1.15, Unit::Ratio));
        assert_eq!(read("0"), (0.0, Unit::Count));
        assert_eq!(read("4 KiB"), (4096.0, Unit::Bytes));
        assert_eq!(read("99.9 %"), (0.999, Unit::Fraction));
        assert_eq!(read("1e3 ns"), (1000.0, Unit::Nanoseconds));
    }

    #[test]
    fn what_is_no_quantity_is_refused_by_name() {
        assert_eq!("fast".parse::<Quantity>(), Err(QuantityError::Number("fast".into())));
        assert_eq!("1 parsec".parse::<Quantity>(), Err(QuantityError::Unit("parsec".into())));
        assert_eq!("-1 ms".parse::<Quantity>(), Err(QuantityError::Negative("-1 ms".into())));
        assert_eq!("1e999 s".parse::<Quantity>(), Err(QuantityError::Number("1e999 s".into())));
        assert!("".parse::<Quantity>().is_err());
    }

    #[test]
    fn values_are_shown_in_the_unit_a_reader_expects() {
        let shown = |text: &str| text.parse::<Quantity>().expect(text).to_string();
        assert_eq!(shown("812 ns"), "812 ns");
        assert_eq!(shown("31.25 ns"), "31.2 ns");
        assert_eq!(shown("1 ms"), "1.00 ms");
        assert_eq!(shown("0 B"), "0 B");
        assert_eq!(shown("1536 B"), "1.50 KiB");
        assert_eq!(shown("99.9 %"), "99.9 %");
        assert_eq!(shown("12345"), "12345");
        assert_eq!(shown("2"), "2");
        assert_eq!(shown("1.5"), "1.50");
        assert_eq!(shown("0 ns"), "0 ns");
        assert_eq!(shown("1.15 x"), "1.150 x");
    }
}

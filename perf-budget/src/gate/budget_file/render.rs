//! Writing budgets as a budgets file.

use std::fmt::Write as _;

use crate::{Budget, Limit, Quantity, Tier, Unit};

/// The units that a quantity is written in, the largest first; the last is the base unit.
const TIMES: [(f64, &str); 4] = [(1e9, " s"), (1e6, " ms"), (1e3, " us"), (1.0, " ns")];
const SIZES: [(f64, &str); 4] =
    [(1_073_741_824.0, " GiB"), (1_048_576.0, " MiB"), (1024.0, " KiB"), (1.0, " B")];

/// Writes `budgets` as a budgets file. What [`parse`](super::parse) can read, and so everything that
/// a budgets file can say, is read back from it unchanged.
///
/// ```
/// use perf_budget::gate::budget_file;
///
/// let text = "[[budget]]\noperation = \"lookup\"\nmetric = \"latency_mean\"\nmax = \"40 ns\"\n\
///             owner = \"foundation\"\nreason = \"as fast as the map\"\n";
/// let file = budget_file::parse(text, "budgets.toml")?;
/// assert_eq!(budget_file::render(&[file.budgets[0].value.clone()]), text);
/// # Ok::<(), budget_file::BudgetFileErrors>(())
/// ```
pub fn render(budgets: &[Budget]) -> String {
    let mut text = String::new();
    for budget in budgets {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str("[[budget]]\n");
        for (key, value) in fields(budget) {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{key} = {}", toml::Value::from(value));
        }
    }
    text
}

/// The keys and values of `budget`; what is the default is left out.
fn fields(budget: &Budget) -> impl Iterator<Item = (&'static str, String)> {
    let bound = match budget.limit {
        Limit::Max(_) => "max",
        Limit::Min(_) => "min",
    };
    let in_unit = |value, unit| Quantity::new(value, unit).map(quantity);
    let rate = budget.load.and_then(|load| in_unit(load.rate_per_s, Unit::PerSecond));
    let duration = budget.load.and_then(|load| in_unit(load.duration_ns, Unit::Nanoseconds));
    let fields = [
        ("operation", Some(budget.operation.clone())),
        ("metric", Some(budget.metric.to_string())),
        (bound, Some(quantity(budget.limit.quantity()))),
        ("relative_to", budget.relative_to.clone()),
        ("owner", Some(budget.owner.clone())),
        ("reason", Some(budget.reason.clone())),
        ("tier", (budget.tier != Tier::default()).then(|| budget.tier.to_string())),
        ("machine", budget.machine.clone()),
        ("rate", rate),
        ("duration", duration),
    ];
    fields.into_iter().filter_map(|(key, value)| Some((key, value?)))
}

/// `quantity` in full: unlike its `Display`, this loses no digit.
fn quantity(quantity: Quantity) -> String {
    let value = quantity.value();
    match quantity.unit() {
        Unit::Nanoseconds => in_largest_unit(quantity, &TIMES),
        Unit::Bytes => in_largest_unit(quantity, &SIZES),
        Unit::PerSecond => format!("{} /s", grouped(value)),
        Unit::Ratio => format!("{} x", number(value)),
        Unit::Count => grouped(value),
        Unit::Fraction => percent(quantity),
    }
}

/// `quantity` in the largest unit of which it is at least one and in which it is read back exactly.
fn in_largest_unit(quantity: Quantity, units: &[(f64, &str)]) -> String {
    let value = quantity.value();
    let base = units.last().map_or("", |(_, suffix)| suffix);
    units
        .iter()
        .filter(|(scale, _)| value >= *scale)
        .map(|(scale, suffix)| format!("{}{suffix}", number(value / scale)))
        .find(|text| text.parse() == Ok(quantity))
        .unwrap_or_else(|| format!("{}{base}", number(value)))
}

/// `share` in percent, with as many decimals as it takes to read it back.
///
/// Reading divides by 100 and rounds, so the percentage that was written may be a neighbour of the
/// product here.
fn percent(share: Quantity) -> String {
    let percent = share.value() * 100.0;
    (0..=17)
        .flat_map(|decimals| {
            let candidates = [percent, percent.next_down(), percent.next_up()];
            candidates.map(|percent| format!("{percent:.decimals$} %"))
        })
        .find(|text| text.parse() == Ok(share))
        .unwrap_or_else(|| format!("{} %", number(percent)))
}

/// The shortest text that is read back as `value`.
fn number(value: f64) -> String {
    if (1e-6..1e15).contains(&value) || value == 0.0 {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// `value` with its thousands set apart: `50_000`.
fn grouped(value: f64) -> String {
    let plain = number(value);
    if plain.len() <= 4 || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return plain;
    }
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

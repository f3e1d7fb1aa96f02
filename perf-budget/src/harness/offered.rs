//! The load that a benchmark offers where a budget does not state one.

use std::time::Duration;

use super::MeasureError;
use super::load::Offer;
use crate::protocol::Method;
use crate::{Quantity, Unit};

/// Operations that a round may offer at most: bounds its time and its counters.
const MAX_OPERATIONS: f64 = 1e12;

/// An offered rate and duration.
#[derive(Clone, Copy, Debug)]
pub struct Offered {
    rate_per_s: f64,
    duration_ns: f64,
    batch: u64,
}

/// A load as a budgets file writes it: `load_of("50_000 /s", "1 s")`.
///
/// # Panics
/// If the texts are no rate and no time: a mistake in the benchmark, found the first time it runs.
pub fn load_of(rate: &str, duration: &str) -> Offered {
    let read = |text: &str, unit: Unit| match text.parse::<Quantity>() {
        Ok(quantity) if quantity.unit() == unit => quantity.value(),
        _ => panic!("`{text}` is not {}", unit.described()),
    };
    Offered {
        rate_per_s: read(rate, Unit::PerSecond),
        duration_ns: read(duration, Unit::Nanoseconds),
        batch: 1,
    }
}

impl Offered {
    /// Lets `operations` operations start together and times them as one.
    #[must_use]
    pub fn in_batches_of(self, operations: u64) -> Self {
        Self { batch: operations, ..self }
    }

    pub(super) fn method(self) -> Method {
        let Self { rate_per_s, duration_ns, batch } = self;
        Method::Load { rate_per_s, duration_ns, batch }
    }
}

/// The load that a request asks for, if it can be offered.
pub(super) fn checked(
    rate_per_s: f64,
    duration_ns: f64,
    batch: u64,
) -> Result<Offer, MeasureError> {
    let operations = rate_per_s * duration_ns / 1e9;
    let duration = Duration::try_from_secs_f64(duration_ns / 1e9);
    match duration {
        Ok(duration) if rate_per_s > 0.0 && batch > 0 && operations <= MAX_OPERATIONS => {
            Ok(Offer { rate_per_s, duration, batch })
        }
        _ => Err(MeasureError::Request(format!(
            "{rate_per_s} /s for {duration_ns} ns in batches of {batch} is no load of 1 to \
             {MAX_OPERATIONS:.0} operations"
        ))),
    }
}

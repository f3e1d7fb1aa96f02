//! A line for each measurement, for people who run a suite without the gate.

use crate::result::Measurement;
use crate::{Percentile, Quantity, Unit};

/// What was measured, in one line.
pub(super) fn summary(measured: &Measurement) -> String {
    match measured {
        Measurement::Timed(timed) => format!("{} each", time(mean(&timed.block_ns))),
        Measurement::Paired(paired) => {
            let [ours, peers] = [0, 1].map(|side| {
                mean(&paired.quads_ns.iter().map(|quad| quad[side]).collect::<Vec<_>>())
            });
            let ratio = show(ours / peers, Unit::Ratio);
            format!("{} each, {} the peer, {ratio}", time(ours), time(peers))
        }
        Measurement::Load(load) => match load.histogram.decode() {
            Ok(latencies) => {
                let at = |percentile: Percentile| {
                    time(latencies.value_at_quantile(percentile.quantile()) as f64)
                };
                let (rate, batch) = (show(load.achieved_per_s, Unit::PerSecond), load.batch);
                format!(
                    "p50 {}, p99 {}, p999 {} for a batch of {batch} at {rate}",
                    at(Percentile::P50),
                    at(Percentile::P99),
                    at(Percentile::P999),
                )
            }
            Err(error) => error.to_string(),
        },
        Measurement::Allocations(heap) => format!(
            "{} allocations and {} in {} operations",
            heap.allocations,
            show(heap.bytes as f64, Unit::Bytes),
            heap.operations
        ),
        Measurement::Growth(growth) => format!(
            "{} bytes more after {} operations",
            growth.live_bytes_after - growth.live_bytes_before,
            growth.operations
        ),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn time(ns: f64) -> String {
    show(ns, Unit::Nanoseconds)
}

fn show(value: f64, unit: Unit) -> String {
    Quantity::new(value, unit).map_or_else(|| "nothing".to_owned(), |quantity| quantity.to_string())
}

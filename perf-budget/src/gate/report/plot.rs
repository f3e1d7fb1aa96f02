//! One row as a picture: its distribution against its budget.
//!
//! A row with a distribution becomes a quantile curve: for a latency percentile over the axis that
//! shows each further nine as wide as the last (HDR style), for anything else over 0 to 100 %. A
//! row that has only a value becomes a bar. The limit is a labelled orange line and the judged value
//! a blue one, its interval a band. A limit so far away that it would flatten the curve is an arrow
//! with its distance instead.
//!
//! Text takes the color of the page it stands on, and the lines are legible on light and dark.

mod bar;
mod canvas;
mod curve;
mod scale;

use super::Row;
use super::text;

/// The row as an SVG element to be put into HTML, 1200 units wide; `None` if nothing was measured.
pub fn svg(row: &Row) -> Option<String> {
    let drawn = match (&row.distribution, &row.estimate) {
        (Some(distribution), _) if curve::can_show(distribution) => curve::draw(row, distribution),
        (_, Some(estimate)) => bar::draw(row, estimate),
        _ => return None,
    };
    // Drawing goes into a string, which takes everything.
    drawn.ok()
}

/// `12x above` for a limit that lies beyond `value` by more than [`FAR`]; else `None`.
fn far_away(limit: f64, value: f64) -> Option<(f64, Direction)> {
    if limit > FAR * value && value > 0.0 {
        Some((limit / value, Direction::Above))
    } else if value > FAR * limit && limit > 0.0 {
        Some((value / limit, Direction::Below))
    } else {
        None
    }
}

/// How many times further than the data a limit may lie and still be drawn to scale.
const FAR: f64 = 20.0;

/// Where the limit lies from the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Above,
    Below,
}

/// What a person who can't see the picture is told.
fn spoken(row: &Row) -> String {
    format!(
        "{} of {}: {} against a limit of {}",
        row.metric,
        text::one_line(&row.subject()),
        text::measured(row.estimate.as_ref()),
        row.limit
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::{assert_well_formed, measured, row, sample_report, tail};
    use super::super::{Distribution, Estimate};
    use super::*;
    use crate::{Metric, Percentile, Unit, Verdict};

    const P99: Metric = Metric::Latency(Percentile::P99);

    fn latency(limit: &str, distribution: Distribution) -> String {
        let row = measured(row("call", P99, limit), Verdict::Pass, (5e3, 5.5e3, 6e3));
        svg(&Row { distribution: Some(distribution), ..row }).unwrap()
    }

    #[test]
    fn every_row_with_a_value_has_a_well_formed_picture() {
        for row in &sample_report().rows {
            let picture = svg(row);
            assert_eq!(picture.is_some(), row.estimate.is_some(), "{}", row.operation);
            if let Some(picture) = picture {
                assert_well_formed(&picture);
            }
        }
    }

    #[test]
    fn a_far_limit_is_told_and_a_near_one_drawn() {
        let near = latency("50 us", tail(900.0, 2.9, 100_000));
        assert!(near.contains("limit ≤ 50.0 µs\n"), "{near}");
        let far = latency("1 ms", tail(900.0, 2.0, 100_000));
        assert!(far.contains("limit ≤ 1.00 ms, 182x above"), "{far}");
        let below = latency("10 ns", tail(900.0, 2.0, 100_000));
        assert!(below.contains("limit ≤ 10.0 ns, 550x below"), "{below}");
    }

    #[test]
    fn a_latency_axis_has_as_many_nines_as_samples_support() {
        let few = latency("50 us", tail(900.0, 2.0, 1_000));
        assert!(few.contains("99.9 %") && !few.contains("99.99 %"), "{few}");
        let many = latency("50 us", tail(900.0, 2.0, 1_000_000));
        assert!(many.contains("99.9999 %"), "{many}");
    }

    #[test]
    fn degenerate_input_is_drawn_or_left_out_but_never_breaks() {
        let flat = |value: f64, samples| Distribution {
            sample: "<b> & \"s\" fill=\"#010203\"\u{1b}".into(),
            samples,
            quantiles: vec![(0.0, value), (1.0, value)],
            max: value,
        };
        for distribution in [
            flat(0.0, 0),
            flat(0.0, 1),
            flat(1e-300, u64::MAX),
            flat(1e300, 2),
            flat(f64::NAN, 2),
            flat(f64::INFINITY, 2),
            flat(-5.0, 2),
            Distribution { quantiles: vec![(f64::NAN, 1.0), (7.0, 2.0)], ..flat(1.0, 2) },
            Distribution { quantiles: Vec::new(), ..flat(1.0, 2) },
        ] {
            for limit in ["0", "1 ns", "1e300 ns"] {
                assert_well_formed(&latency(limit, distribution.clone()));
            }
        }
        for value in [0.0, -1.0, 1e308, f64::NAN, f64::INFINITY] {
            let estimate = Some(Estimate::exact(value, Unit::Nanoseconds));
            let picture = svg(&Row { estimate, ..row("call", P99, "0") }).unwrap();
            assert_well_formed(&picture);
        }
    }

    #[test]
    fn a_bar_as_text() {
        let row = measured(row("cast", Metric::Bytes, "4 KiB"), Verdict::Pass, (3e3, 3e3, 3e3));
        insta::assert_snapshot!(svg(&row).unwrap());
    }
}

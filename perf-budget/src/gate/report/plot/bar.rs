//! A value without a distribution as a bar against its limit.

use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{BLUE, Error, GRAY, ORANGE, WIDTH, along, picture};
use super::spoken;
use crate::gate::report::{Estimate, Row, text};

const HEIGHT: i32 = 150;
const LEFT: i32 = 10;
const RIGHT: i32 = WIDTH - 10;
const TOP: i32 = 52;
const BOTTOM: i32 = 98;

/// Draws `row`'s value.
pub(super) fn draw(row: &Row, estimate: &Estimate) -> Result<String, Error> {
    let limit = row.limit.quantity().value();
    let end = [estimate.value, estimate.high, limit].into_iter().filter(|end| end.is_finite());
    let end = end.fold(0.0, f64::max);
    // With some room on the right, so that what reaches the end is seen to end.
    let x = |value: f64| {
        let share = if end > 0.0 { value / end / 1.08 } else { 0.0 };
        along((LEFT, RIGHT), if share.is_finite() { share } else { 0.0 })
    };
    picture(HEIGHT.unsigned_abs(), &spoken(row), |canvas| {
        canvas.fill((LEFT, TOP), (RIGHT, BOTTOM), GRAY.mix(0.18))?;
        canvas.fill((LEFT, TOP), (x(estimate.value), BOTTOM), BLUE.to_rgba())?;
        if estimate.low < estimate.high {
            let middle = i32::midpoint(TOP, BOTTOM);
            let (low, high) = (x(estimate.low), x(estimate.high));
            canvas.line(vec![(low, middle), (high, middle)], GRAY, 4)?;
            for end in [low, high] {
                canvas.line(vec![(end, middle - 12), (end, middle + 12)], GRAY, 4)?;
            }
        }
        let at = x(limit);
        canvas.line(vec![(at, TOP - 10), (at, BOTTOM + 10)], ORANGE, 6)?;
        let measured = format!("measured {}", text::measured(Some(estimate)));
        canvas.text(&measured, (LEFT, TOP - 12), (HPos::Left, VPos::Bottom))?;
        let anchor = if at > WIDTH / 2 { HPos::Right } else { HPos::Left };
        canvas.text(&format!("limit {}", row.limit), (at, BOTTOM + 16), (anchor, VPos::Top))
    })
}

//! A distribution as a quantile curve.

use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{BLUE, Canvas, Error, GRAY, LINE_HEIGHT, ORANGE, WIDTH, along, picture};
use super::scale::{Quantiles, Values};
use super::{Direction, far_away, spoken};
use crate::Metric;
use crate::gate::report::{Distribution, Estimate, Row, text};

const HEIGHT: i32 = 470;
const LEFT: i32 = 165;
const RIGHT: i32 = WIDTH - 78;
const TOP: i32 = 14;
const BOTTOM: i32 = HEIGHT - 88;
/// The width of a digit and some air.
const LETTER: i32 = 15;
/// The most points of a curve; more are not seen.
const POINTS: usize = 400;

/// Whether there is a curve to draw.
pub(super) fn can_show(distribution: &Distribution) -> bool {
    points(distribution).take(2).count() == 2
}

/// The points that have a place on the axes.
fn points(distribution: &Distribution) -> impl Iterator<Item = (f64, f64)> + Clone {
    let sound =
        |(quantile, value): &(f64, f64)| (0.0..=1.0).contains(quantile) && value.is_finite();
    let stride = distribution.quantiles.len().div_ceil(POINTS).max(1);
    let last = distribution.quantiles.len().saturating_sub(1);
    let kept = move |(index, _): &(usize, _)| index % stride == 0 || *index == last;
    distribution
        .quantiles
        .iter()
        .copied()
        .enumerate()
        .filter(kept)
        .map(|(_, point)| point)
        .filter(sound)
}

/// Draws `row`'s distribution.
pub(super) fn draw(row: &Row, distribution: &Distribution) -> Result<String, Error> {
    let plot = Plot::of(row, distribution);
    picture(HEIGHT.unsigned_abs(), &spoken(row), |canvas| {
        plot.axes(canvas)?;
        plot.band(canvas)?;
        plot.curve(canvas)?;
        plot.limit(canvas)?;
        plot.estimate(canvas)
    })
}

/// What is drawn, and where things stand.
struct Plot<'a> {
    row: &'a Row,
    distribution: &'a Distribution,
    x: Quantiles,
    y: Values,
    /// Set if the limit is too far away to be drawn to scale.
    far: Option<(f64, Direction)>,
}

impl<'a> Plot<'a> {
    fn of(row: &'a Row, distribution: &'a Distribution) -> Self {
        let limit = row.limit.quantity().value();
        let estimate = row.estimate.iter();
        let values = points(distribution).map(|(_, value)| value);
        let values = values.chain(estimate.flat_map(|e| [e.low, e.value, e.high]));
        let highest = values.clone().fold(0.0, f64::max);
        let lowest = values.clone().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let nearest = limit.clamp(lowest.min(highest), highest);
        // What is told is the distance from the judged value, not from the data's nearer end.
        let far = far_away(limit, nearest).map(|(times, direction)| {
            let judged = row.estimate.and_then(|estimate| far_away(limit, estimate.value));
            judged.unwrap_or((times, direction))
        });
        let y = Values::around(values.chain(far.is_none().then_some(limit)), row.unit());
        let x = match row.metric {
            Metric::Latency(judged) => Quantiles::nines(distribution.samples, judged.quantile()),
            _ => Quantiles::Linear,
        };
        Self { row, distribution, x, y, far }
    }

    fn x(&self, quantile: f64) -> i32 {
        along((LEFT, RIGHT), self.x.share(quantile))
    }

    fn y(&self, value: f64) -> i32 {
        along((BOTTOM, TOP), self.y.share(value))
    }

    fn axes(&self, canvas: &Canvas<'_>) -> Result<(), Error> {
        for (value, label) in self.y.marks() {
            let y = self.y(value);
            canvas.grid((LEFT, y), (RIGHT, y))?;
            canvas.text(&label, (LEFT - 14, y), (HPos::Right, VPos::Center))?;
        }
        // From the right, so that the tail keeps its labels where not all have room.
        let mut free = WIDTH;
        for (quantile, label) in self.x.marks().into_iter().rev() {
            let x = self.x(quantile);
            canvas.grid((x, TOP), (x, BOTTOM))?;
            let half = i32::try_from(label.len()).map_or(WIDTH, |length| length * LETTER / 2);
            if x + half <= free {
                canvas.text(&label, (x, BOTTOM + 10), (HPos::Center, VPos::Top))?;
                free = x - half - LETTER;
            }
        }
        canvas.line(vec![(LEFT, TOP), (LEFT, BOTTOM), (RIGHT, BOTTOM)], GRAY, 2)?;
        let plural = if self.distribution.samples == 1 { "" } else { "s" };
        let title = format!(
            "share of {} sample{plural}, each a {}",
            text::grouped(self.distribution.samples),
            text::one_line(&self.distribution.sample)
        );
        canvas.text(&title, (i32::midpoint(LEFT, RIGHT), HEIGHT - 8), (HPos::Center, VPos::Bottom))
    }

    fn band(&self, canvas: &Canvas<'_>) -> Result<(), Error> {
        let Some(Estimate { low, high, .. }) = self.row.estimate else { return Ok(()) };
        canvas.fill((LEFT, self.y(high)), (RIGHT, self.y(low)), BLUE.mix(0.2))
    }

    fn curve(&self, canvas: &Canvas<'_>) -> Result<(), Error> {
        let line: Vec<_> = points(self.distribution)
            .map(|(quantile, value)| (self.x(quantile), self.y(value)))
            .collect();
        canvas.line(line, BLUE, 5)
    }

    fn limit(&self, canvas: &Canvas<'_>) -> Result<(), Error> {
        let label = format!("limit {}", self.row.limit);
        if let Some((times, direction)) = self.far {
            let up = direction == Direction::Above;
            let (tip, word) = if up { (TOP + 4, "above") } else { (BOTTOM - 4, "below") };
            let tail = if up { tip + 40 } else { tip - 40 };
            let x = LEFT + 30;
            canvas.line(vec![(x, tail), (x, tip + (tail - tip) / 4)], ORANGE, 5)?;
            canvas.arrowhead((x, tip), up, ORANGE)?;
            let label = format!("{label}, {times:.0}x {word}");
            return canvas.text(
                &label,
                (x + 26, i32::midpoint(tip, tail)),
                (HPos::Left, VPos::Center),
            );
        }
        let limit = self.row.limit.quantity().value();
        let y = self.y(limit);
        canvas.line(vec![(LEFT, y), (RIGHT, y)], ORANGE, 4)?;
        let estimate = self.row.estimate.map(|estimate| self.y(estimate.value));
        let under = match estimate.filter(|estimate| (estimate - y).abs() < 2 * LINE_HEIGHT) {
            Some(estimate) => estimate <= y,
            // The curve rises to the right: left of where it crosses the limit it lies below it.
            None => points(self.distribution).next().is_some_and(|(_, least)| least > limit),
        };
        beside(canvas, &label, (LEFT + 14, HPos::Left), y, under)
    }

    fn estimate(&self, canvas: &Canvas<'_>) -> Result<(), Error> {
        let Some(estimate) = &self.row.estimate else { return Ok(()) };
        let y = self.y(estimate.value);
        canvas.line(vec![(LEFT, y), (RIGHT, y)], BLUE, 3)?;
        let name = match self.row.metric {
            Metric::Latency(judged) => {
                canvas.dot((self.x(judged.quantile()), y), BLUE)?;
                self.row.metric.name().trim_start_matches("latency_")
            }
            _ => "measured",
        };
        let label = format!("{name} {}", text::measured(Some(estimate)));
        // Right of the judged value the curve lies above it, and so the free place is below it,
        // unless the limit is there.
        let limit = self.y(self.row.limit.quantity().value());
        let under = self.far.is_some() || !(y..y + 2 * LINE_HEIGHT).contains(&limit);
        beside(canvas, &label, (RIGHT - 10, HPos::Right), y, under)
    }
}

/// Writes `label` under or above the line at `y`, or on the other side if there is no room.
fn beside(
    canvas: &Canvas<'_>,
    label: &str,
    (x, anchor): (i32, HPos),
    y: i32,
    under: bool,
) -> Result<(), Error> {
    let under = if under { y + LINE_HEIGHT < BOTTOM } else { y - LINE_HEIGHT < TOP };
    let (y, side) = if under { (y + 8, VPos::Top) } else { (y - 8, VPos::Bottom) };
    canvas.text(label, (x, y), (anchor, side))
}

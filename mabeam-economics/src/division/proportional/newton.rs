//! The prices at which what the agents want just fits: Newton's method with a barrier.
//!
//! Minimises the dual `sum of prices + sum of the agents' conjugates - mu * sum of ln(prices)` for
//! falling `mu`. With alpha 1 it is self-concordant and the excess is `mu` times the number of
//! resources, as a part of the weights.

use crate::division::elimination::{dot, solve};

/// Where the barrier ends; what is left of it is part of the stated tolerance.
const LAST_BARRIER: f64 = 1e-13;
const MOST_STEPS: usize = 500;

/// What each agent needs of each resource, agent by agent.
pub(super) struct Rows {
    parts: Vec<f64>,
    resources: usize,
}

impl Rows {
    pub(super) fn new(resources: usize) -> Self {
        Self { parts: vec![], resources }
    }

    pub(super) fn push(&mut self, row: &[f64]) {
        self.parts.extend_from_slice(row);
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &[f64]> {
        self.parts.chunks_exact(self.resources.max(1))
    }
}

/// What each agent runs where its marginal welfare is what a task costs: `w x^-alpha = price`.
pub(super) fn tasks(rows: &Rows, weights: &[f64], alpha: f64, prices: &[f64]) -> Vec<f64> {
    let one = |(row, weight): (&[f64], &f64)| {
        let ratio = weight / dot(row, prices);
        if alpha.to_bits() == 1.0_f64.to_bits() { ratio } else { ratio.powf(1.0 / alpha) }
    };
    rows.each().zip(weights).map(one).collect()
}

/// What the tasks take of each resource.
pub(super) fn used(rows: &Rows, tasks: &[f64]) -> Vec<f64> {
    let mut used = vec![0.0; rows.resources];
    for (row, tasks) in rows.each().zip(tasks) {
        used.iter_mut().zip(row).for_each(|(used, part)| *used += part * tasks);
    }
    used
}

/// The prices of the scaled problem: capacities of one.
pub(super) fn prices(rows: &Rows, weights: &[f64], alpha: f64) -> Vec<f64> {
    if weights.is_empty() {
        return vec![0.0; rows.resources];
    }
    let mut prices = vec![1.0; rows.resources];
    let mut barrier = 1.0;
    let mut steps = 0;
    loop {
        let point = Point::at(rows, weights, alpha, &prices, barrier);
        let Some(direction) = point.direction(rows, alpha) else { return prices };
        let decrement = -dot(&point.gradient, &direction);
        // Near the path: on with a smaller barrier. The decrement is in units of the barrier.
        if decrement <= barrier * 1e-3 {
            if barrier <= LAST_BARRIER && decrement <= barrier * 1e-6 {
                return prices;
            }
            barrier = (barrier / 20.0).max(LAST_BARRIER);
        }
        steps += 1;
        if steps > MOST_STEPS {
            return prices;
        }
        prices = along(&prices, &direction, decrement, |prices| {
            Point::at(rows, weights, alpha, prices, barrier).gradient
        });
    }
}

/// The next prices: a full step if it stays positive and the slope there is smaller, else shorter.
fn along(
    prices: &[f64],
    direction: &[f64],
    decrement: f64,
    gradient: impl Fn(&[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let boundary = |(price, direction): (&f64, &f64)| {
        if *direction < 0.0 { -price / direction } else { f64::INFINITY }
    };
    let boundary = prices.iter().zip(direction).map(boundary).fold(f64::INFINITY, f64::min);
    let mut length = (0.95 * boundary).min(1.0);
    for _ in 0..60 {
        let step = |(price, direction): (&f64, &f64)| price + length * direction;
        let next: Vec<f64> = prices.iter().zip(direction).map(step).collect();
        if dot(&gradient(&next), direction) <= 0.5 * decrement {
            return next;
        }
        length /= 2.0;
    }
    prices.to_vec()
}

/// The slope and what the curvature is made of, at some prices.
struct Point<'a> {
    prices: &'a [f64],
    tasks: Vec<f64>,
    gradient: Vec<f64>,
    barrier: f64,
}

impl<'a> Point<'a> {
    fn at(rows: &Rows, weights: &[f64], alpha: f64, prices: &'a [f64], barrier: f64) -> Self {
        let tasks = tasks(rows, weights, alpha, prices);
        let used = used(rows, &tasks);
        let slope = |(used, price): (f64, &f64)| 1.0 - used - barrier / price;
        let gradient = used.into_iter().zip(prices).map(slope).collect();
        Self { prices, tasks, gradient, barrier }
    }

    /// Newton's direction: minus the curvature's inverse times the slope.
    fn direction(&self, rows: &Rows, alpha: f64) -> Option<Vec<f64>> {
        let resources = self.prices.len();
        let mut curvature = vec![vec![0.0; resources]; resources];
        for (row, tasks) in rows.each().zip(&self.tasks) {
            let bend = tasks / (alpha * dot(row, self.prices));
            for (line, &part) in curvature.iter_mut().zip(row).filter(|(_, part)| **part > 0.0) {
                line.iter_mut().zip(row).for_each(|(entry, other)| *entry += bend * part * other);
            }
        }
        for (r, (line, price)) in curvature.iter_mut().zip(self.prices).enumerate() {
            line[r] += self.barrier / (price * price);
        }
        solve(curvature, self.gradient.iter().map(|slope| -slope).collect())
    }
}

//! The small program: a dual simplex method for many bounded columns and few rows.
//!
//! Owns `max c x` with `A x <= room`, `0 <= x <= 1`, in floats. Starts at prices of zero, where
//! everybody is granted everything, and raises prices until the rows hold. One step follows an edge
//! of the dual through every request that changes its mind on the way (bound flipping), so the
//! number of steps depends on the rows rather than on the columns.

use std::ops::ControlFlow;

/// A request, scaled so that the largest worth and each capacity are one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<const R: usize> {
    pub(super) worth: f64,
    pub(super) uses: [f64; R],
}

/// An optimal corner: the prices, and the share of each item.
#[derive(Clone, Debug)]
pub(super) struct Vertex<const R: usize> {
    pub(super) prices: [f64; R],
    pub(super) shares: Vec<f64>,
}

/// What counts as zero beside one.
const EPSILON: f64 = 1e-12;
/// What a sum of many terms may lose, beside the sum.
const ROUNDING: f64 = 1e-9;

pub(super) fn dot<const R: usize>(a: &[f64; R], b: &[f64; R]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl<const R: usize> Item<R> {
    /// What it is worth above its cost.
    pub(super) fn surplus(&self, prices: &[f64; R]) -> f64 {
        self.worth - dot(&self.uses, prices)
    }
}

/// Which column holds a row's place in the basis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    /// What is left of this resource.
    Slack(usize),
    Item(usize),
}

/// Solves the program; `None` if no shares fit, which takes a negative room, or if the steps pass
/// their limit.
pub(super) fn solve<const R: usize>(items: &[Item<R>], room: [f64; R]) -> Option<Vertex<R>> {
    let mut basis = Basis {
        items,
        room,
        columns: std::array::from_fn(Column::Slack),
        whole: items.iter().map(|item| item.worth > 0.0).collect(),
        basic: vec![false; items.len()],
    };
    let limit = 200 * (R + 1) + items.len();
    for _ in 0..limit {
        if let ControlFlow::Break(end) = basis.step() {
            return end;
        }
    }
    None
}

/// Where the method stands: a basis, and at which bound every other item is.
struct Basis<'a, const R: usize> {
    items: &'a [Item<R>],
    room: [f64; R],
    columns: [Column; R],
    /// Whether an item outside the basis is granted whole.
    whole: Vec<bool>,
    basic: Vec<bool>,
}

/// A point on the way at which a column changes its mind.
struct Turn {
    at: f64,
    slope: f64,
    column: Column,
}

impl<const R: usize> Basis<'_, R> {
    fn uses(&self, column: Column) -> [f64; R] {
        match column {
            Column::Slack(row) => std::array::from_fn(|r| f64::from(u8::from(r == row))),
            Column::Item(item) => self.items.get(item).map_or([0.0; R], |item| item.uses),
        }
    }

    fn worth(&self, column: Column) -> f64 {
        match column {
            Column::Slack(_) => 0.0,
            Column::Item(item) => self.items.get(item).map_or(0.0, |item| item.worth),
        }
    }

    /// One step, or the end.
    fn step(&mut self) -> ControlFlow<Option<Vertex<R>>> {
        let Some(inverse) = invert(self.columns.map(|column| self.uses(column))) else {
            return ControlFlow::Break(None);
        };
        let levels = self.levels(&inverse);
        let worths = self.columns.map(|column| self.worth(column));
        let prices = std::array::from_fn(|r| {
            inverse.iter().zip(worths).map(|(row, worth)| row[r] * worth).sum()
        });
        let Some((place, excess, direction)) = self.leaving(&inverse, &levels) else {
            return ControlFlow::Break(Some(self.vertex(prices, levels)));
        };
        let row = inverse[place].map(|entry| entry * direction);
        let turns = self.turns(&prices, &row);
        let Some(entering) = self.pass(turns, excess) else {
            return ControlFlow::Break(None);
        };
        self.exchange(place, entering, direction < 0.0);
        ControlFlow::Continue(())
    }

    /// The value of each basic column.
    fn levels(&self, inverse: &[[f64; R]; R]) -> [f64; R] {
        let mut left = self.room;
        for ((item, &whole), &basic) in self.items.iter().zip(&self.whole).zip(&self.basic) {
            let share = f64::from(u8::from(whole && !basic));
            left.iter_mut().zip(item.uses).for_each(|(left, uses)| *left -= share * uses);
        }
        inverse.map(|row| dot(&row, &left))
    }

    /// The basic column furthest out of its bounds: its place, by how much, and whether it must
    /// rise (1) or fall (-1).
    fn leaving(&self, inverse: &[[f64; R]; R], levels: &[f64; R]) -> Option<(usize, f64, f64)> {
        let out = |place: usize| {
            let level = levels[place];
            let bound = if matches!(self.columns[place], Column::Item(_)) { 1.0 } else { f64::MAX };
            let (excess, direction) =
                if level < 0.0 { (-level, 1.0) } else { (level - bound, -1.0) };
            let size = dot(&inverse[place], &inverse[place]).sqrt();
            (excess > EPSILON * (1.0 + size)).then_some((place, excess, direction, excess / size))
        };
        let furthest = (0..R).filter_map(out).max_by(|a, b| a.3.total_cmp(&b.3));
        furthest.map(|(place, excess, direction, _)| (place, excess, direction))
    }

    /// Where the columns outside the basis turn when prices move along `row`.
    fn turns(&self, prices: &[f64; R], row: &[f64; R]) -> Vec<Turn> {
        let mut turns = Vec::with_capacity(self.items.len());
        for (row_place, (&slope, &price)) in row.iter().zip(prices).enumerate() {
            let column = Column::Slack(row_place);
            if slope < -EPSILON && !self.columns.contains(&column) {
                turns.push(Turn { at: price.max(0.0) / -slope, slope: f64::MAX, column });
            }
        }
        for (place, ((item, &whole), &basic)) in
            self.items.iter().zip(&self.whole).zip(&self.basic).enumerate()
        {
            let slope = dot(&item.uses, row);
            let turning = if whole { slope > EPSILON } else { slope < -EPSILON };
            if turning && !basic {
                // At a bound the surplus has the sign of the slope, but for rounding.
                let at = (item.surplus(prices) / slope).max(0.0);
                turns.push(Turn { at, slope: slope.abs(), column: Column::Item(place) });
            }
        }
        turns
    }

    /// Flips every item that is passed before the slope is used up; the column that uses it up
    /// enters. Expected time is linear in the turns.
    fn pass(&mut self, mut turns: Vec<Turn>, excess: f64) -> Option<Column> {
        let (mut slope, rounding) = (excess, excess * ROUNDING);
        let mut ahead = &mut turns[..];
        while ahead.len() > 1 {
            let half = ahead.len() / 2;
            let order = |a: &Turn, b: &Turn| a.at.total_cmp(&b.at).then(rank(a).cmp(&rank(b)));
            ahead.select_nth_unstable_by(half, order);
            let (near, far) = ahead.split_at_mut(half);
            let weight: f64 = near.iter().map(|turn| turn.slope).sum();
            if weight >= slope {
                ahead = near;
            } else {
                slope -= weight;
                for turn in near {
                    self.flip(turn.column);
                }
                ahead = far;
            }
        }
        let last = ahead.first()?;
        (last.slope >= slope - rounding).then_some(last.column)
    }

    fn flip(&mut self, column: Column) {
        if let Column::Item(item) = column
            && let Some(whole) = self.whole.get_mut(item)
        {
            *whole = !*whole;
        }
    }

    fn exchange(&mut self, place: usize, entering: Column, leaves_whole: bool) {
        for (column, basic, whole) in
            [(self.columns[place], false, leaves_whole), (entering, true, false)]
        {
            if let Column::Item(item) = column
                && let (Some(is_basic), Some(is_whole)) =
                    (self.basic.get_mut(item), self.whole.get_mut(item))
            {
                (*is_basic, *is_whole) = (basic, whole);
            }
        }
        self.columns[place] = entering;
    }

    fn vertex(&self, prices: [f64; R], levels: [f64; R]) -> Vertex<R> {
        let mut shares: Vec<f64> =
            self.whole.iter().map(|&whole| f64::from(u8::from(whole))).collect();
        for (column, level) in self.columns.into_iter().zip(levels) {
            if let Column::Item(item) = column
                && let Some(share) = shares.get_mut(item)
            {
                *share = level.clamp(0.0, 1.0);
            }
        }
        Vertex { prices: prices.map(|price: f64| price.max(0.0)), shares }
    }
}

/// Ties go to the resources, then to the lowest place.
fn rank(turn: &Turn) -> (bool, usize) {
    match turn.column {
        Column::Slack(row) => (false, row),
        Column::Item(item) => (true, item),
    }
}

/// The inverse of the matrix with these columns, by elimination with the largest pivot.
fn invert<const R: usize>(columns: [[f64; R]; R]) -> Option<[[f64; R]; R]> {
    let mut left: [[f64; R]; R] = std::array::from_fn(|r| std::array::from_fn(|c| columns[c][r]));
    let mut right: [[f64; R]; R] =
        std::array::from_fn(|r| std::array::from_fn(|c| f64::from(u8::from(r == c))));
    for pivot in 0..R {
        let size = |row: &usize| left[*row][pivot].abs();
        let row = (pivot..R).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        left.swap(pivot, row);
        right.swap(pivot, row);
        let scale = left[pivot][pivot];
        if scale == 0.0 || !scale.is_finite() {
            return None;
        }
        left[pivot] = left[pivot].map(|entry| entry / scale);
        right[pivot] = right[pivot].map(|entry| entry / scale);
        for row in (0..R).filter(|&row| row != pivot) {
            let factor = left[row][pivot];
            for column in 0..R {
                left[row][column] -= factor * left[pivot][column];
                right[row][column] -= factor * right[pivot][column];
            }
        }
    }
    Some(right)
}

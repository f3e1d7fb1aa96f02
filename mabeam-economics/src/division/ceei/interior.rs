//! The convex program `max sum of income * ln(utility)` by a primal-dual interior-point method.
//!
//! With `beta` the utility of a unit of income turned round, its conditions are: the parts of each
//! good sum to one, `beta * utility = income`, and `part * (price - beta * value) = 0` for each agent
//! and good. The method keeps all of them but the last, where it goes to zero from above: the prices
//! then exceed the incomes by exactly the sum of what is left of it, degenerate or not.

use crate::division::elimination;

/// An agent who can buy something: it has an income and values a good.
pub(super) struct Buyer {
    pub(super) who: usize,
    pub(super) income: f64,
    /// The goods that it values, each as a part of its largest value.
    pub(super) wants: Vec<(usize, f64)>,
}

impl Buyer {
    pub(super) fn of(who: usize, income: u64, values: &[u64]) -> Option<Self> {
        let largest = values.iter().copied().max().filter(|&largest| largest > 0 && income > 0)?;
        let wants = values
            .iter()
            .enumerate()
            .filter(|(_, value)| **value > 0)
            .map(|(good, &value)| (good, value as f64 / largest as f64))
            .collect();
        Some(Self { who, income: income as f64, wants })
    }
}

/// What is left of the complementarity at the end, as a part of the incomes.
const LAST: f64 = 1e-12;
const MOST_STEPS: usize = 200;

/// The part of each good that each buyer wants, in the order of its wants.
pub(super) fn solve(buyers: &[Buyer], goods: usize) -> Vec<Vec<f64>> {
    let mut state = State::start(buyers, goods);
    let pairs = state.pairs.len() as f64;
    let mut length = 0.0;
    for _ in 0..MOST_STEPS {
        let left: f64 = state.pairs.iter().map(|pair| pair.part * pair.slack).sum();
        if left <= LAST && state.unspent() <= LAST {
            break;
        }
        let aim = if length > 0.9 { 0.02 } else { 0.3 };
        length = state.step((aim * left).max(LAST / 2.0) / pairs);
    }
    let mut parts: Vec<Vec<f64>> = vec![vec![]; buyers.len()];
    for pair in &state.pairs {
        parts[pair.buyer].push(pair.part);
    }
    parts
}

/// An agent and a good that it values.
struct Pair {
    buyer: usize,
    good: usize,
    value: f64,
    part: f64,
    /// `price - beta * value`, kept as a sum of its changes: the difference would lose its digits.
    slack: f64,
}

/// A point inside: everything positive. Incomes sum to one.
struct State {
    pairs: Vec<Pair>,
    incomes: Vec<f64>,
    betas: Vec<f64>,
    goods: usize,
}

/// A direction: how each changes.
struct Direction {
    betas: Vec<f64>,
    /// The part and the slack of each pair.
    pairs: Vec<(f64, f64)>,
}

impl State {
    /// Everybody has an equal part of what it values, at twice the price that anybody would pay.
    fn start(buyers: &[Buyer], goods: usize) -> Self {
        let incomes: f64 = buyers.iter().map(|buyer| buyer.income).sum();
        let mut wanted = vec![0.0; goods];
        for &(good, _) in buyers.iter().flat_map(|buyer| &buyer.wants) {
            wanted[good] += 1.0;
        }
        let mut state = Self { pairs: vec![], incomes: vec![], betas: vec![], goods };
        for (who, buyer) in buyers.iter().enumerate() {
            for &(good, value) in &buyer.wants {
                let part = 1.0 / wanted[good];
                state.pairs.push(Pair { buyer: who, good, value, part, slack: 0.0 });
            }
            state.incomes.push(buyer.income / incomes);
        }
        state.betas =
            state.incomes.iter().zip(state.utilities()).map(|(income, u)| income / u).collect();
        let mut prices = vec![0.0_f64; goods];
        for pair in &state.pairs {
            prices[pair.good] = prices[pair.good].max(2.0 * state.betas[pair.buyer] * pair.value);
        }
        for pair in &mut state.pairs {
            pair.slack = prices[pair.good] - state.betas[pair.buyer] * pair.value;
        }
        state
    }

    fn utilities(&self) -> Vec<f64> {
        let mut utilities = vec![0.0; self.incomes.len()];
        self.pairs.iter().for_each(|pair| utilities[pair.buyer] += pair.value * pair.part);
        utilities
    }

    /// By how much the worst `beta * utility` differs from the income.
    fn unspent(&self) -> f64 {
        let worths = self.betas.iter().zip(self.utilities()).map(|(beta, u)| beta * u);
        worths.zip(&self.incomes).map(|(worth, income)| (worth - income).abs()).fold(0.0, f64::max)
    }

    /// Towards the point where every pair has `target` left; how far it got, 1 being all the way.
    fn step(&mut self, target: f64) -> f64 {
        let direction = self.direction(target);
        let room = |now: f64, change: f64| if change < 0.0 { -now / change } else { f64::INFINITY };
        let pairs = self.pairs.iter().zip(&direction.pairs);
        let pairs =
            pairs.map(|(pair, (part, slack))| room(pair.part, *part).min(room(pair.slack, *slack)));
        let betas =
            self.betas.iter().zip(&direction.betas).map(|(now, change)| room(*now, *change));
        let length = (0.95 * pairs.chain(betas).fold(f64::INFINITY, f64::min)).min(1.0);
        if !length.is_finite() {
            return 0.0;
        }
        for (pair, (part, slack)) in self.pairs.iter_mut().zip(direction.pairs) {
            pair.part += length * part;
            pair.slack += length * slack;
        }
        self.betas
            .iter_mut()
            .zip(direction.betas)
            .for_each(|(now, change)| *now += length * change);
        length
    }

    /// Newton's direction. The change of a part is `c - d * change of the slack`, with `d` the part by
    /// the slack; that leaves one equation for each buyer and one for each good, and each holds only
    /// one unknown of its own side.
    fn direction(&self, target: f64) -> Direction {
        let utilities = self.utilities();
        let each = || self.betas.iter().zip(&utilities);
        let mut system = Bipartite {
            left: each().map(|(beta, utility)| utility / beta).collect(),
            right: vec![0.0; self.goods],
            between: vec![vec![0.0; self.goods]; self.betas.len()],
        };
        let mut of_buyers: Vec<f64> = each()
            .zip(&self.incomes)
            .map(|((beta, utility), income)| income / beta - utility)
            .collect();
        let mut of_goods = vec![-1.0; self.goods];
        for pair in &self.pairs {
            let (by_slack, constant) = (pair.part / pair.slack, target / pair.slack - pair.part);
            system.left[pair.buyer] += by_slack * pair.value * pair.value;
            system.right[pair.good] += by_slack;
            system.between[pair.buyer][pair.good] = -by_slack * pair.value;
            of_buyers[pair.buyer] -= pair.value * constant;
            of_goods[pair.good] += constant + pair.part;
        }
        let (betas, prices) = system.solve(&of_buyers, &of_goods);
        let change = |pair: &Pair| {
            let slack = prices[pair.good] - pair.value * betas[pair.buyer];
            ((target - pair.part * slack) / pair.slack - pair.part, slack)
        };
        let pairs = self.pairs.iter().map(change).collect();
        Direction { betas, pairs }
    }
}

/// A symmetric positive definite system whose unknowns are on two sides, each side diagonal.
struct Bipartite {
    left: Vec<f64>,
    right: Vec<f64>,
    between: Vec<Vec<f64>>,
}

impl Bipartite {
    /// Eliminates the larger side; the solution of both.
    fn solve(self, of_left: &[f64], of_right: &[f64]) -> (Vec<f64>, Vec<f64>) {
        if self.left.len() > self.right.len() {
            let column = |r: usize| self.between.iter().map(|row| row[r]).collect();
            let between = (0..self.right.len()).map(column).collect();
            let turned = Self { left: self.right, right: self.left, between };
            let (right, left) = turned.solve(of_right, of_left);
            return (left, right);
        }
        // A good that nobody wants has no equation.
        let by = |entry: f64, diagonal: f64| if diagonal > 0.0 { entry / diagonal } else { 0.0 };
        let mut matrix = vec![vec![0.0; self.left.len()]; self.left.len()];
        let mut known = of_left.to_vec();
        for (r, &diagonal) in self.right.iter().enumerate() {
            for (l, row) in self.between.iter().enumerate().filter(|(_, row)| row[r] != 0.0) {
                let factor = by(row[r], diagonal);
                known[l] -= factor * of_right[r];
                let line = matrix[l].iter_mut().zip(&self.between);
                line.for_each(|(entry, other)| *entry -= factor * other[r]);
            }
        }
        for (l, row) in matrix.iter_mut().enumerate() {
            row[l] += self.left[l];
            if row[l] <= 0.0 {
                (row[l], known[l]) = (1.0, 0.0);
            }
        }
        let left = elimination::solve(matrix, known).unwrap_or(vec![0.0; of_left.len()]);
        let right = |(r, &diagonal): (usize, &f64)| {
            let rest: f64 = self.between.iter().zip(&left).map(|(row, left)| row[r] * left).sum();
            by(of_right[r] - rest, diagonal)
        };
        let right = self.right.iter().enumerate().map(right).collect();
        (left, right)
    }
}

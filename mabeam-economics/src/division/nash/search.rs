//! Branch and bound, depth first: the goods one after the other, each to those who value it.

use std::cmp::Ordering;

use super::{Problem, Proof, product};

/// The owners of the problem's goods, and what is proved of them.
pub(super) fn search(problem: &Problem, node_limit: u64) -> (Vec<usize>, Proof) {
    let mut search = Search::start(problem);
    let proof = search.run(node_limit);
    (search.best, proof)
}

/// A choice that is still to be made: the good at `depth` of the order goes to `owner`.
struct Choice {
    depth: usize,
    owner: usize,
    /// The bound of what it was made of.
    bound: f64,
}

struct Search<'a> {
    problem: &'a Problem,
    /// The goods in the order of the search: those that matter most first.
    order: Vec<usize>,
    best: Vec<usize>,
    best_utilities: Vec<u64>,
    /// Below this bound nothing is better than the best.
    enough: f64,
    /// The weights of the bound along the path, from the root.
    weights: Vec<Vec<f64>>,
    owners: Vec<usize>,
    utilities: Vec<u64>,
}

impl<'a> Search<'a> {
    fn start(problem: &'a Problem) -> Self {
        let agents = problem.agents.len();
        let best = improved(problem, first(problem));
        let utilities = utilities(problem, &best);
        let mut root: Vec<f64> = utilities.iter().map(|&u| -(u.max(1) as f64).ln()).collect();
        let all: Vec<usize> = (0..problem.goods.len()).collect();
        let none = vec![0; agents];
        for _ in 0..20 {
            problem.bound(&none, &all, &mut root, f64::NEG_INFINITY);
        }
        let worth = |good: usize, who: usize| problem.values[who][good] as f64 * root[who].exp();
        let most = |good: usize| (0..agents).map(|who| worth(good, who)).fold(0.0, f64::max);
        let mut order = all;
        order.sort_by(|&a, &b| most(b).total_cmp(&most(a)).then(a.cmp(&b)));
        let mut search = Self {
            problem,
            order,
            best,
            best_utilities: vec![],
            enough: f64::NEG_INFINITY,
            weights: vec![root],
            owners: vec![],
            utilities: none,
        };
        search.accept(utilities);
        search
    }

    /// Remembers what these utilities' product rules out: all bounds below the next integer.
    fn accept(&mut self, utilities: Vec<u64>) {
        let ln: f64 = utilities.iter().map(|&utility| (utility as f64).ln()).sum();
        let rounding = 1e-14 * (1.0 + utilities.len() as f64 * ln.abs());
        self.enough = ln + (-ln).exp().ln_1p() - rounding;
        self.best_utilities = utilities;
    }

    fn run(&mut self, node_limit: u64) -> Proof {
        let mut open = vec![];
        let mut nodes = 0_u64;
        self.expand(&mut open);
        while let Some(choice) = open.pop() {
            if choice.bound < self.enough {
                continue;
            }
            if nodes >= node_limit {
                let left = open.iter().map(|open| open.bound).fold(choice.bound, f64::max);
                return Proof::Feasible { ln_bound: left };
            }
            nodes += 1;
            self.choose(&choice);
            self.expand(&mut open);
        }
        Proof::Optimal
    }

    /// Goes back to where the choice is open, and makes it.
    fn choose(&mut self, choice: &Choice) {
        for depth in choice.depth..self.owners.len() {
            let owner = self.owners[depth];
            self.utilities[owner] -= self.problem.values[owner][self.order[depth]];
        }
        self.owners.truncate(choice.depth);
        self.weights.truncate(choice.depth + 1);
        let good = self.order[choice.depth];
        self.utilities[choice.owner] += self.problem.values[choice.owner][good];
        self.owners.push(choice.owner);
    }

    /// Opens the choices of the next good, the most promising last; or keeps the allocation, if it
    /// is whole and better.
    fn expand(&mut self, open: &mut Vec<Choice>) {
        let depth = self.owners.len();
        let Some(&good) = self.order.get(depth) else {
            if product::compare(&self.utilities, &self.best_utilities) == Ordering::Greater {
                for (place, &good) in self.order.iter().enumerate() {
                    self.best[good] = self.owners[place];
                }
                self.accept(self.utilities.clone());
            }
            return;
        };
        let mut weights = self.weights.last().cloned().unwrap_or_default();
        let open_goods = &self.order[depth..];
        let bound = self.problem.bound(&self.utilities, open_goods, &mut weights, self.enough);
        if bound < self.enough {
            return;
        }
        let value = |who: &usize| self.problem.values[*who][good];
        let mut owners: Vec<usize> = (0..weights.len()).filter(|who| value(who) > 0).collect();
        let worth = |who: &usize| value(who) as f64 * weights[*who].exp();
        owners.sort_by(|a, b| worth(a).total_cmp(&worth(b)).then(b.cmp(a)));
        open.extend(owners.into_iter().map(|owner| Choice { depth, owner, bound }));
        self.weights.push(weights);
    }
}

fn utilities(problem: &Problem, owners: &[usize]) -> Vec<u64> {
    let mut utilities = vec![0; problem.agents.len()];
    for (good, &owner) in owners.iter().enumerate() {
        utilities[owner] += problem.values[owner][good];
    }
    utilities
}

/// Something for everybody, then each good to whom it raises most in proportion.
fn first(problem: &Problem) -> Vec<usize> {
    let mut owners: Vec<Option<usize>> = vec![None; problem.goods.len()];
    let mut utilities = vec![0_u64; problem.agents.len()];
    for (who, &good) in problem.own.iter().enumerate() {
        owners[good] = Some(who);
        utilities[who] += problem.values[who][good];
    }
    let most = |good: &usize| problem.values.iter().map(|row| row[*good]).max().unwrap_or(0);
    let mut rest: Vec<usize> = (0..owners.len()).filter(|&good| owners[good].is_none()).collect();
    rest.sort_by_key(|good| (std::cmp::Reverse(most(good)), *good));
    for good in rest {
        let gain = |who: usize| problem.values[who][good] as f64 / utilities[who].max(1) as f64;
        let who = (0..utilities.len()).rev().max_by(|&a, &b| gain(a).total_cmp(&gain(b)));
        if let Some(who) = who {
            owners[good] = Some(who);
            utilities[who] += problem.values[who][good];
        }
    }
    owners.into_iter().map(Option::unwrap_or_default).collect()
}

/// Gives and swaps single goods while that raises the product, at most a hundred times over.
fn improved(problem: &Problem, mut owners: Vec<usize>) -> Vec<usize> {
    let mut utilities = utilities(problem, &owners);
    let value = |who: usize, good: Option<usize>| good.map_or(0, |good| problem.values[who][good]);
    for _ in 0..100 {
        let mut better = false;
        for good in 0..owners.len() {
            let swaps = (good + 1..owners.len()).map(|other| (None, Some(other)));
            let gifts = (0..utilities.len()).map(|who| (Some(who), None));
            for (to, other) in gifts.chain(swaps) {
                let mine = owners[good];
                let theirs = to.or(other.map(|other| owners[other])).unwrap_or(mine);
                if theirs == mine {
                    continue;
                }
                let after =
                    |who, gets, gives| utilities[who] + value(who, gets) - value(who, gives);
                let (me, they) = (after(mine, other, Some(good)), after(theirs, Some(good), other));
                let product = |a, b| u128::from(a) * u128::from(b);
                if product(me, they) > product(utilities[mine], utilities[theirs]) {
                    (utilities[mine], utilities[theirs]) = (me, they);
                    owners[good] = theirs;
                    if let Some(other) = other {
                        owners[other] = mine;
                    }
                    better = true;
                }
            }
        }
        if !better {
            break;
        }
    }
    owners
}

//! The fractional knapsack with several resources: which share of each request to grant so that the
//! granted worth is largest, for many requests and few resources.
//!
//! Owns the division, its prices and its certificate: by linear-programming duality no division is
//! worth more than [`bound`](Granted::bound), computed in integers from the prices alone. Does not
//! promise fairness, nor that the truth pays: who overstates its worth gains. Leaves whole-or-nothing
//! requests to [`program`](crate::welfare::program) and many resources to the same.

mod certificate;
mod sifting;
mod simplex;

use crate::{Amount, Money};

/// What one agent asks for: all of it or any share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<const R: usize> {
    /// What all of it is worth. A request that is worth nothing is granted nothing.
    pub worth: Money,
    /// What all of it takes of each resource.
    pub demand: [Amount; R],
}

/// A division, and the proof of how good it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Granted<const R: usize> {
    /// What is granted of each request, in billionths.
    pub shares: Vec<u32>,
    /// The price of a unit of each resource at which everybody would ask for about this share: who
    /// is worth more than its demand costs gets all, who is worth less gets nothing. Of resources of
    /// which there is nothing, the price says nothing.
    pub prices: [f64; R],
    /// What the granted shares are worth, in billionths of a minor unit. Exact.
    pub value: i128,
    /// What no division is worth more than, in billionths of a minor unit. A proof, not an estimate.
    pub bound: i128,
}

/// All of a request, in the unit of [`Granted::shares`].
pub const WHOLE: u32 = 1_000_000_000;

impl<const R: usize> Granted<R> {
    /// How far the value may be below the largest, as a part of the bound: 0 is proved optimal.
    pub fn gap(&self) -> f64 {
        if self.bound == 0 { 0.0 } else { (self.bound - self.value) as f64 / self.bound as f64 }
    }
}

/// Grants the shares of `requests` that are worth most together within `capacities`.
///
/// The shares never exceed a capacity, exactly. The value is within a billionth of the
/// [`bound`](Granted::bound) on ordinary data: the optimum's fractional shares, at most one a
/// resource, are rounded down to a billionth. [`gap`](Granted::gap) says how far it is in any case.
///
/// A resource of which there is nothing grants nothing to who demands it; who demands nothing gets
/// all. Where several divisions are worth the same, the result is one of them, the same each time.
///
/// Cost: O(n R) a pass over n requests and a few passes, plus a small program whose size grows with
/// the square root of n; meant for up to eight resources. Many identical requests make the small
/// program as large as the whole.
///
/// Source: duality and the bound-flipping ratio test, I. Maros, *Computational Techniques of the
/// Simplex Method*, 2003; the core of a knapsack, E. Balas and E. Zemel, *An algorithm
/// for large zero-one knapsack problems*, Operations Research 28 (1980).
///
/// ```
/// use mabeam_economics::welfare::knapsack::{Request, WHOLE, grant};
/// use mabeam_economics::{Amount, Money};
///
/// let ask = |worth, demand: [u64; 2]| Request {
///     worth: Money::new(worth).unwrap(),
///     demand: demand.map(Amount::new),
/// };
/// let requests = [ask(60, [10, 1]), ask(100, [20, 1]), ask(120, [30, 1])];
/// let granted = grant([50, 9].map(Amount::new), &requests);
/// assert_eq!(granted.shares, [WHOLE, WHOLE, 666_666_666]);
/// assert!((granted.prices[0] - 4.0).abs() < 1e-9);
/// assert!(granted.gap() < 1e-9);
/// ```
pub fn grant<const R: usize>(capacities: [Amount; R], requests: &[Request<R>]) -> Granted<R> {
    let scale = Scale::of(capacities, requests);
    let wanted: Vec<usize> = (0..requests.len())
        .filter(|&who| requests.get(who).is_some_and(|request| worth_granting(capacities, request)))
        .collect();
    let items: Vec<simplex::Item<R>> =
        wanted.iter().filter_map(|&who| requests.get(who)).map(|one| scale.item(one)).collect();
    let vertex = sifting::solve(&items, [1.0; R]);

    let mut shares = vec![0; requests.len()];
    for (&who, share) in wanted.iter().zip(vertex.shares) {
        if let Some(place) = shares.get_mut(who) {
            *place = certificate::parts(share);
        }
    }
    certificate::granted(capacities, requests, shares, scale.prices(vertex.prices))
}

/// Whether granting a share of it can help at all.
fn worth_granting<const R: usize>(capacities: [Amount; R], request: &Request<R>) -> bool {
    let possible =
        |(capacity, demand): (Amount, Amount)| capacity > Amount::ZERO || demand == Amount::ZERO;
    request.worth > Money::ZERO && capacities.into_iter().zip(request.demand).all(possible)
}

/// What one is, in the scaled problem: the whole of each capacity, the largest worth.
struct Scale<const R: usize> {
    capacities: [f64; R],
    worth: f64,
}

impl<const R: usize> Scale<R> {
    fn of(capacities: [Amount; R], requests: &[Request<R>]) -> Self {
        let largest = requests.iter().map(|request| request.worth.units()).max().unwrap_or(0);
        Self {
            capacities: capacities.map(|capacity| capacity.units().max(1) as f64),
            worth: largest.max(1) as f64,
        }
    }

    fn item(&self, request: &Request<R>) -> simplex::Item<R> {
        let mut uses = request.demand.map(|demand| demand.units() as f64);
        uses.iter_mut().zip(self.capacities).for_each(|(uses, capacity)| *uses /= capacity);
        simplex::Item { worth: request.worth.units() as f64 / self.worth, uses }
    }

    fn prices(&self, mut scaled: [f64; R]) -> [f64; R] {
        let unscale = |(price, capacity): (&mut f64, f64)| *price *= self.worth / capacity;
        scaled.iter_mut().zip(self.capacities).for_each(unscale);
        scaled
    }
}

#[cfg(test)]
mod laws;

//! The exact part: shares that fit in integers, and the bound that the prices prove.

use super::{Granted, Request, WHOLE, worth_granting};
use crate::Amount;
use crate::welfare::fixed::toward_zero;

/// A share in billionths, rounded down.
pub(super) fn parts(share: f64) -> u32 {
    u32::try_from(toward_zero(share * f64::from(WHOLE), 0)).unwrap_or(WHOLE).min(WHOLE)
}

/// The division with `shares`, cut until they fit, and with what `prices` prove.
pub(super) fn granted<const R: usize>(
    capacities: [Amount; R],
    requests: &[Request<R>],
    mut shares: Vec<u32>,
    prices: [f64; R],
) -> Granted<R> {
    let over = excess(capacities, requests, &shares);
    if over.iter().any(|&over| over > 0) {
        cut(requests, &mut shares, over);
    }
    let value = |(request, &share): (&Request<R>, &u32)| worth(request) * i128::from(share);
    let value = requests.iter().zip(&shares).map(value).sum();
    Granted { shares, prices, value, bound: bound(capacities, requests, prices) }
}

fn worth<const R: usize>(request: &Request<R>) -> i128 {
    request.worth.units().into()
}

/// How much more than each capacity the shares take, in billionths of a unit.
fn excess<const R: usize>(
    capacities: [Amount; R],
    requests: &[Request<R>],
    shares: &[u32],
) -> [i128; R] {
    let mut over = capacities.map(|capacity| -i128::from(capacity.units()) * i128::from(WHOLE));
    for (request, &share) in requests.iter().zip(shares).filter(|(_, share)| **share > 0) {
        for (over, demand) in over.iter_mut().zip(request.demand) {
            *over += i128::from(demand.units()) * i128::from(share);
        }
    }
    over
}

/// Cuts shares until they fit, where a unit costs the least worth: of the fractional ones,
/// which are as many as there are resources, if no more than a rounding error is needed; else of all.
fn cut<const R: usize>(requests: &[Request<R>], shares: &mut [u32], mut over: [i128; R]) {
    for (whole_too, most) in [(false, WHOLE / 1_000_000), (true, u32::MAX)] {
        for resource in 0..R {
            let demand =
                |who: &usize| requests.get(*who).map_or(0, |one| one.demand[resource].units());
            let worth_of_unit = |who: &usize| {
                requests.get(*who).map_or(0.0, |one| one.worth.units() as f64) / demand(who) as f64
            };
            let mut order: Vec<usize> = (0..shares.len())
                .filter(|who| over[resource] > 0 && demand(who) > 0)
                .filter(|who| {
                    whole_too || shares.get(*who).is_some_and(|&share| (1..WHOLE).contains(&share))
                })
                .collect();
            order.sort_by(|a, b| worth_of_unit(a).total_cmp(&worth_of_unit(b)));
            for who in order {
                let (Some(request), Some(share)) = (requests.get(who), shares.get_mut(who)) else {
                    continue;
                };
                let demand = i128::from(demand(&who));
                let needed = (over[resource].max(0) + demand - 1) / demand;
                let less = u32::try_from(needed).unwrap_or(u32::MAX);
                if less > most {
                    continue;
                }
                let less = less.min(*share);
                *share -= less;
                for (over, demand) in over.iter_mut().zip(request.demand) {
                    *over -= i128::from(demand.units()) * i128::from(less);
                }
            }
        }
    }
}

/// What no division is worth more than, in billionths: `p C + sum max(0, c - p a)` for any prices
/// `p >= 0` (weak duality), over the requests that can be granted at all, rounded up. Sums that pass the range stay at its end, which is above.
fn bound<const R: usize>(
    capacities: [Amount; R],
    requests: &[Request<R>],
    prices: [f64; R],
) -> i128 {
    let possible = || requests.iter().filter(|request| worth_granting(capacities, request));
    let wanted = possible().map(worth);
    let total = wanted.fold(0_i128, i128::saturating_add);
    // As many binary places as fit beside the largest sum that counts.
    let places = total.leading_zeros().saturating_sub(3).min(100);
    let prices =
        prices.map(|price| toward_zero(price.max(0.0), i32::try_from(places).unwrap_or(0)));
    let cost = |amounts: [Amount; R]| {
        amounts
            .into_iter()
            .zip(prices)
            .map(|(amount, price)| i128::from(amount.units()).saturating_mul(price))
            .fold(0_i128, i128::saturating_add)
    };
    let surplus = |request: &Request<R>| {
        (worth(request) << places).saturating_sub(cost(request.demand)).max(0)
    };
    let sum = possible().map(surplus).fold(cost(capacities), i128::saturating_add);
    in_billionths(sum, places).min(total * i128::from(WHOLE))
}

/// `sum / 2^places` in billionths, rounded up.
fn in_billionths(sum: i128, places: u32) -> i128 {
    let (units, rest) = (sum >> places, sum & ((1 << places) - 1));
    // Beside a billion there is room for 97 bits.
    let spare = places.saturating_sub(97);
    let (rest, places) = ((rest >> spare) + i128::from(spare > 0), places - spare);
    let rest = (rest * i128::from(WHOLE) + (1 << places) - 1) >> places;
    units.saturating_mul(i128::from(WHOLE)).saturating_add(rest)
}

//! Max-min fair rates of flows that cross a network of links.
//!
//! Owns progressive filling over links and its laws: no link carries more than its capacity, every
//! flow has a bottleneck. Leaves to its caller which route a flow takes; a bounded demand is a link
//! of that capacity which only this flow crosses.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Fixed;
use crate::{Amount, Invalid, Subject};

/// The max-min fair rates of flows, each of which crosses the links of its route; a route is a list of
/// places in `capacities`. The result stands in the routes' order.
///
/// Everybody's rate rises together until a link is full; the flows that cross it keep their rates, and
/// the others rise on. Then no rate can be made larger without making one smaller that is no larger:
/// every flow crosses a full link on which nobody has a higher rate. Among several links that fill at
/// one level, the lowest is marked first, which changes no rate. A link without capacity stops the
/// flows that cross it at 0.
///
/// Rates are in steps of 2^-64 units, each level rounded down, so that the links' loads are exact
/// sums that never exceed the capacities; a full link has less than one step for each of its flows
/// left, and what it leaves is handed to nobody.
///
/// Not promised: the largest total. The flows' routes and number must not be their own choice: who
/// splits into two flows gets two rates.
///
/// Errors: a route that names no link, an unknown link, or a link twice.
///
/// Cost: O(R + L log L) steps and R + L words for routes of R hops together over L links.
///
/// Source: D. Bertsekas and R. Gallager, *Data Networks*, 2nd edition, 1992, section 6.5.2.
///
/// ```
/// use mabeam_economics::Amount;
/// use mabeam_economics::division::network_max_min_fair;
///
/// // Two links in a row: one flow crosses both, each link has one flow of its own.
/// let routes = [&[0, 1][..], &[0], &[1]];
/// let rates = network_max_min_fair(&[6, 10].map(Amount::new), &routes)?;
/// let rates: Vec<u64> = rates.iter().map(|rate| rate.floor()).collect();
/// assert_eq!(rates, [3, 3, 7]);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn network_max_min_fair<R: AsRef<[usize]>>(
    capacities: &[Amount],
    routes: &[R],
) -> Result<Vec<Fixed>, Invalid> {
    let mut links = links(capacities, routes)?;
    let mut filling: BinaryHeap<_> = (0..links.len())
        .filter_map(|link| Some(Reverse((links.get(link)?.level()?, link))))
        .collect();
    let mut rates: Vec<Option<u128>> = vec![None; routes.len()];
    while let Some(Reverse((level, full))) = filling.pop() {
        let Some(link) = links.get_mut(full) else { continue };
        match link.level() {
            // A link's level rises when a flow that crosses it stops elsewhere.
            Some(later) if later > level => filling.push(Reverse((later, full))),
            Some(_) => {
                for flow in std::mem::take(&mut link.flows) {
                    let rate = rates.get_mut(flow).filter(|rate| rate.is_none());
                    let (Some(rate), Some(route)) = (rate, routes.get(flow)) else { continue };
                    *rate = Some(level);
                    for &crossed in route.as_ref() {
                        if let Some(crossed) = links.get_mut(crossed) {
                            crossed.left -= level;
                            crossed.rising -= 1;
                        }
                    }
                }
            }
            None => {}
        }
    }
    Ok(rates.into_iter().map(|rate| Fixed::from_bits(rate.unwrap_or(0))).collect())
}

/// A link that is being filled.
struct Link {
    /// What the flows that stopped leave of it, in steps of 2^-64 units.
    left: u128,
    /// How many of its flows rise.
    rising: u128,
    flows: Vec<usize>,
}

impl Link {
    /// The rate of its rising flows at which it is full.
    fn level(&self) -> Option<u128> {
        self.left.checked_div(self.rising)
    }
}

/// The links with the flows that cross them, all of which rise.
fn links<R: AsRef<[usize]>>(capacities: &[Amount], routes: &[R]) -> Result<Vec<Link>, Invalid> {
    let mut links: Vec<Link> = capacities
        .iter()
        .map(|capacity| Link {
            left: Fixed::whole(capacity.units()).bits(),
            rising: 0,
            flows: Vec::new(),
        })
        .collect();
    for (flow, route) in routes.iter().enumerate() {
        let refuse = |link, rule| Invalid::new(Subject::Agent(flow as u64), "route", link, rule);
        if route.as_ref().is_empty() {
            return Err(refuse("empty".to_owned(), "must cross a link"));
        }
        for &crossed in route.as_ref() {
            let Some(link) = links.get_mut(crossed) else {
                return Err(refuse(crossed.to_string(), "must be the place of a link"));
            };
            if link.flows.last() == Some(&flow) {
                return Err(refuse(crossed.to_string(), "must cross a link once"));
            }
            link.flows.push(flow);
            link.rising += 1;
        }
    }
    Ok(links)
}

#[cfg(test)]
mod laws;

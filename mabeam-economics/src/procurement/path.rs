//! Buying the cheapest path through a network whose links belong to different owners.
//!
//! Owns the choice of the path and the payments of Vickrey, Clarke and Groves. Promises truthfulness,
//! the cheapest path, and that nobody is paid less than its cost. Leaves to its caller that each
//! owner owns one link.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::{Invalid, Money, Subject};

/// A way from one node to another, and what its owner says that using it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it begins.
    pub from: u32,
    /// Where it ends.
    pub to: u32,
    /// The stated cost. At least zero.
    pub cost: Money,
}

/// The path that is bought, and for how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPurchase {
    /// The links of the path by their places, from the source on.
    pub path: Vec<usize>,
    /// What the owner of each is paid, in the same order.
    pub payments: Vec<Money>,
    /// What the path costs its owners by their own word.
    pub cost: Money,
}

/// Why no path was bought.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The input is none.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// No path leads from the source to the target.
    #[error("no path leads from node {from} to node {to}")]
    NoPath {
        /// The source.
        from: u32,
        /// The target.
        to: u32,
    },
    /// Every path uses the link, so that its owner could ask for anything.
    #[error("link {link} is on every path: its owner could ask for any price")]
    Monopoly {
        /// The place of the link.
        link: usize,
    },
}

/// Buys the cheapest path from `source` to `target` through the directed `links` among the nodes
/// `0..nodes`.
///
/// Each owner of a link on the path is paid what the cheapest path without its link costs, less what
/// the others on the path cost. Truth is a dominant strategy, nobody who tells it loses, and the path
/// is the cheapest. Among equally cheap paths it is the one with the fewest links, and among those
/// the one whose links stand first in the input, compared from the source on. A source that is the
/// target is reached by an empty path.
///
/// Not promised: frugality. A path of k links is overpaid k times over if each link takes credit for
/// the whole detour that it saves. Nor anything against who owns several links, or owners who
/// conspire.
///
/// Errors: [`PathError::Monopoly`] for the first link of the path without which there is none; a node
/// that is not there, a negative cost, a payment beyond [`Money::MAX`].
///
/// Cost: one search for the path and one for each of its links, O(m log m) each for m links; O(n + m)
/// memory.
///
/// Source: N. Nisan and A. Ronen, *Algorithmic mechanism design*, Games and Economic Behavior 35,
/// 2001; for the overpayment A. Archer and É. Tardos, *Frugal path mechanisms*, SODA 2002.
///
/// ```
/// use mabeam_economics::Money;
/// use mabeam_economics::procurement::{Link, buy_path};
///
/// let link = |from, to, cost| Link { from, to, cost: Money::new(cost).unwrap() };
/// let links = [link(0, 1, 20), link(1, 2, 30), link(0, 2, 70)];
/// let bought = buy_path(3, &links, 0, 2)?;
/// assert_eq!(bought.path, [0, 1]);
/// // Each saves the detour of 70 together with the other.
/// assert_eq!(bought.payments, [40, 50].map(|units| Money::new(units).unwrap()));
/// # Ok::<(), mabeam_economics::procurement::PathError>(())
/// ```
pub fn buy_path(
    nodes: u32,
    links: &[Link],
    source: u32,
    target: u32,
) -> Result<PathPurchase, PathError> {
    let network = Network::new(nodes, links)?;
    for (field, node) in [("source", source), ("target", target)] {
        is_there(Subject::Problem, field, node, nodes)?;
    }
    let distances = network.distances_to(target, None);
    let cheapest = distances[source as usize];
    let Some((cost, _)) = cheapest else {
        return Err(PathError::NoPath { from: source, to: target });
    };
    let path = network.walk(source, target, &distances);
    let mut payments = Vec::with_capacity(path.len());
    for &link in &path {
        let detour = network.distances_to(target, Some(link))[source as usize];
        let (without, _) = detour.ok_or(PathError::Monopoly { link })?;
        let others = cost - network.cost(link);
        payments.push(money(Subject::Resource(link as u64), "payment", without - others)?);
    }
    Ok(PathPurchase { path, payments, cost: money(Subject::Problem, "cost of the path", cost)? })
}

/// What a path costs: at most 2^32 links of 2^50 each.
type Cost = u128;

/// Cost and number of links to the target, where it can be reached.
type Distances = Vec<Option<(Cost, u32)>>;

/// The links by the node that they end at, and by the one they begin at: places, in ascending order.
struct Network<'a> {
    links: &'a [Link],
    into: Vec<Vec<usize>>,
    out_of: Vec<Vec<usize>>,
}

impl<'a> Network<'a> {
    fn new(nodes: u32, links: &'a [Link]) -> Result<Self, Invalid> {
        let (mut into, mut out_of) =
            (vec![Vec::new(); nodes as usize], vec![Vec::new(); nodes as usize]);
        for (place, link) in links.iter().enumerate() {
            let subject = Subject::Resource(place as u64);
            is_there(subject, "from", link.from, nodes)?;
            is_there(subject, "to", link.to, nodes)?;
            if link.cost < Money::ZERO {
                return Err(Invalid::new(subject, "cost", link.cost, "must be at least 0"));
            }
            into[link.to as usize].push(place);
            out_of[link.from as usize].push(place);
        }
        Ok(Self { links, into, out_of })
    }

    fn cost(&self, link: usize) -> Cost {
        self.links[link].cost.units().unsigned_abs().into()
    }

    /// Dijkstra's search backwards from `target`, by cost and then by the number of links.
    fn distances_to(&self, target: u32, without: Option<usize>) -> Distances {
        let mut distances: Distances = vec![None; self.into.len()];
        let mut reached = BinaryHeap::from([Reverse(((0, 0), target))]);
        while let Some(Reverse((distance, node))) = reached.pop() {
            let known = &mut distances[node as usize];
            if known.is_some() {
                continue;
            }
            *known = Some(distance);
            for &link in self.into[node as usize].iter().filter(|&&link| Some(link) != without) {
                let from = self.links[link].from;
                if distances[from as usize].is_none() {
                    let farther = (distance.0 + self.cost(link), distance.1 + 1);
                    reached.push(Reverse((farther, from)));
                }
            }
        }
        distances
    }

    /// The path that `distances` leads along, by the first link at each node. Each step has one link
    /// fewer ahead.
    fn walk(&self, source: u32, target: u32, distances: &Distances) -> Vec<usize> {
        let (mut node, mut path) = (source, Vec::new());
        while node != target {
            let leads = |&&link: &&usize| {
                let ahead = distances[self.links[link].to as usize];
                ahead.map(|(cost, links)| (cost + self.cost(link), links + 1))
                    == distances[node as usize]
            };
            let Some(&link) = self.out_of[node as usize].iter().find(leads) else { break };
            path.push(link);
            node = self.links[link].to;
        }
        path
    }
}

fn is_there(subject: Subject, field: &'static str, node: u32, nodes: u32) -> Result<(), Invalid> {
    if node < nodes {
        return Ok(());
    }
    Err(Invalid::new(subject, field, node, "must be below the number of nodes"))
}

fn money(subject: Subject, field: &'static str, units: Cost) -> Result<Money, Invalid> {
    let within = i64::try_from(units).ok().and_then(Money::new);
    within.ok_or_else(|| Invalid::new(subject, field, units, "must not exceed 10^15"))
}

#[cfg(test)]
mod laws;

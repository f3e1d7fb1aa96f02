//! Stable matching by deferred acceptance.
//!
//! Owns the matching of proposers to receivers with capacities. Promises stability, and among the
//! stable matchings the best for every proposer. Leaves to its caller which side proposes, and to
//! state strict preferences: there are no ties to break.

use std::collections::BinaryHeap;

use crate::{Invalid, Subject};

/// One who accepts up to [`capacity`](Self::capacity) proposers: a hospital, a school, a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receiver {
    /// How many it takes at most.
    pub capacity: usize,
    /// The proposers it accepts, best first; it would rather stay empty than have another.
    pub prefers: Vec<usize>,
}

/// Who is with whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matching {
    receivers: Vec<Option<usize>>,
}

impl Matching {
    /// The receiver of each proposer, in the proposers' order; `None` if it stays alone.
    pub fn receivers(&self) -> &[Option<usize>] {
        &self.receivers
    }

    /// The proposers with `receiver`, in ascending order. Cost: O(proposers).
    pub fn proposers(&self, receiver: usize) -> impl Iterator<Item = usize> {
        let with = self.receivers.iter().enumerate();
        with.filter(move |(_, with)| **with == Some(receiver)).map(|(proposer, _)| proposer)
    }
}

/// Matches proposers to receivers. `proposers` holds for each the receivers it accepts, best first.
///
/// Everybody proposes to its best receiver who has not yet refused it; a receiver keeps the best of
/// those who proposed, up to its capacity, and refuses the others. The result is *stable*: no
/// proposer and receiver prefer each other to what they have. Among the stable matchings it is the
/// one that every proposer likes best, and every receiver least. Stating the true preferences is a
/// dominant strategy for proposers. Who is matched, and how many each receiver has, is the same in
/// every stable matching, and a receiver with room left has the same proposers in each.
///
/// Not promised: anything against receivers who misstate preferences or capacity, who can gain; or
/// against proposers who do so together.
///
/// Errors: a preference for somebody who is not there, or the same one twice, with the one whose
/// preference it is. A receiver is named as a resource.
///
/// Cost: O(L log L) time and O(L) memory, for L stated preferences.
///
/// Source: D. Gale and L. S. Shapley, *College admissions and the stability of marriage*, 1962;
/// L. E. Dubins and D. A. Freedman 1981 and A. E. Roth 1982 for the strategies; A. E. Roth 1986 for
/// who is matched.
///
/// ```
/// use mabeam_economics::cooperation::{Receiver, deferred_acceptance};
///
/// // Three apply for one place in hospital 0 and two in hospital 1.
/// let applicants = [vec![0, 1], vec![0], vec![0, 1]];
/// let hospitals = [
///     Receiver { capacity: 1, prefers: vec![2, 0, 1] },
///     Receiver { capacity: 2, prefers: vec![0, 2] },
/// ];
/// let matching = deferred_acceptance(&applicants, &hospitals)?;
/// assert_eq!(matching.receivers(), [Some(1), None, Some(0)]);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn deferred_acceptance(
    proposers: &[Vec<usize>],
    receivers: &[Receiver],
) -> Result<Matching, Invalid> {
    for (proposer, prefers) in proposers.iter().enumerate() {
        Ranks::new(prefers, receivers.len(), Subject::Agent(proposer as u64))?;
    }
    let ranks = receivers.iter().enumerate().map(|(receiver, Receiver { prefers, .. })| {
        Ranks::new(prefers, proposers.len(), Subject::Resource(receiver as u64))
    });
    let ranks: Vec<Ranks> = ranks.collect::<Result<_, _>>()?;

    // The worst that a receiver holds is on top.
    let mut held: Vec<BinaryHeap<(usize, usize)>> = vec![BinaryHeap::new(); receivers.len()];
    let mut proposals: Vec<_> = proposers.iter().map(|prefers| prefers.iter()).collect();
    let mut free: Vec<usize> = (0..proposers.len()).rev().collect();
    while let Some(proposer) = free.pop() {
        let Some(&receiver) = proposals[proposer].next() else { continue };
        let Some(rank) = ranks[receiver].of(proposer) else {
            free.push(proposer);
            continue;
        };
        held[receiver].push((rank, proposer));
        if held[receiver].len() > receivers[receiver].capacity {
            free.extend(held[receiver].pop().map(|(_, refused)| refused));
        }
    }

    let mut matched = vec![None; proposers.len()];
    for (receiver, held) in held.into_iter().enumerate() {
        for (_, proposer) in held {
            matched[proposer] = Some(receiver);
        }
    }
    Ok(Matching { receivers: matched })
}

/// The place of everybody in one's preferences, sorted by id.
struct Ranks(Vec<(usize, usize)>);

impl Ranks {
    /// Refuses ids from `others` on, and repeated ones.
    fn new(prefers: &[usize], others: usize, whose: Subject) -> Result<Self, Invalid> {
        let refuse = |id: usize, rule| Err(Invalid::new(whose, "preference", id, rule));
        let mut ranks: Vec<_> = prefers.iter().copied().zip(0..).collect();
        ranks.sort_unstable();
        if let Some(&(id, _)) = ranks.last().filter(|(id, _)| *id >= others) {
            return refuse(id, "must be somebody who is there");
        }
        let twice = ranks.windows(2).find_map(|pair| match pair {
            [(one, _), (other, _)] if one == other => Some(*one),
            _ => None,
        });
        match twice {
            Some(id) => refuse(id, "must be stated once"),
            None => Ok(Self(ranks)),
        }
    }

    fn of(&self, id: usize) -> Option<usize> {
        let place = self.0.binary_search_by_key(&id, |(other, _)| *other).ok()?;
        self.0.get(place).map(|(_, rank)| *rank)
    }
}

#[cfg(test)]
mod laws;

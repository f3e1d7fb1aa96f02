//! Stability, the proposers' optimum and their truthfulness, against every matching there is.

use std::cmp::Reverse;

use proptest::prelude::*;

use super::*;
use crate::laws::{Mechanism, find_manipulation};

/// A way to match.
type Rule = fn(&[Vec<usize>], &[Receiver]) -> Vec<Option<usize>>;

fn deferred(proposers: &[Vec<usize>], receivers: &[Receiver]) -> Vec<Option<usize>> {
    deferred_acceptance(proposers, receivers).unwrap().receivers
}

/// Mutant: who came first to be accepted stays (the Boston mechanism).
fn immediate(proposers: &[Vec<usize>], receivers: &[Receiver]) -> Vec<Option<usize>> {
    let mut room: Vec<usize> = receivers.iter().map(|receiver| receiver.capacity).collect();
    let mut matched = vec![None; proposers.len()];
    for round in 0..receivers.len() {
        for (receiver, Receiver { prefers, .. }) in receivers.iter().enumerate() {
            for &proposer in prefers {
                let applies = proposers[proposer].get(round) == Some(&receiver);
                if applies && matched[proposer].is_none() && room[receiver] > 0 {
                    matched[proposer] = Some(receiver);
                    room[receiver] -= 1;
                }
            }
        }
    }
    matched
}

/// The place of `who` in `prefers`; nobody comes after everybody acceptable.
fn rank(prefers: &[usize], who: Option<usize>) -> usize {
    let place = who.map(|who| prefers.iter().position(|&other| other == who));
    place.map_or(prefers.len(), |place| place.unwrap_or(usize::MAX))
}

/// Nobody is with somebody it does not accept, no receiver is over capacity, and no two prefer each
/// other to what they have.
fn is_stable(matched: &[Option<usize>], proposers: &[Vec<usize>], receivers: &[Receiver]) -> bool {
    let with = |receiver: usize| {
        (0..matched.len()).filter(move |&proposer| matched[proposer] == Some(receiver))
    };
    let wants = |receiver: usize, proposer: usize| {
        let Receiver { capacity, prefers } = &receivers[receiver];
        let rank = rank(prefers, Some(proposer));
        let better = |&held: &usize| self::rank(prefers, Some(held)) > rank;
        rank < usize::MAX
            && (with(receiver).count() < *capacity || with(receiver).any(|held| better(&held)))
    };
    let accepted = matched.iter().enumerate().all(|(proposer, &with)| {
        with.is_none_or(|receiver| {
            proposers[proposer].contains(&receiver)
                && receivers[receiver].prefers.contains(&proposer)
        })
    });
    let fits = (0..receivers.len()).all(|all| with(all).count() <= receivers[all].capacity);
    accepted
        && fits
        && matched.iter().enumerate().all(|(proposer, &with)| {
            let better = &proposers[proposer][..rank(&proposers[proposer], with)];
            better.iter().all(|&receiver| !wants(receiver, proposer))
        })
}

/// All stable matchings, by trying every matching.
fn stable_matchings(proposers: &[Vec<usize>], receivers: &[Receiver]) -> Vec<Vec<Option<usize>>> {
    let mut all = vec![Vec::new()];
    for prefers in proposers {
        let choices = || prefers.iter().copied().map(Some).chain([None]);
        let extend = |start: Vec<Option<usize>>| {
            choices().map(move |choice| [start.as_slice(), &[choice]].concat())
        };
        all = all.into_iter().flat_map(extend).collect();
    }
    all.retain(|matched| is_stable(matched, proposers, receivers));
    all
}

/// Every ordered choice of some of `ids`.
fn ordered_choices(ids: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    let mut start = 0;
    while start < all.len() {
        let one = all[start].clone();
        let others = ids.iter().copied().filter(|id| !one.contains(id));
        all.extend(others.map(|id| [one.as_slice(), &[id]].concat()));
        start += 1;
    }
    all
}

/// The proposers report, everything else is known.
struct Proposers<'a> {
    rule: Rule,
    receivers: &'a [Receiver],
}

impl Mechanism for Proposers<'_> {
    type Report = Vec<usize>;
    type Outcome = Vec<Option<usize>>;
    type Utility = Reverse<usize>;

    fn outcome(&self, reports: &[Vec<usize>]) -> Self::Outcome {
        (self.rule)(reports, self.receivers)
    }

    fn utility(&self, who: usize, truth: &Vec<usize>, outcome: &Self::Outcome) -> Self::Utility {
        Reverse(rank(truth, outcome[who]))
    }

    fn lies(&self, _: usize, _: &[Vec<usize>]) -> Vec<Vec<usize>> {
        ordered_choices(&(0..self.receivers.len()).collect::<Vec<_>>())
    }
}

/// The receivers report, one place each.
struct Receivers<'a> {
    proposers: &'a [Vec<usize>],
}

impl Mechanism for Receivers<'_> {
    type Report = Vec<usize>;
    type Outcome = Vec<Option<usize>>;
    type Utility = Reverse<usize>;

    fn outcome(&self, reports: &[Vec<usize>]) -> Self::Outcome {
        deferred(self.proposers, &single(reports))
    }

    fn utility(&self, who: usize, truth: &Vec<usize>, outcome: &Self::Outcome) -> Self::Utility {
        Reverse(rank(truth, outcome.iter().position(|&with| with == Some(who))))
    }

    fn lies(&self, _: usize, _: &[Vec<usize>]) -> Vec<Vec<usize>> {
        ordered_choices(&(0..self.proposers.len()).collect::<Vec<_>>())
    }
}

fn single(prefers: &[Vec<usize>]) -> Vec<Receiver> {
    let one = |prefers: &Vec<usize>| Receiver { capacity: 1, prefers: prefers.clone() };
    prefers.iter().map(one).collect()
}

/// Some of `0..of`, in any order.
fn preferences(of: usize) -> impl Strategy<Value = Vec<usize>> {
    let all: Vec<usize> = (0..of).collect();
    (Just(all).prop_shuffle(), 0..=of + 1).prop_map(|(mut all, kept)| {
        all.truncate(kept);
        all
    })
}

fn problems() -> impl Strategy<Value = (Vec<Vec<usize>>, Vec<Receiver>)> {
    (0..5_usize, 0..4_usize).prop_flat_map(|(proposers, receivers)| {
        let receiver = (0..3_usize, preferences(proposers))
            .prop_map(|(capacity, prefers)| Receiver { capacity, prefers });
        let proposer = preferences(receivers);
        let all = prop::collection::vec(proposer, proposers);
        (all, prop::collection::vec(receiver, receivers))
    })
}

proptest! {
    #[test]
    fn no_two_prefer_each_other((proposers, receivers) in problems()) {
        prop_assert!(is_stable(&deferred(&proposers, &receivers), &proposers, &receivers));
    }

    #[test]
    fn every_proposer_likes_it_best_of_all_stable_matchings((proposers, receivers) in problems()) {
        let best = deferred(&proposers, &receivers);
        for other in stable_matchings(&proposers, &receivers) {
            for (prefers, (best, other)) in proposers.iter().zip(best.iter().zip(&other)) {
                prop_assert!(rank(prefers, *best) <= rank(prefers, *other));
            }
        }
    }

    /// The rural hospitals theorem (A. E. Roth, 1986).
    #[test]
    fn every_stable_matching_matches_the_same((proposers, receivers) in problems()) {
        let matching = deferred_acceptance(&proposers, &receivers).unwrap();
        for other in stable_matchings(&proposers, &receivers) {
            let other = Matching { receivers: other };
            for (one, other) in matching.receivers().iter().zip(other.receivers()) {
                prop_assert_eq!(one.is_some(), other.is_some());
            }
            for (receiver, Receiver { capacity, .. }) in receivers.iter().enumerate() {
                let one: Vec<_> = matching.proposers(receiver).collect();
                let other: Vec<_> = other.proposers(receiver).collect();
                prop_assert_eq!(one.len(), other.len());
                prop_assert!(one.len() == *capacity || one == other);
            }
        }
    }

    #[test]
    fn no_false_preference_gains_a_proposer((proposers, receivers) in problems()) {
        let mechanism = Proposers { rule: deferred, receivers: &receivers };
        prop_assert_eq!(find_manipulation(&mechanism, &proposers), None);
    }

    #[test]
    fn the_order_of_the_proposers_does_not_matter((proposers, receivers) in problems()) {
        let reversed: Vec<_> = proposers.iter().rev().cloned().collect();
        let last = proposers.len().wrapping_sub(1);
        let mut renamed = receivers.clone();
        for id in renamed.iter_mut().flat_map(|receiver| &mut receiver.prefers) {
            *id = last - *id;
        }
        let mut matched = deferred(&reversed, &renamed);
        matched.reverse();
        prop_assert_eq!(matched, deferred(&proposers, &receivers));
    }
}

/// D. Gale and L. S. Shapley, 1962, example 1: three stable matchings; the men get their first
/// choices if they propose, and the women theirs if they do.
#[test]
fn the_first_example_of_gale_and_shapley_comes_out_as_printed() {
    let men = [vec![0, 1, 2], vec![1, 2, 0], vec![2, 0, 1]];
    let women = [vec![1, 2, 0], vec![2, 0, 1], vec![0, 1, 2]];
    assert_eq!(deferred(&men, &single(&women)), [Some(0), Some(1), Some(2)]);
    assert_eq!(deferred(&women, &single(&men)), [Some(1), Some(2), Some(0)]);
    assert_eq!(stable_matchings(&men, &single(&women)).len(), 3);
}

/// The same paper, example 2: one stable matching, in which nobody has its first choice.
#[test]
fn the_second_example_of_gale_and_shapley_comes_out_as_printed() {
    let men = [vec![0, 1, 2, 3], vec![0, 3, 2, 1], vec![1, 0, 2, 3], vec![3, 1, 2, 0]];
    let women = [vec![3, 2, 0, 1], vec![1, 3, 0, 2], vec![3, 0, 1, 2], vec![2, 1, 0, 3]];
    let expected = [Some(2), Some(3), Some(0), Some(1)];
    assert_eq!(deferred(&men, &single(&women)), expected);
    assert_eq!(stable_matchings(&men, &single(&women)), [expected]);
    assert!(men.iter().zip(expected).all(|(prefers, with)| rank(prefers, with) > 0));
}

/// Negative control (A. E. Roth, *The economics of matching: stability and incentives*, 1982): the
/// receivers can gain. Woman 0 names only the man she likes better, and gets him.
#[test]
fn a_receiver_can_gain_by_a_false_preference() {
    let (men, women) = ([vec![0, 1], vec![1, 0]], [vec![1, 0], vec![0, 1]]);
    let found = find_manipulation(&Receivers { proposers: &men }, &women).unwrap();
    assert_eq!((found.who, found.lie), (0, vec![1]));
    assert_eq!((found.honest, found.dishonest), (Reverse(1), Reverse(0)));
}

/// Negative control: accepting at once is neither stable nor safe from lies, and the laws say so.
#[test]
fn immediate_acceptance_breaks_both_laws() {
    let proposers = [vec![0, 1], vec![0, 1], vec![1, 0]];
    let receivers = single(&[vec![0, 1, 2], vec![1, 0, 2]]);
    let matched = immediate(&proposers, &receivers);
    assert!(!is_stable(&matched, &proposers, &receivers));
    let mechanism = Proposers { rule: immediate, receivers: &receivers };
    assert_eq!(find_manipulation(&mechanism, &proposers).unwrap().who, 1);
}

#[test]
fn without_places_or_preferences_everybody_stays_alone() {
    let nobody = Receiver { capacity: 0, prefers: vec![0, 1] };
    assert_eq!(deferred(&[vec![0], vec![]], &[nobody]), [None, None]);
    assert_eq!(deferred(&[], &[]), []);
}

#[test]
fn bad_preferences_are_refused_by_name() {
    let refused = |proposers: &[Vec<usize>], prefers: Vec<usize>| {
        let receivers = [Receiver { capacity: 1, prefers }];
        deferred_acceptance(proposers, &receivers).unwrap_err().to_string()
    };
    let unknown = refused(&[vec![], vec![0, 3]], vec![]);
    assert_eq!(unknown, "agent 1: preference is 3: must be somebody who is there");
    let twice = refused(&[vec![0, 0]], vec![]);
    assert_eq!(twice, "agent 0: preference is 0: must be stated once");
    let twice = refused(&[vec![0]], vec![0, 0]);
    assert_eq!(twice, "resource 0: preference is 0: must be stated once");
}

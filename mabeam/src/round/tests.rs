//! The laws of a round, against a model that recounts the whole history after each event.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

type Voter = u8;

fn ballots() -> impl Strategy<Value = Ballot> {
    select(vec![Ballot::Approve, Ballot::Reject])
}

/// Events of voters `0..voters` and of one stranger, with a rare deadline.
fn events(voters: u8) -> impl Strategy<Value = Vec<Event<Voter>>> {
    let event = prop_oneof![
        8 => (0..=voters, ballots()).prop_map(|(voter, ballot)| Event::Voted(voter, ballot)),
        3 => (0..=voters).prop_map(Event::Died),
        1 => Just(Event::DeadlinePassed),
    ];
    prop::collection::vec(event, 0..40)
}

/// A number of voters and a quorum that they can reach.
fn electorates() -> impl Strategy<Value = (u8, Quorum)> {
    (1..9_u8).prop_flat_map(|voters| {
        let at_least = (1..=usize::from(voters))
            .prop_map(|count| Quorum::AtLeast(NonZeroUsize::new(count).unwrap()));
        let quorum = prop_oneof![Just(Quorum::Majority), Just(Quorum::Unanimous), at_least];
        (Just(voters), quorum)
    })
}

/// What the history alone implies: the first ballot of each voter, unless it died before.
#[derive(Default)]
struct Model {
    ballots: BTreeMap<Voter, Ballot>,
    dead: BTreeSet<Voter>,
    decision: Option<Decision>,
}

impl Model {
    /// What a round has to answer to `event`.
    fn take(
        &mut self,
        event: &Event<Voter>,
        voters: u8,
        needed: usize,
    ) -> Result<Option<Decision>, Refused<Voter>> {
        if let Some(refused) = self.refusal(event, voters) {
            return Err(refused);
        }
        if self.decision.is_some() {
            return Ok(None);
        }
        match *event {
            Event::Voted(voter, ballot) => {
                self.ballots.insert(voter, ballot);
            }
            Event::Died(voter) if !self.ballots.contains_key(&voter) => {
                self.dead.insert(voter);
            }
            Event::DeadlinePassed => self.decision = Some(Decision::Expired),
            Event::Died(_) => {}
        }
        let approvals = self.ballots.values().filter(|b| **b == Ballot::Approve).count();
        let open = usize::from(voters) - self.ballots.len() - self.dead.len();
        if approvals >= needed {
            self.decision.get_or_insert(Decision::Accepted);
        } else if approvals + open < needed {
            self.decision.get_or_insert(Decision::Rejected);
        }
        Ok(self.decision)
    }

    /// Why `event` does not fit the history, if it does not.
    fn refusal(&self, event: &Event<Voter>, voters: u8) -> Option<Refused<Voter>> {
        match *event {
            Event::Voted(voter, _) | Event::Died(voter) if voter >= voters => {
                Some(Refused::Stranger(voter))
            }
            Event::Voted(voter, _) => match (self.ballots.get(&voter), self.decision) {
                (Some(first), _) => Some(Refused::Duplicate { voter, first: *first }),
                (None, _) if self.dead.contains(&voter) => Some(Refused::Dead(voter)),
                (None, decision) => decision.map(|decision| Refused::Late(voter, decision)),
            },
            Event::Died(_) | Event::DeadlinePassed => None,
        }
    }
}

proptest! {
    #[test]
    fn a_round_does_what_the_recounted_history_implies(
        (voters, quorum, events) in electorates()
            .prop_flat_map(|(voters, quorum)| (Just(voters), Just(quorum), events(voters)))
    ) {
        let mut round = Round::propose((), 0..voters, quorum).unwrap();
        let mut model = Model::default();
        for event in events {
            let expected = model.take(&event, voters, round.needed());
            prop_assert_eq!(round.handle(event), expected);
            prop_assert_eq!(round.decision(), model.decision);
        }
    }

    #[test]
    fn a_round_decides_at_most_once_and_never_changes_its_mind(
        (voters, quorum, events) in electorates()
            .prop_flat_map(|(voters, quorum)| (Just(voters), Just(quorum), events(voters)))
    ) {
        let mut round = Round::propose((), 0..voters, quorum).unwrap();
        let mut announced = None;
        for event in events {
            if let Ok(Some(decision)) = round.handle(event) {
                prop_assert_eq!(announced, None);
                announced = Some(decision);
            }
            prop_assert_eq!(round.decision(), announced);
        }
    }

    #[test]
    fn the_deadline_ends_every_round(
        (voters, quorum, events) in electorates()
            .prop_flat_map(|(voters, quorum)| (Just(voters), Just(quorum), events(voters)))
    ) {
        let mut round = Round::propose((), 0..voters, quorum).unwrap();
        for event in events {
            let _ = round.handle(event);
        }
        let before = round.decision();
        let answer = round.handle(Event::DeadlinePassed);
        let expired = before.is_none().then_some(Decision::Expired);
        prop_assert_eq!(answer, Ok(expired));
        prop_assert_eq!(round.decision(), before.or(Some(Decision::Expired)));
    }

    #[test]
    fn a_refused_event_changes_nothing(
        (voters, quorum, events) in electorates()
            .prop_flat_map(|(voters, quorum)| (Just(voters), Just(quorum), events(voters)))
    ) {
        let mut round = Round::propose((), 0..voters, quorum).unwrap();
        for event in events {
            let before = (round.tally(), round.decision());
            if round.handle(event).is_err() {
                prop_assert_eq!((round.tally(), round.decision()), before);
            }
            let Tally { approved, rejected, died, silent } = round.tally();
            prop_assert_eq!(approved + rejected + died + silent, usize::from(voters));
        }
    }

    #[test]
    fn the_order_of_the_ballots_does_not_matter(
        quorum in select(vec![Quorum::Majority, Quorum::Unanimous]),
        (ballots, order) in prop::collection::vec(ballots(), 1..9).prop_flat_map(|ballots| {
            let order: Vec<usize> = (0..ballots.len()).collect();
            (Just(ballots), Just(order).prop_shuffle())
        }),
    ) {
        let decide = |order: &mut dyn Iterator<Item = usize>| {
            let mut round = Round::propose((), 0..ballots.len(), quorum).unwrap();
            for voter in order {
                let _ = round.handle(Event::Voted(voter, ballots[voter]));
            }
            round.decision()
        };
        let in_order = decide(&mut (0..ballots.len()));
        prop_assert!(in_order.is_some());
        prop_assert_eq!(decide(&mut order.into_iter()), in_order);
    }

    #[test]
    fn of_two_rival_proposals_a_majority_accepts_one_at_most(
        voters in 1..12_usize,
        for_first in (0..12_usize).prop_flat_map(|size| subsequence((0..12).collect::<Vec<_>>(), size)),
    ) {
        let (first, second) = rivals(voters, &for_first, Quorum::Majority);
        prop_assert!(!(first == Decision::Accepted && second == Decision::Accepted));
    }
}

/// The decisions on two proposals if each voter approves exactly one of them.
fn rivals(voters: usize, for_first: &[usize], quorum: Quorum) -> (Decision, Decision) {
    let decide = |approves: &dyn Fn(usize) -> bool| {
        let mut round = Round::propose((), 0..voters, quorum).unwrap();
        for voter in 0..voters {
            let ballot = if approves(voter) { Ballot::Approve } else { Ballot::Reject };
            let _ = round.handle(Event::Voted(voter, ballot));
        }
        round.decision().unwrap()
    };
    (decide(&|voter| for_first.contains(&voter)), decide(&|voter| !for_first.contains(&voter)))
}

/// Negative control: the law above is one of majorities, and half of the voters break it.
#[test]
fn half_of_the_voters_accept_two_rival_proposals() {
    let half = Quorum::AtLeast(NonZeroUsize::new(2).unwrap());
    assert_eq!(rivals(4, &[0, 1], half), (Decision::Accepted, Decision::Accepted));
}

#[test]
fn strangers_and_second_ballots_are_refused_by_name() {
    let mut round = Round::propose("p", ["ada", "bob", "cyd"], Quorum::Unanimous).unwrap();
    let refused = round.handle(Event::Voted("eve", Ballot::Approve)).unwrap_err();
    assert_eq!(refused, Refused::Stranger("eve"));
    assert_eq!(refused.to_string(), "\"eve\" is no voter of this round");

    assert_eq!(round.handle(Event::Voted("ada", Ballot::Approve)), Ok(None));
    let refused = round.handle(Event::Voted("ada", Ballot::Reject)).unwrap_err();
    assert_eq!(refused, Refused::Duplicate { voter: "ada", first: Ballot::Approve });

    assert_eq!(round.handle(Event::Died("bob")), Ok(Some(Decision::Rejected)));
    assert_eq!(round.handle(Event::Voted("bob", Ballot::Approve)), Err(Refused::Dead("bob")));
    let late = Refused::Late("cyd", Decision::Rejected);
    assert_eq!(round.handle(Event::Voted("cyd", Ballot::Approve)), Err(late));
}

#[test]
fn a_ballot_outlives_its_voter() {
    let mut round = Round::propose((), [1, 2, 3], Quorum::Majority).unwrap();
    assert_eq!(round.handle(Event::Voted(1, Ballot::Approve)), Ok(None));
    assert_eq!(round.handle(Event::Died(1)), Ok(None));
    assert_eq!(round.handle(Event::Voted(2, Ballot::Approve)), Ok(Some(Decision::Accepted)));
}

#[test]
fn an_impossible_round_gives_the_proposal_back() {
    let none = Round::propose("p", Vec::<u8>::new(), Quorum::Majority).unwrap_err();
    assert_eq!(none, ProposeError::NoVoters("p"));
    let twice = Round::propose("p", [7, 7], Quorum::Majority).unwrap_err();
    assert_eq!(twice, ProposeError::VoterTwice("p", 7));
    let quorum = Quorum::AtLeast(NonZeroUsize::new(3).unwrap());
    let error = Round::propose("p", [1, 2], quorum).unwrap_err();
    assert_eq!(error, ProposeError::QuorumOutOfReach { proposal: "p", needed: 3, voters: 2 });
    assert_eq!(error.to_string(), "a quorum of 3 can't be reached by 2 voters");
}

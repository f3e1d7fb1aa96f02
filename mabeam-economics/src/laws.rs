//! Looking for a lie that pays: the check of strategy-proofness, for our mechanisms and for a user's.
//!
//! Owns the comparison: everybody tells the truth, one tells a lie, and what the liar got is valued by
//! its *true* preferences, exactly. Leaves to its caller which instances and which lies are tried, so
//! what it did not find may still be there; what it found is a proof.
//!
//! ```
//! use mabeam_economics::laws::{Mechanism, find_manipulation};
//!
//! /// The highest bid wins and pays itself: shading it pays.
//! struct FirstPrice;
//!
//! impl Mechanism for FirstPrice {
//!     type Report = i64;
//!     type Outcome = Option<(usize, i64)>;
//!     type Utility = i64;
//!
//!     fn outcome(&self, bids: &[i64]) -> Self::Outcome {
//!         bids.iter().copied().enumerate().max_by_key(|&(who, bid)| (bid, std::cmp::Reverse(who)))
//!     }
//!
//!     fn utility(&self, who: usize, worth: &i64, outcome: &Self::Outcome) -> i64 {
//!         outcome.filter(|(winner, _)| *winner == who).map_or(0, |(_, price)| worth - price)
//!     }
//!
//!     fn lies(&self, who: usize, truths: &[i64]) -> Vec<i64> {
//!         (0..truths[who]).collect()
//!     }
//! }
//!
//! let found = find_manipulation(&FirstPrice, &[9, 5]).expect("who bids 9 would rather bid less");
//! assert_eq!((found.who, found.lie, found.honest, found.dishonest), (0, 5, 0, 4));
//! ```

/// A mechanism to which everybody reports once, and what its outcome is worth to each.
pub trait Mechanism {
    /// What one agent says.
    type Report: Clone;
    /// What comes of it.
    type Outcome;
    /// What it is worth to somebody. Exact: an integer or a fraction, never a float.
    type Utility: Ord;

    /// What comes of these reports.
    fn outcome(&self, reports: &[Self::Report]) -> Self::Outcome;

    /// What `outcome` is worth to `who`, whose true preferences are `truth`.
    fn utility(&self, who: usize, truth: &Self::Report, outcome: &Self::Outcome) -> Self::Utility;

    /// The lies of `who` that are worth trying: shading, inflating, splitting, hiding, just above and
    /// just below a rival.
    fn lies(&self, who: usize, truths: &[Self::Report]) -> Vec<Self::Report>;
}

/// A lie that pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manipulation<Report, Utility> {
    /// Who gains.
    pub who: usize,
    /// What it says.
    pub lie: Report,
    /// What the truth would have brought it.
    pub honest: Utility,
    /// What the lie brings it.
    pub dishonest: Utility,
}

/// The manipulation of a mechanism `M`.
pub type ManipulationOf<M> = Manipulation<<M as Mechanism>::Report, <M as Mechanism>::Utility>;

/// The lie that pays best, of the first agent that has one among [`lies`](Mechanism::lies).
///
/// Cost: one outcome for the truth and one for each lie.
pub fn find_manipulation<M: Mechanism>(
    mechanism: &M,
    truths: &[M::Report],
) -> Option<ManipulationOf<M>> {
    let honest = mechanism.outcome(truths);
    (0..truths.len()).find_map(|who| {
        let mut best: Option<ManipulationOf<M>> = None;
        for lie in mechanism.lies(who, truths) {
            let mut reports = truths.to_vec();
            reports[who] = lie.clone();
            let dishonest = mechanism.utility(who, &truths[who], &mechanism.outcome(&reports));
            let honest = mechanism.utility(who, &truths[who], &honest);
            let beaten = best.as_ref().map_or(&honest, |best| &best.dishonest);
            if dishonest > *beaten {
                best = Some(Manipulation { who, lie, honest, dishonest });
            }
        }
        best
    })
}

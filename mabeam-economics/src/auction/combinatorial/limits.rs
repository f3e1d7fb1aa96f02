//! How long a search may go on.
//!
//! Owns the counting of work. Promises that a limit of work alone stops the same search at the same
//! point on every machine; a deadline does not.

use std::time::Instant;

/// How long to look for a proof. Whatever ends first ends the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Units of work, each about a nanosecond. The search ends at the same point wherever it runs.
    pub work: u64,
    /// A moment, which ends the search somewhere else each time. It is passed by at most a few
    /// milliseconds for auctions of some hundred bids, by one exchange of the linear solver beyond.
    pub deadline: Option<Instant>,
}

/// Ten thousand million units of work: about ten seconds. No deadline.
impl Default for Limits {
    fn default() -> Self {
        Self { work: 10_000_000_000, deadline: None }
    }
}

/// The work that is left.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    left: u64,
    deadline: Option<Instant>,
    unchecked: u64,
}

/// How much work passes between two looks at the clock.
const WORK_BETWEEN_LOOKS: u64 = 1 << 20;

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { left: limits.work, deadline: limits.deadline, unchecked: WORK_BETWEEN_LOOKS }
    }

    /// The work that is left; none if the deadline has passed.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Spends `work`; whether any is left.
    pub(super) fn spend(&mut self, work: u64) -> bool {
        self.left = self.left.saturating_sub(work);
        self.unchecked = self.unchecked.saturating_add(work);
        if self.unchecked >= WORK_BETWEEN_LOOKS
            && let Some(deadline) = self.deadline
        {
            self.unchecked = 0;
            if Instant::now() >= deadline {
                self.left = 0;
            }
        }
        self.left > 0
    }
}

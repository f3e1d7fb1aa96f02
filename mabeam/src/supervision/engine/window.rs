//! The restarts of the last while, counted against the intensity.

use std::collections::VecDeque;
use std::time::Duration;

use super::spec::Intensity;

/// Promises: `admit` says no exactly if, with this one, more than `max_restarts` lie within `period`.
/// Keeps at most `max_restarts` + 1 times. Costs O(1), averaged.
#[derive(Debug)]
pub(super) struct Window {
    intensity: Intensity,
    /// When restarts were, the oldest first.
    times: VecDeque<Duration>,
}

impl Window {
    pub(super) const fn new(intensity: Intensity) -> Self {
        Self { intensity, times: VecDeque::new() }
    }

    /// Counts a restart; `now` is never less than before. After the first "no" there is no use in it.
    pub(super) fn admit(&mut self, now: Duration) -> bool {
        let Intensity { max_restarts, period } = self.intensity;
        if max_restarts == u32::MAX {
            return true;
        }
        while self.times.front().is_some_and(|&then| now.saturating_sub(then) > period) {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.times.len() as u64 <= u64::from(max_restarts)
    }
}

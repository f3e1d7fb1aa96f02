//! What the gate says of a budget, and the exit code that a run of it earns.

use std::fmt;

/// The judgement of one budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The interval's far end keeps the limit.
    Pass,
    /// The interval's near end is beyond the limit, and a confirmation in fresh processes agrees.
    Fail,
    /// Neither, after one planned extension.
    Inconclusive,
    /// There is nothing that can be judged: no result, a stale, foreign or malformed one.
    Invalid,
    /// Not judged here, for a stated reason: a missing tool, another machine.
    Skipped,
    /// Beyond the limit, within the ceiling of a waiver that still holds.
    Waived,
}

impl Verdict {
    /// The verdict's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "Pass",
            Self::Fail => "Fail",
            Self::Inconclusive => "Inconclusive",
            Self::Invalid => "Invalid",
            Self::Skipped => "Skipped",
            Self::Waived => "Waived",
        }
    }

    /// Whether the budget was judged at all.
    pub const fn is_judged(self) -> bool {
        !matches!(self, Self::Invalid | Self::Skipped)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a whole run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything judged keeps its budget.
    Passed,
    /// A budget is exceeded.
    Exceeded,
    /// Something could not be judged, and nothing judged is exceeded.
    CouldNotJudge,
    /// Some verdicts are open, and nothing worse.
    Inconclusive,
}

impl Outcome {
    /// The process exit code: 0, 1, 2 or 3 in the order of the variants.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Exceeded => 1,
            Self::CouldNotJudge => 2,
            Self::Inconclusive => 3,
        }
    }

    /// Sums up a run. `strict_skips` says whether a skip that a tool's absence caused is to count
    /// as "could not judge"; `(verdict, missing_tool)` describes each budget.
    ///
    /// A run that judged nothing is [`CouldNotJudge`](Self::CouldNotJudge), never a pass.
    pub fn of(verdicts: impl IntoIterator<Item = (Verdict, bool)>, strict_skips: bool) -> Self {
        let (mut judged, mut failed, mut unjudged, mut open) = (false, false, false, false);
        for (verdict, missing_tool) in verdicts {
            judged |= verdict.is_judged();
            failed |= verdict == Verdict::Fail;
            open |= verdict == Verdict::Inconclusive;
            unjudged |= verdict == Verdict::Invalid
                || (verdict == Verdict::Skipped && missing_tool && strict_skips);
        }
        match (failed, unjudged || !judged, open) {
            (true, ..) => Self::Exceeded,
            (false, true, _) => Self::CouldNotJudge,
            (false, false, true) => Self::Inconclusive,
            (false, false, false) => Self::Passed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Fail, Inconclusive, Invalid, Pass, Skipped, Waived};
    use super::*;

    fn code(verdicts: &[Verdict], strict: bool) -> u8 {
        Outcome::of(verdicts.iter().map(|&verdict| (verdict, true)), strict).exit_code()
    }

    #[test]
    fn a_broken_budget_outranks_everything() {
        assert_eq!(code(&[Pass, Fail, Invalid, Inconclusive], true), 1);
    }

    #[test]
    fn what_could_not_be_judged_outranks_what_is_open() {
        assert_eq!(code(&[Pass, Invalid, Inconclusive], false), 2);
        assert_eq!(code(&[Pass, Inconclusive], false), 3);
    }

    #[test]
    fn nothing_judged_is_never_a_pass() {
        assert_eq!(code(&[], false), 2);
        assert_eq!(code(&[Skipped], false), 2);
    }

    #[test]
    fn a_missing_tool_breaks_only_a_strict_run() {
        assert_eq!(code(&[Pass, Skipped], false), 0);
        assert_eq!(code(&[Pass, Skipped], true), 2);
        let other_machine = [(Pass, false), (Skipped, false)];
        assert_eq!(Outcome::of(other_machine, true), Outcome::Passed);
    }

    #[test]
    fn a_waiver_in_force_lets_the_run_pass() {
        assert_eq!(code(&[Pass, Waived], true), 0);
    }
}

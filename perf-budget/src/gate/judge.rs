//! The decision engine: evidence in, verdicts and wishes for more evidence out. Pure; it starts no
//! process and reads no clock.
//!
//! # How a budget is judged
//!
//! 1. The first rounds give an interval. Its far end within the limit: **Pass**. Its near end
//!    beyond: the engine asks for a [confirmation](Need::Confirmation). Neither: it asks for one
//!    [extension](Need::Extension).
//! 2. After the extension all rounds together are looked at again, in the same way; what is still
//!    open is **Inconclusive**.
//! 3. A confirmation is judged on its own fresh processes: beyond the limit once more is **Fail**,
//!    anything else **Inconclusive**.
//!
//! # How sure it is
//!
//! A [`Level`] spreads 5 % among all intervals of a run: each of `m` budgets has three intervals that
//! may decide (first, extended, confirming), and each gets 5 % / 3m (Bonferroni), so that with at
//! least 95 % probability every interval of the run holds its true value. That a Fail needs two of
//! them makes a wrong one rarer still.

use crate::gate::evidence::{Evidence, Unfit, Values};
use crate::gate::report::{Confidence, Distribution, Estimate};
use crate::gate::statistics::{Interval, log_t_interval, no_failure_interval, normal_quantile};
use crate::{Budget, Date, Limit, Unit, Verdict, Waiver};

/// Probability that every interval of a run holds its true value.
const FAMILY: f64 = 0.95;
/// Intervals of a budget that may decide: the first, the extended and the confirming one.
const LOOKS: u32 = 3;
/// Standard deviation, as a share, of what processes of the same program differ by: the larger of
/// two published for unchanged code (`docs/performance-gate.md` has the source). Only a result of a
/// single process is widened by it, because it can't tell by itself.
pub const BETWEEN_PROCESSES: f64 = 0.027;
/// Half the width of criterion's own 95 % interval in standard deviations.
const CRITERION_DEVIATIONS: f64 = 1.96;

/// The confidence of each interval of a run.
#[derive(Clone, Copy, Debug)]
pub struct Level(Confidence);

impl Level {
    /// The level for a run that judges `budgets` budgets.
    pub fn for_budgets(budgets: usize) -> Self {
        let shares = budgets.max(1) as f64 * f64::from(LOOKS);
        let each = 1.0 - (1.0 - FAMILY) / shares;
        Self(Confidence { family: FAMILY, budgets, looks: LOOKS, each })
    }

    /// The level in numbers.
    pub const fn confidence(&self) -> Confidence {
        self.0
    }
}

/// More evidence that a [`Trial`] needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// As many rounds again; all of them are judged together.
    Extension,
    /// As many rounds again; they are judged alone.
    Confirmation,
}

/// The judgement of one budget.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence that says why.
    pub explanation: String,
    /// The measured value.
    pub estimate: Option<Estimate>,
    /// What it rests on.
    pub basis: String,
    /// The distribution of the rounds that were judged last.
    pub distribution: Option<Distribution>,
}

/// One budget on its way to a verdict.
#[derive(Debug)]
pub struct Trial<'a> {
    budget: &'a Budget,
    waiver: Option<&'a Waiver>,
    today: Date,
    level: Level,
    stage: Stage,
    /// What was judged last.
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Extended,
    Confirming,
}

#[derive(Clone, Debug)]
struct Seen {
    estimate: Estimate,
    evidence: Evidence,
}

/// Where an interval lies to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Within,
    Beyond,
    Astride,
}

impl<'a> Trial<'a> {
    /// Opens the trial of `budget`. `waiver` is the one that speaks of it, expired or not.
    pub const fn new(
        budget: &'a Budget,
        waiver: Option<&'a Waiver>,
        today: Date,
        level: Level,
    ) -> Self {
        Self { budget, waiver, today, level, stage: Stage::First, seen: None }
    }

    /// Hears the evidence that was asked for, and closes the trial or asks for more.
    ///
    /// # Errors
    /// The [`Need`] that must be met by the next call; [`close`](Self::close) ends the trial if it
    /// can't be.
    pub fn hear(&mut self, evidence: Result<Evidence, Unfit>) -> Result<Judgement, Need> {
        let evidence = match evidence {
            Ok(evidence) => evidence,
            Err(unfit) => return Ok(self.judgement(Verdict::Invalid, unfit.to_string())),
        };
        let estimate = match estimate(&evidence.values, self.unit(), self.level) {
            Ok(estimate) => estimate,
            Err(unfit) => return Ok(self.judgement(Verdict::Invalid, unfit.to_string())),
        };
        self.seen = Some(Seen { estimate, evidence });
        let limit = self.limit_in_force();
        match (position(self.budget.limit, &estimate), position(limit, &estimate), self.stage) {
            (Position::Within, _, Stage::First | Stage::Extended) => {
                let spare = match self.waiver {
                    Some(waiver) => format!("; the waiver ({}) is no longer needed", waiver.issue),
                    None => String::new(),
                };
                Ok(self.judgement(Verdict::Pass, format!("{} is within{spare}", self.finding())))
            }
            (Position::Astride, _, Stage::First)
            | (Position::Beyond, Position::Astride, Stage::First) => {
                self.stage = Stage::Extended;
                Err(Need::Extension)
            }
            (_, Position::Within, Stage::First | Stage::Extended) => Ok(self.waived()),
            (_, Position::Beyond, Stage::Confirming) => {
                let explanation = format!("{}, and so says a confirmation", self.excess());
                Ok(self.judgement(Verdict::Fail, explanation))
            }
            (_, _, Stage::Confirming) => Ok(self.judgement(
                Verdict::Inconclusive,
                format!(
                    "the limit {limit} was exceeded at first, but a confirmation in fresh processes \
                     found {}",
                    self.value()
                ),
            )),
            (_, Position::Beyond, _) => {
                self.stage = Stage::Confirming;
                Err(Need::Confirmation)
            }
            (_, Position::Astride, Stage::Extended) => Ok(self.open("after one extension")),
        }
    }

    /// Ends the trial with what is known, where no more can be measured.
    pub fn close(self) -> Judgement {
        match self.stage {
            Stage::Confirming => {
                let explanation =
                    format!("{}; read from existing results, not confirmed", self.excess());
                self.judgement(Verdict::Fail, explanation)
            }
            Stage::First | Stage::Extended => self.open("and no more could be measured"),
        }
    }

    fn unit(&self) -> Unit {
        match self.budget.relative_to {
            Some(_) => Unit::Ratio,
            None => self.budget.metric.unit(),
        }
    }

    /// The waiver's ceiling while it holds, else the budget's own limit.
    fn limit_in_force(&self) -> Limit {
        match (self.waiver.filter(|waiver| waiver.holds_on(self.today)), self.budget.limit) {
            (None, limit) => limit,
            (Some(waiver), Limit::Max(_)) => Limit::Max(waiver.ceiling),
            (Some(waiver), Limit::Min(_)) => Limit::Min(waiver.ceiling),
        }
    }

    fn waived(&self) -> Judgement {
        let Some(waiver) = self.waiver else {
            return self.open("under a waiver that is gone");
        };
        let explanation = format!(
            "{} does not keep {}, waived up to {} until {} ({})",
            self.value(),
            self.budget.limit,
            waiver.ceiling,
            waiver.expires,
            waiver.issue
        );
        self.judgement(Verdict::Waived, explanation)
    }

    fn open(&self, when: &str) -> Judgement {
        let explanation = format!("the interval of {} holds the limit {when}", self.finding());
        self.judgement(Verdict::Inconclusive, explanation)
    }

    /// `1.20 ms exceeds the limit ≤ 1.00 ms by 20.0 %`.
    fn excess(&self) -> String {
        let limit = self.limit_in_force();
        let by = self.seen.as_ref().and_then(|seen| limit.headroom(seen.estimate.value));
        let by = by.map_or_else(String::new, |room| format!(" by {:.1} %", -100.0 * room));
        let expired = match self.waiver {
            Some(waiver) if !waiver.holds_on(self.today) => {
                format!(" (its waiver {} expired on {})", waiver.issue, waiver.expires)
            }
            _ => String::new(),
        };
        let verb = match limit {
            Limit::Max(_) => "exceeds",
            Limit::Min(_) => "falls short of",
        };
        format!("{} {verb} the limit {limit}{by}{expired}", self.value())
    }

    /// `31.2 ns ± 1.3 % against ≤ 1.00 ms`.
    fn finding(&self) -> String {
        format!("{} against {}", self.value(), self.limit_in_force())
    }

    fn value(&self) -> String {
        let Some(Seen { estimate, .. }) = &self.seen else {
            return "nothing".to_owned();
        };
        let value = estimate.quantity().map_or_else(String::new, |quantity| quantity.to_string());
        match estimate.relative_half_width() {
            0.0 => value,
            half => format!("{value} ± {:.1} %", 100.0 * half),
        }
    }

    fn judgement(&self, verdict: Verdict, explanation: String) -> Judgement {
        let seen = self.seen.clone();
        let (estimate, evidence) =
            seen.map(|Seen { estimate, evidence }| (estimate, evidence)).unzip();
        let (basis, distribution) =
            evidence.map(|evidence| (evidence.basis, evidence.distribution)).unzip();
        Judgement {
            verdict,
            explanation,
            estimate,
            basis: basis.unwrap_or_default(),
            distribution: distribution.flatten(),
        }
    }
}

/// The interval of `values` at `level`.
fn estimate(values: &Values, unit: Unit, level: Level) -> Result<Estimate, Unfit> {
    let each = level.0.each;
    let interval = match values {
        Values::Exact(value) if value.is_finite() => return Ok(Estimate::exact(*value, unit)),
        Values::Exact(_) => None,
        Values::Rounds(rounds) => log_t_interval(rounds, each),
        Values::NoFailure(operations) => no_failure_interval(*operations, each),
        Values::OneProcess { low, value, high } => {
            let within = (high / low).ln() / (2.0 * CRITERION_DEVIATIONS);
            let half = normal_quantile(each).map(|z| z * within.hypot(BETWEEN_PROCESSES));
            half.map(|half| Interval {
                low: value * (-half).exp(),
                value: *value,
                high: value * half.exp(),
            })
        }
    };
    let finite = |interval: &Interval| interval.low.is_finite() && interval.high.is_finite();
    let Interval { low, value, high } = interval
        .filter(finite)
        .ok_or_else(|| Unfit::Malformed(format!("no interval can be made of {values:?}")))?;
    Ok(Estimate { low, value, high, unit })
}

fn position(limit: Limit, estimate: &Estimate) -> Position {
    match (limit.allows(estimate.low), limit.allows(estimate.high)) {
        (true, true) => Position::Within,
        (false, false) => Position::Beyond,
        _ => Position::Astride,
    }
}

/// The waiver among `waivers` that speaks of `budget`: the one that holds longest.
pub fn waiver_of<'a>(
    budget: &Budget,
    waivers: impl IntoIterator<Item = &'a Waiver>,
) -> Option<&'a Waiver> {
    let speaking = waivers.into_iter().filter(|waiver| budget.is_waived_by(waiver));
    speaking.max_by_key(|waiver| waiver.expires)
}

#[cfg(test)]
mod tests;

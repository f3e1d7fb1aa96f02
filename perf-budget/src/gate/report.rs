//! What a run found, as data, and the forms in which people and programs read it.
//!
//! A [`Report`] is complete: every form (table, JSON, Markdown, HTML, `JUnit`, annotations) is a
//! pure function of it.

pub mod annotations;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod plot;
#[cfg(test)]
mod sample;
pub mod table;
mod text;
pub mod write;

use std::cmp::Ordering;

use serde::{Serialize, Serializer};

use crate::machine::Machine;
use crate::{Limit, Metric, Outcome, Quantity, Tier, Unit, Verdict};

/// The version of `report.json`.
pub const SCHEMA: u32 = 1;

/// Everything that a run of the gate found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run.
    pub run: Run,
    /// Where it ran.
    pub machine: Machine,
    /// How sure the verdicts are.
    pub confidence: Confidence,
    /// One row a budget, least headroom first within the verdicts that need attention.
    pub rows: Vec<Row>,
    /// Budgets of the file that belong to the full tier and were not part of this quick run.
    pub left_to_full: usize,
    /// Notes that concern the whole run (load, steal, a missing tool).
    pub warnings: Vec<String>,
    /// How the run ends.
    #[serde(serialize_with = "outcome")]
    pub outcome: Outcome,
}

/// The identity of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Ties results to the run.
    pub id: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// How long it took, in seconds, without the build.
    pub seconds: f64,
    /// Which budgets were judged.
    #[serde(serialize_with = "as_text")]
    pub tier: Tier,
    /// Whether a missing tool is an error.
    pub strict: bool,
    /// The commit that was measured, if known; `-dirty` marks uncommitted changes.
    pub commit: Option<String>,
    /// The budgets file, relative to the workspace.
    pub budgets: String,
}

/// The confidence that the intervals were made for.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Confidence {
    /// Probability that every interval of the run holds its true value.
    pub family: f64,
    /// Budgets among which the rest is shared (Bonferroni).
    pub budgets: usize,
    /// Intervals of a budget that may decide: the first, the extended and the confirming one.
    pub looks: u32,
    /// What each single interval is made for.
    pub each: f64,
}

/// One judged budget.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The operation.
    pub operation: String,
    /// What is limited.
    #[serde(serialize_with = "as_text")]
    pub metric: Metric,
    /// The peer of a ratio.
    pub relative_to: Option<String>,
    /// The limit in force (a waiver's ceiling does not change it).
    #[serde(serialize_with = "limit")]
    pub limit: Limit,
    /// The measured value, where there is one.
    pub estimate: Option<Estimate>,
    /// Share of the limit left unused; negative beyond it.
    pub headroom: Option<f64>,
    /// The judgement.
    #[serde(serialize_with = "as_text")]
    pub verdict: Verdict,
    /// One sentence that says why.
    pub explanation: String,
    /// What the value rests on: rounds, blocks, offered rate.
    pub basis: String,
    /// Who answers for the budget.
    pub owner: String,
    /// Why the budget stands.
    pub reason: String,
    /// Whether a tool that is missing here is why nothing was judged.
    pub missing_tool: bool,
    /// The measured distribution, for plots.
    pub distribution: Option<Distribution>,
}

/// A value and the interval in which the true one lies, in the unit's base.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The lower end.
    pub low: f64,
    /// The point estimate.
    pub value: f64,
    /// The upper end.
    pub high: f64,
    /// The unit of all three.
    #[serde(serialize_with = "unit")]
    pub unit: Unit,
}

/// A distribution as its quantile function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// What one sample is: `block of 4,096 operations`, `batch of 64 operations`.
    pub sample: String,
    /// How many samples there are.
    pub samples: u64,
    /// `(quantile, value)`, both rising; quantiles in 0..=1, values in the estimate's unit.
    pub quantiles: Vec<(f64, f64)>,
    /// The largest sample: shown, never judged.
    pub max: f64,
}

impl Report {
    /// Puts first what needs attention: `Fail`, `Invalid`, `Inconclusive`, `Waived`, then `Pass`,
    /// and `Skipped` last; within each verdict by rising headroom, then by name.
    pub fn sort_rows(&mut self) {
        self.rows.sort_by(Row::by_attention);
    }

    /// How many budgets earned `verdict`.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|row| row.verdict == verdict).count()
    }
}

impl Row {
    /// The operation with its peer, if the budget is a ratio: `lookup / papaya_get`.
    pub fn subject(&self) -> String {
        match &self.relative_to {
            Some(peer) => format!("{} / {peer}", self.operation),
            None => self.operation.clone(),
        }
    }

    /// The unit of everything measured here, known even where nothing was measured.
    pub fn unit(&self) -> Unit {
        match (&self.estimate, &self.relative_to) {
            (Some(estimate), _) => estimate.unit,
            (None, Some(_)) => Unit::Ratio,
            (None, None) => self.metric.unit(),
        }
    }

    /// The order of [`Report::sort_rows`].
    pub fn by_attention(&self, other: &Self) -> Ordering {
        let name = |row: &Self| (row.operation.clone(), row.metric, row.relative_to.clone());
        let urgency = self.urgency().cmp(&other.urgency());
        urgency
            .then_with(|| self.room().total_cmp(&other.room()))
            .then_with(|| name(self).cmp(&name(other)))
    }

    /// The place of the verdict in a report, most urgent first.
    const fn urgency(&self) -> u8 {
        match self.verdict {
            Verdict::Fail => 0,
            Verdict::Invalid => 1,
            Verdict::Inconclusive => 2,
            Verdict::Waived => 3,
            Verdict::Pass => 4,
            Verdict::Skipped => 5,
        }
    }

    /// Headroom to sort by. Without one, a limit of zero is either kept, and nothing is tight, or
    /// broken beyond any share.
    fn room(&self) -> f64 {
        let kept = self.verdict == Verdict::Pass;
        self.headroom.unwrap_or(if kept { f64::INFINITY } else { f64::NEG_INFINITY })
    }
}

impl Estimate {
    /// An exact value.
    pub const fn exact(value: f64, unit: Unit) -> Self {
        Self { low: value, value, high: value, unit }
    }

    /// The value with its unit.
    pub fn quantity(&self) -> Option<Quantity> {
        Quantity::new(self.value, self.unit)
    }

    /// Half the interval's width as a share of the value; 0 for exact values.
    pub fn relative_half_width(&self) -> f64 {
        if self.value == 0.0 { 0.0 } else { (self.high - self.low) / (2.0 * self.value.abs()) }
    }
}

fn as_text<S: Serializer>(value: &impl std::fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn unit<S: Serializer>(unit: &Unit, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match unit {
        Unit::Nanoseconds => "ns",
        Unit::PerSecond => "/s",
        Unit::Ratio => "x",
        Unit::Count => "count",
        Unit::Bytes => "B",
        Unit::Fraction => "fraction",
    })
}

fn limit<S: Serializer>(limit: &Limit, to: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeStruct;
    let mut out = to.serialize_struct("Limit", 3)?;
    let bound = if matches!(limit, Limit::Max(_)) { "max" } else { "min" };
    out.serialize_field("bound", bound)?;
    out.serialize_field("value", &limit.quantity().value())?;
    out.serialize_field("text", &limit.to_string())?;
    out.end()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn outcome<S: Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeStruct;
    let mut out = to.serialize_struct("Outcome", 2)?;
    out.serialize_field("exit_code", &outcome.exit_code())?;
    out.serialize_field(
        "name",
        match outcome {
            Outcome::Passed => "passed",
            Outcome::Exceeded => "exceeded",
            Outcome::CouldNotJudge => "could_not_judge",
            Outcome::Inconclusive => "inconclusive",
        },
    )?;
    out.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_attention_comes_first_and_the_tightest_of_it_before_the_rest() {
        let report = sample::sample_report();
        let order: Vec<_> = report.rows.iter().map(|row| row.verdict).collect();
        let mut verdicts = order.clone();
        verdicts.dedup();
        assert_eq!(
            verdicts,
            [
                Verdict::Fail,
                Verdict::Invalid,
                Verdict::Inconclusive,
                Verdict::Waived,
                Verdict::Pass,
                Verdict::Skipped
            ]
        );
        let passed = report.rows.iter().filter(|row| row.verdict == Verdict::Pass);
        let headroom: Vec<_> = passed.filter_map(|row| row.headroom).collect();
        assert!(headroom.is_sorted(), "{headroom:?}");
        // A zero limit leaves no share: broken it comes first, kept it comes last.
        assert_eq!(report.rows[0].headroom, None);
        let last = report.rows.iter().rfind(|row| row.verdict == Verdict::Pass);
        assert_eq!(last.map(|row| row.headroom), Some(None));
    }
}

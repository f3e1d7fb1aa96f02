//! All budgets of a run on their way to verdicts. Pure: results in, wishes for more out, rows at the
//! end.

use crate::gate::evidence::{Results, gather};
use crate::gate::judge::{Judgement, Level, Need, Trial, waiver_of};
use crate::gate::report::Row;
use crate::machine::UNIDENTIFIED;
use crate::{Budget, Date, Metric, Verdict, Waiver};

/// What a run can't change about where and when it happens.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The day, for waivers.
    pub today: Date,
    /// This machine's fingerprint.
    pub fingerprint: String,
    /// Why instructions can't be counted here, with what to install.
    pub no_callgrind: Option<String>,
}

/// The budgets of a run.
#[derive(Debug)]
pub struct Docket<'a> {
    entries: Vec<Entry<'a>>,
    level: Level,
}

#[derive(Debug)]
struct Entry<'a> {
    budget: &'a Budget,
    state: State<'a>,
}

#[derive(Debug)]
enum State<'a> {
    /// Waits for the evidence of `next`: `None` is the first.
    Open {
        trial: Trial<'a>,
        next: Option<Need>,
    },
    Done {
        judgement: Judgement,
        missing_tool: bool,
    },
}

impl<'a> Docket<'a> {
    /// Opens the trials of `budgets`. What can't be judged here is skipped at once.
    pub fn open(
        budgets: impl IntoIterator<Item = &'a Budget>,
        waivers: &'a [Waiver],
        circumstances: &Circumstances,
    ) -> Self {
        let budgets: Vec<&Budget> = budgets.into_iter().collect();
        let skips: Vec<Option<Judgement>> =
            budgets.iter().map(|budget| skip(budget, circumstances)).collect();
        let judged = budgets
            .iter()
            .zip(&skips)
            .filter(|(budget, skip)| skip.is_none() && has_interval(budget.metric));
        let level = Level::for_budgets(judged.count());
        let entries = budgets
            .into_iter()
            .zip(skips)
            .map(|(budget, skip)| {
                // The other reason for a skip is another machine, which no tool would change.
                let missing_tool = circumstances.no_callgrind.is_some()
                    && budget.metric == Metric::Instructions
                    && is_for_this_machine(budget, circumstances);
                let state = if let Some(judgement) = skip {
                    State::Done { judgement, missing_tool }
                } else {
                    let waiver = waiver_of(budget, waivers);
                    let trial = Trial::new(budget, waiver, circumstances.today, level);
                    State::Open { trial, next: None }
                };
                Entry { budget, state }
            })
            .collect();
        Self { entries, level }
    }

    /// The confidence of this run's intervals.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The budgets that wait for the evidence of `need`; `None` is the first evidence.
    pub fn waiting_for(&self, need: Option<Need>) -> impl Iterator<Item = &'a Budget> {
        self.entries.iter().filter_map(move |entry| match &entry.state {
            State::Open { next, .. } if *next == need => Some(entry.budget),
            _ => None,
        })
    }

    /// Lets the budgets that wait for `need` hear `results`.
    pub fn hear(&mut self, need: Option<Need>, results: &Results) {
        for entry in &mut self.entries {
            let State::Open { trial, next } = &mut entry.state else { continue };
            if *next != need {
                continue;
            }
            match trial.hear(gather(entry.budget, results)) {
                Ok(judgement) => entry.state = State::Done { judgement, missing_tool: false },
                Err(more) => *next = Some(more),
            }
        }
    }

    /// Ends every trial, those that still wait with what is known.
    pub fn close(self) -> Vec<Row> {
        let rows = self.entries.into_iter().map(|Entry { budget, state }| match state {
            State::Open { trial, .. } => row(budget, trial.close(), false),
            State::Done { judgement, missing_tool } => row(budget, judgement, missing_tool),
        });
        rows.collect()
    }
}

/// Whether the metric's value has an interval, and so a share of the confidence.
const fn has_interval(metric: Metric) -> bool {
    !matches!(metric, Metric::Instructions | Metric::Allocations | Metric::Bytes | Metric::Growth)
}

/// Why `budget` is not judged here.
fn skip(budget: &Budget, circumstances: &Circumstances) -> Option<Judgement> {
    let explanation = match (&budget.machine, &circumstances.no_callgrind) {
        (Some(machine), _) if !is_for_this_machine(budget, circumstances) => {
            format!("holds on `{machine}` only; this is `{}`", circumstances.fingerprint)
        }
        (_, Some(why)) if budget.metric == Metric::Instructions => why.clone(),
        _ => return None,
    };
    Some(Judgement {
        verdict: Verdict::Skipped,
        explanation,
        estimate: None,
        basis: String::new(),
        distribution: None,
    })
}

fn is_for_this_machine(budget: &Budget, circumstances: &Circumstances) -> bool {
    let here = &circumstances.fingerprint;
    budget.machine.as_ref().is_none_or(|machine| machine == here && here != UNIDENTIFIED)
}

fn row(budget: &Budget, judgement: Judgement, missing_tool: bool) -> Row {
    Row {
        operation: budget.operation.clone(),
        metric: budget.metric,
        relative_to: budget.relative_to.clone(),
        limit: budget.limit,
        estimate: judgement.estimate,
        headroom: judgement.estimate.and_then(|seen| budget.limit.headroom(seen.value)),
        verdict: judgement.verdict,
        explanation: judgement.explanation,
        basis: judgement.basis,
        owner: budget.owner.clone(),
        reason: budget.reason.clone(),
        missing_tool,
        distribution: judgement.distribution,
    }
}

#[cfg(test)]
mod tests;

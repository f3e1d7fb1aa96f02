//! From budgets to the measurements that they need. Pure.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::gate::cases::case_for;
use crate::protocol::{Case, Catalog, Method};
use crate::{Budget, Metric, Tier};

/// A bench that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) executable: PathBuf,
    pub(super) package_dir: PathBuf,
}

/// What the programs of a workspace can measure.
#[derive(Debug, Default)]
pub(super) struct Menu {
    /// Programs of the harness, with what they offer.
    pub(super) harness: Vec<(Program, Catalog)>,
    /// Programs of criterion, with the names of their benchmarks.
    pub(super) criterion: Vec<(Program, Vec<String>)>,
    /// Programs that run under callgrind; what they offer shows when they run.
    pub(super) callgrind: Vec<Program>,
}

/// How much a tier measures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Fresh processes for each case, in each phase.
    pub(super) rounds: u32,
    /// How long a timed or paired case measures in each.
    pub(super) duration: Duration,
    /// How long criterion measures each benchmark in each.
    pub(super) criterion: Duration,
}

/// The measurements of one phase.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) cases: Vec<PlannedCase>,
    /// criterion's programs, with the benchmarks to run.
    pub(super) criterion: Vec<(Program, Vec<String>)>,
    pub(super) callgrind: Vec<Program>,
}

/// A case to be measured, in one process or in as many as the effort has rounds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlannedCase {
    pub(super) program: Program,
    pub(super) case: Case,
}

impl Program {
    /// The program as `cargo bench` would start it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.current_dir(&self.package_dir).env("CARGO_MANIFEST_DIR", &self.package_dir);
        command
    }
}

impl Menu {
    /// Everything that the harness's programs can measure.
    pub(super) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.harness.iter().flat_map(|(_, catalog)| &catalog.cases)
    }
}

impl Effort {
    /// Quick: everything below two minutes on two cores. Full: narrower intervals.
    pub(super) const fn of(tier: Tier) -> Self {
        match tier {
            Tier::Quick => Self {
                rounds: 10,
                duration: Duration::from_millis(150),
                criterion: Duration::from_millis(500),
            },
            Tier::Full => Self {
                rounds: 20,
                duration: Duration::from_millis(500),
                criterion: Duration::from_secs(2),
            },
        }
    }
}

impl PlannedCase {
    /// Heap traffic and growth are exact: one process tells all.
    pub(super) const fn is_exact(&self) -> bool {
        matches!(self.case.method, Method::Allocations | Method::Growth)
    }

    /// How long one round of it takes, roughly.
    pub(super) fn estimate(&self, effort: Effort) -> Duration {
        // Starting the process, building the workload, warming up.
        let overhead = Duration::from_millis(60);
        overhead
            + match self.case.method {
                Method::Load { duration_ns, .. } => {
                    Duration::try_from_secs_f64(duration_ns / 1e9).unwrap_or_default()
                }
                Method::Timed | Method::Paired { .. } => effort.duration,
                Method::Allocations | Method::Growth => Duration::ZERO,
            }
    }
}

impl Plan {
    /// What must be measured so that `budgets` can be judged. A budget that nothing on the menu
    /// serves asks for nothing, and finds no evidence later.
    pub(super) fn new<'a>(budgets: impl IntoIterator<Item = &'a Budget>, menu: &Menu) -> Self {
        let mut plan = Self::default();
        for budget in budgets {
            if budget.metric == Metric::Instructions {
                plan.callgrind.clone_from(&menu.callgrind);
            } else if let Some(case) = case_for(budget, menu.cases()) {
                plan.add_case(case, menu);
            } else if matches!(budget.metric, Metric::LatencyMean | Metric::Throughput) {
                plan.add_criterion(&budget.operation, menu);
            }
        }
        plan
    }

    /// How long the phase takes with `effort`, roughly.
    pub(super) fn estimate(&self, effort: Effort) -> Duration {
        let cases: Duration = self
            .cases
            .iter()
            .map(|planned| {
                planned.estimate(effort) * if planned.is_exact() { 1 } else { effort.rounds }
            })
            .sum();
        let benchmarks: usize = self.criterion.iter().map(|(_, names)| names.len()).sum();
        let criterion = effort.criterion * 2 * effort.rounds;
        let callgrind = Duration::from_secs(5) * u32::try_from(self.callgrind.len()).unwrap_or(1);
        cases + criterion * u32::try_from(benchmarks).unwrap_or(u32::MAX) + callgrind
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cases.is_empty() && self.criterion.is_empty() && self.callgrind.is_empty()
    }

    fn add_case(&mut self, case: Case, menu: &Menu) {
        if self.cases.iter().any(|planned| planned.case.is_same(&case)) {
            return;
        }
        let offers = |catalog: &Catalog| catalog.cases.iter().any(|it| it.has_method_of(&case));
        let program = menu.harness.iter().find(|(_, catalog)| offers(catalog));
        if let Some((program, _)) = program {
            self.cases.push(PlannedCase { program: program.clone(), case });
        }
    }

    /// Adds a benchmark of criterion, if a program offers it.
    pub(super) fn add_criterion(&mut self, operation: &str, menu: &Menu) {
        let offering = menu
            .criterion
            .iter()
            .find(|(_, benchmarks)| benchmarks.iter().any(|name| name == operation));
        let Some((program, _)) = offering else { return };
        match self.criterion.iter_mut().find(|(planned, _)| planned == program) {
            Some((_, names)) if names.iter().any(|name| name == operation) => {}
            Some((_, names)) => names.push(operation.to_owned()),
            None => self.criterion.push((program.clone(), vec![operation.to_owned()])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limit, OfferedLoad};

    fn program(name: &str) -> Program {
        Program { executable: name.into(), package_dir: PathBuf::new() }
    }

    fn menu() -> Menu {
        let case = |operation: &str, method| Case { operation: operation.to_owned(), method };
        let load = Method::Load { rate_per_s: 1e6, duration_ns: 1e9, batch: 64 };
        let cases = vec![
            case("lookup", Method::Timed),
            case("lookup", Method::Paired { peer: "map".to_owned() }),
            case("lookup", load),
            case("lookup", Method::Allocations),
        ];
        Menu {
            harness: vec![(program("ours"), Catalog { schema: 1, cases })],
            criterion: vec![(program("theirs"), vec!["sort".to_owned(), "parse".to_owned()])],
            callgrind: vec![program("counted")],
        }
    }

    fn budget(operation: &str, metric: Metric, peer: Option<&str>) -> Budget {
        Budget {
            operation: operation.to_owned(),
            metric,
            limit: Limit::Max("1 x".parse().expect("a quantity")),
            relative_to: peer.map(str::to_owned),
            owner: "tests".to_owned(),
            reason: "a test".to_owned(),
            tier: Tier::Quick,
            machine: None,
            load: None,
        }
    }

    #[test]
    fn a_mean_is_always_measured_in_the_same_way() {
        let ratio = budget("lookup", Metric::LatencyMean, Some("map"));
        let mean = budget("lookup", Metric::LatencyMean, None);
        let both = Plan::new([&ratio, &mean], &menu());
        let alone = Plan::new([&mean], &menu());
        assert_eq!(alone.cases[0].case.method, Method::Timed);
        assert!(both.cases.contains(&alone.cases[0]), "{both:?}");
    }

    #[test]
    fn the_load_that_a_budget_states_replaces_the_benchmarks_own() {
        let mut p99 = budget("lookup", Metric::ALL[2], None);
        p99.load = Some(OfferedLoad { rate_per_s: 5.0, duration_ns: 2e9 });
        let plan = Plan::new([&p99], &menu());
        let expected = Method::Load { rate_per_s: 5.0, duration_ns: 2e9, batch: 64 };
        assert_eq!(plan.cases[0].case.method, expected);
        assert_eq!(plan.cases.len(), 1);
    }

    #[test]
    fn what_nobody_offers_asks_for_nothing() {
        let unknown = budget("look_up", Metric::LatencyMean, None);
        let foreign_peer = budget("lookup", Metric::LatencyMean, Some("tree"));
        let growth = budget("lookup", Metric::Growth, None);
        assert!(Plan::new([&unknown, &foreign_peer, &growth], &menu()).is_empty());
    }

    #[test]
    fn criterion_and_callgrind_are_asked_for_what_only_they_have() {
        let sort = budget("sort", Metric::LatencyMean, None);
        let count = budget("anything", Metric::Instructions, None);
        let plan = Plan::new([&sort, &sort, &count], &menu());
        assert_eq!(plan.criterion, [(program("theirs"), vec!["sort".to_owned()])]);
        assert_eq!(plan.callgrind, [program("counted")]);
    }
}

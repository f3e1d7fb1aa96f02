//! Carries out a plan: starts the programs, each round of each case in a process of its own, and
//! gathers what they found.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use miette::Result;

use super::callgrind::Callgrind;
use super::found;
use super::plan::{Effort, Menu, Plan, PlannedCase, Program};
use super::process;
use super::progress::Progress;
use super::results_dir::ResultsDir;
use super::workspace::{Bench, Tool};
use crate::gate::evidence::{Failure, Results};
use crate::gate::read;
use crate::protocol::{Case, Catalog, Order, REQUEST, Request, Task};
use crate::result::SCHEMA;

/// What a program may take beyond what was planned, before it is ended.
const GRACE: Duration = Duration::from_secs(120);
/// How long a program may take to say what it offers.
const LISTING: Duration = Duration::from_secs(60);
/// Samples that criterion takes of each benchmark in each of its processes.
const CRITERION_SAMPLES: u32 = 20;

/// A run that measures.
#[derive(Debug)]
pub(super) struct Session {
    run_id: String,
    pub(super) effort: Effort,
    results: ResultsDir,
    callgrind: Callgrind,
    phases_done: u32,
}

impl Session {
    /// Starts a session whose results go to `folder`; what an earlier one left there is removed.
    pub(super) fn start(
        run_id: String,
        effort: Effort,
        folder: PathBuf,
        callgrind: Callgrind,
    ) -> Result<Self> {
        let results = ResultsDir::take(folder, &run_id)?;
        Ok(Self { run_id, effort, results, callgrind, phases_done: 0 })
    }

    /// Measures everything in `plan` in fresh processes.
    ///
    /// # Errors
    /// If what belongs to the run can't be written down.
    pub(super) fn measure(&mut self, phase: &'static str, plan: &Plan) -> Result<Results> {
        let mut gathered = Results::default();
        if plan.is_empty() {
            return Ok(gathered);
        }
        let rounds = self.effort.rounds;
        let exact = plan.cases.iter().filter(|planned| planned.is_exact()).count();
        let steps = exact
            + (plan.cases.len() - exact + plan.criterion.len()) * rounds as usize
            + plan.callgrind.len();
        let mut progress = Progress::start(phase, steps, plan.estimate(self.effort));
        for program in &plan.callgrind {
            progress.step("instructions under callgrind");
            let home = self.results.path().join(format!("callgrind-{}", self.phases_done));
            gathered.merge(self.callgrind.run(program, &home));
        }
        // Round by round over all cases, so that a slow minute of the machine meets all of them.
        for round in 0..rounds {
            for (index, planned) in plan.cases.iter().enumerate() {
                // One failed round spoils the case, so the others would be for nothing.
                if !gathered.has_failed(&planned.case.operation)
                    && (round == 0 || !planned.is_exact())
                {
                    let of = if planned.is_exact() { 1 } else { rounds };
                    progress.step(&format!("{} ({}/{of})", planned.case.describe(), round + 1));
                    self.measure_case(index, planned, round, &mut gathered);
                }
            }
            for (index, (program, names)) in plan.criterion.iter().enumerate() {
                progress.step(&format!("criterion ({}/{rounds})", round + 1));
                self.measure_criterion(index, program, names, round, &mut gathered);
            }
        }
        self.phases_done += 1;
        progress.finish();
        self.results.save()?;
        Ok(gathered)
    }

    fn measure_case(
        &mut self,
        index: usize,
        planned: &PlannedCase,
        round: u32,
        gathered: &mut Results,
    ) {
        let operation = &planned.case.operation;
        // Rounds go on counting over the phases.
        let round = self.phases_done * self.effort.rounds + round;
        let name = format!("{index:03}-{}-{round:03}.json", file_name(operation));
        let out = self.results.sample(name, operation);
        let order = Order {
            run_id: self.run_id.clone(),
            round,
            case: planned.case.clone(),
            duration_ns: self.effort.duration.as_secs_f64() * 1e9,
        };
        // A load that can't keep up goes on for twice its time.
        let deadline = planned.estimate(self.effort) * 3 + GRACE;
        let answered = ask(&planned.program, Task::Measure(order), &out, deadline).and_then(|()| {
            read::samples::read_file(&out, &self.run_id).map_err(|error| error.to_string())
        });
        match answered {
            Ok(file) => gathered.samples.push(file.sample),
            Err(why) => {
                gathered.failures.push(Failure { operation: Some(operation.clone()), why });
            }
        }
    }

    fn measure_criterion(
        &self,
        index: usize,
        program: &Program,
        names: &[String],
        round: u32,
        gathered: &mut Results,
    ) {
        let name = format!("criterion-{}-{index}-{round}", self.phases_done);
        let home = self.results.path().join(name);
        let seconds = self.effort.criterion.as_secs_f64();
        let mut command = program.command();
        command
            .env("CRITERION_HOME", &home)
            .args(["--bench", "--noplot", "--sample-size", &CRITERION_SAMPLES.to_string()])
            .args(["--measurement-time", &seconds.to_string()])
            .args(["--warm-up-time", &(seconds / 2.0).to_string()])
            .arg(one_of(names));
        let deadline = self.effort.criterion * 10 * u32::try_from(names.len()).unwrap_or(1) + GRACE;
        match process::run(&mut command, deadline) {
            Ok(_) => gathered.merge(found::criterion(&home, None)),
            Err(why) => gathered.failures.extend(
                names
                    .iter()
                    .map(|name| Failure { operation: Some(name.clone()), why: why.clone() }),
            ),
        }
    }
}

/// Asks every program what it can measure.
pub(super) fn menu(programs: Vec<(Bench, Program)>) -> (Menu, Vec<Failure>) {
    let (mut menu, mut failures) = (Menu::default(), Vec::new());
    for (bench, program) in programs {
        match bench.tool {
            Tool::Harness => match catalog(&program) {
                Ok(catalog) => menu.harness.push((program, catalog)),
                Err(why) => failures.push(Failure { operation: None, why }),
            },
            Tool::Criterion => match criterion_names(&program) {
                Ok(names) => menu.criterion.push((program, names)),
                Err(why) => failures.push(Failure { operation: None, why }),
            },
            Tool::Callgrind => menu.callgrind.push(program),
            Tool::Other => {}
        }
    }
    (menu, failures)
}

fn catalog(program: &Program) -> Result<Catalog, process::Complaint> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let out = dir.path().join("catalog.json");
    ask(program, Task::List, &out, LISTING)?;
    let text = fs::read_to_string(&out).map_err(|error| {
        format!("`{}` did not say what it offers: {error}", program.executable.display())
    })?;
    let catalog: Catalog = serde_json::from_str(&text).map_err(|error| {
        format!("`{}` offers no catalog: {error}", program.executable.display())
    })?;
    if let Some(twice) = twice(&catalog) {
        let program = program.executable.display();
        return Err(format!("`{program}` offers `{twice}` twice"));
    }
    if catalog.schema == SCHEMA {
        Ok(catalog)
    } else {
        let (program, theirs) = (program.executable.display(), catalog.schema);
        Err(format!("`{program}` speaks schema {theirs}, this gate speaks {SCHEMA}"))
    }
}

/// A case that the catalog holds twice, of which only one would ever be measured.
fn twice(catalog: &Catalog) -> Option<String> {
    let mut cases = catalog.cases.iter().enumerate();
    let again = |(index, case): &(usize, &Case)| {
        catalog.cases[..*index].iter().any(|earlier| earlier.has_method_of(case))
    };
    cases.find(again).map(|(_, case)| case.describe())
}

fn criterion_names(program: &Program) -> Result<Vec<String>, process::Complaint> {
    let listed = process::run(program.command().args(["--bench", "--list"]), LISTING)?;
    let listed = String::from_utf8_lossy(&listed);
    // criterion 0.3 wrote `bench`, later ones write `benchmark`.
    let names = listed.lines().filter_map(|line| {
        line.strip_suffix(": benchmark").or_else(|| line.strip_suffix(": bench"))
    });
    let names: Vec<String> = names.map(str::to_owned).collect();
    if names.is_empty() {
        return Err(format!("`{}` lists no benchmark", program.executable.display()));
    }
    Ok(names)
}

fn ask(
    program: &Program,
    task: Task,
    out: &Path,
    deadline: Duration,
) -> Result<(), process::Complaint> {
    let request = serde_json::to_string(&Request { task, out: out.to_owned() })
        .map_err(|error| error.to_string())?;
    process::run(program.command().env(REQUEST, request), deadline).map(drop)
}

/// A regular expression for exactly these benchmarks.
fn one_of(names: &[String]) -> String {
    let escaped = names.iter().map(|name| {
        let escape =
            |c: char| if r"\.+*?()|[]{}^$#&-~".contains(c) { vec!['\\', c] } else { vec![c] };
        name.chars().flat_map(escape).collect::<String>()
    });
    format!("^({})$", escaped.collect::<Vec<_>>().join("|"))
}

/// `operation` without what a file name can't hold.
fn file_name(operation: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    operation.chars().take(64).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_selects_exactly_its_names() {
        let names = ["sort/1.5k".to_owned(), "a|b".to_owned()];
        assert_eq!(one_of(&names), r"^(sort/1\.5k|a\|b)$");
    }

    #[test]
    fn a_file_name_holds_no_path() {
        assert_eq!(file_name("../lookup/1 000"), "---lookup-1-000");
    }
}

//! From result files to [`Results`]: one place that turns each reader's findings and errors, and
//! the age of a file, into what the judge hears.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::results_dir::Manifest;
use super::source_age::NewestSource;
use crate::gate::cases::case_of;
use crate::gate::evidence::{Count, CriterionRound, Failure, Results};
use crate::gate::read::{self, ReadError};
use crate::machine::Machine;

/// What criterion left in `home`, as one round. Files older than `newest` are stale.
pub(super) fn criterion(home: &Path, newest: Option<&NewestSource>) -> Results {
    let mut found = Results::default();
    match read::criterion::read_dir(home) {
        Ok(read) => {
            for benchmark in read.benchmarks {
                found.operations.insert(benchmark.operation.clone());
                if is_stale(
                    &mut found,
                    &benchmark.operation,
                    &benchmark.path,
                    benchmark.modified,
                    newest,
                ) {
                    continue;
                }
                let typical = benchmark.typical_ns;
                found.criterion.push(CriterionRound {
                    operation: benchmark.operation,
                    typical_ns: (typical.low, typical.value, typical.high),
                    samples_ns: benchmark.samples_ns,
                });
            }
            complain(&mut found, read.errors);
        }
        Err(error) => unlisted(&mut found, home, &error),
    }
    found
}

/// What the runners of gungraun and iai-callgrind left below `target`. Files older than `newest` are stale.
pub(super) fn callgrind(target: &Path, newest: Option<&NewestSource>) -> Results {
    let mut found = Results::default();
    match read::callgrind::read_dir(target) {
        Ok(read) => {
            for run in read.runs {
                found.operations.insert(run.operation.clone());
                if !is_stale(&mut found, &run.operation, &run.path, run.modified, newest) {
                    let names = [run.function, run.operation, run.qualified];
                    found.instructions.push(Count { names, instructions: run.instructions });
                }
            }
            complain(&mut found, read.errors);
        }
        Err(error) => unlisted(&mut found, target, &error),
    }
    found
}

/// The samples of the latest run in `folder`, if they are whole and from this machine. Files older
/// than `newest` are stale.
pub(super) fn samples(folder: &Path, newest: Option<&NewestSource>) -> Results {
    let mut found = Results::default();
    let manifest = Manifest::read(folder).unwrap_or_default();
    let here = Machine::this().fingerprint;
    match read::samples::read_dir(folder, &manifest.run_id) {
        Ok(read) => {
            let lost = |(name, _): &&(String, String)| !folder.join(name).exists();
            for (name, operation) in manifest.samples.iter().filter(lost) {
                fail(&mut found, operation, format!("{name} of run {} is gone", manifest.run_id));
            }
            for file in read.samples {
                let operation = &file.sample.operation;
                found.operations.insert(operation.clone());
                found.cases.push(case_of(&file.sample));
                if file.sample.machine != here {
                    let (path, machine) = (file.path.display(), &file.sample.machine);
                    let why = format!("foreign result: {path} was measured on `{machine}`");
                    fail(&mut found, operation, why);
                } else if !is_stale(&mut found, operation, &file.path, file.modified, newest) {
                    found.samples.push(file.sample);
                }
            }
            for error in read.errors {
                let name = error.path.file_name().map(|name| name.to_string_lossy().into_owned());
                let mut known = manifest.samples.iter();
                let known = known.find(|(file, _)| Some(file) == name.as_ref());
                let operation = error.operation.clone().or(known.map(|(_, it)| it.clone()));
                found.failures.push(Failure { operation, why: error.to_string() });
            }
        }
        Err(error) => unlisted(&mut found, folder, &error),
    }
    found
}

/// Complains of a result that is older than the code it speaks of.
fn is_stale(
    found: &mut Results,
    operation: &str,
    path: &Path,
    modified: SystemTime,
    newest: Option<&NewestSource>,
) -> bool {
    let Some(newest) = newest.filter(|newest| modified < newest.changed) else {
        return false;
    };
    let (result, source) = (path.display(), newest.path.display());
    let why = format!("stale result: {result} is older than {source}");
    fail(found, operation, why);
    true
}

fn fail(found: &mut Results, operation: &str, why: String) {
    found.failures.push(Failure { operation: Some(operation.to_owned()), why });
}

fn complain(found: &mut Results, errors: Vec<ReadError>) {
    let failures = errors
        .into_iter()
        .map(|error| Failure { why: error.to_string(), operation: error.operation });
    found.failures.extend(failures);
}

fn unlisted(found: &mut Results, folder: &Path, error: &io::Error) {
    let why = format!("results in {} can't be listed: {error}", folder.display());
    found.failures.push(Failure { operation: None, why });
}

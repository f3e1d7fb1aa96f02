//! From result files to [`Results`]: one place that turns each reader's findings and errors, and
//! the age of a file, into what the judge hears.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::source_age::NewestSource;
use crate::gate::evidence::{Count, CriterionRound, Failure, Results};
use crate::gate::read::{self, ReadError};

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

/// The samples of the latest run in `folder`. Files older than `newest` are stale.
pub(super) fn samples(folder: &Path, newest: Option<&NewestSource>) -> Results {
    let mut found = Results::default();
    match read::samples::read_dir(folder) {
        Ok(read) => {
            for file in read.samples {
                let operation = &file.sample.operation;
                found.operations.insert(operation.clone());
                if !is_stale(&mut found, operation, &file.path, file.modified, newest) {
                    found.samples.push(file.sample);
                }
            }
            complain(&mut found, read.errors);
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
    found.failures.push(Failure { operation: Some(operation.to_owned()), why });
    true
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

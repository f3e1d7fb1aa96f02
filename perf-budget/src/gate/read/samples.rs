//! The harness's own results: one [`Sample`] in each `*.json` of a directory.
//!
//! The form is [`crate::result`]'s; any program may write it, so every number is checked before it
//! counts.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::{Problem, ReadError, files};
use crate::result::{Conditions, Load, Measurement, SCHEMA, Sample};

/// The file in which the gate writes down which samples belong to its run.
pub const MANIFEST: &str = "perf-gate-results.json";

/// The known version, for messages.
const KNOWN_VERSIONS: &str = "1";
const _: () = assert!(SCHEMA == 1, "KNOWN_VERSIONS names the schema");

/// Everything that a directory of samples holds.
#[derive(Debug, Default)]
pub struct SampleResults {
    /// Samples that passed every check, ordered by file name.
    pub samples: Vec<SampleFile>,
    /// Files that can't be used.
    pub errors: Vec<ReadError>,
}

/// A sample that passed every check, and where it stood.
#[derive(Clone, Debug)]
pub struct SampleFile {
    /// The sample.
    pub sample: Sample,
    /// When the file was written.
    pub modified: SystemTime,
    /// The file, for messages.
    pub path: PathBuf,
}

/// What must be known before the rest of a file can be read.
#[derive(Deserialize)]
struct Header {
    schema: u32,
}

/// Reads every `*.json` directly in `dir`, but for `perf-gate-results.json`, as a sample of the run
/// `run_id`. A directory that does not exist holds no samples; those of another run are errors.
///
/// # Errors
/// If `dir` can't be listed. What is wrong with single files is in [`SampleResults::errors`].
pub fn read_dir(dir: &Path, run_id: &str) -> io::Result<SampleResults> {
    let names = match files::list(dir) {
        Ok((files, _)) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut results = SampleResults::default();
    for path in names.into_iter().map(|name| dir.join(name)) {
        let is_manifest = path.file_name().is_some_and(|name| name == MANIFEST);
        if is_manifest || path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match read_file(&path, run_id) {
            Ok(file) => results.samples.push(file),
            Err(error) => results.errors.push(error),
        }
    }
    Ok(results)
}

/// Reads the one sample in `path` and checks that it belongs to the run `run_id`.
///
/// # Errors
/// What makes the sample unusable.
pub fn read_file(path: &Path, run_id: &str) -> Result<SampleFile, ReadError> {
    let file = parse(path).map_err(|problem| problem.at(path))?;
    check_file(file, run_id)
}

fn check_file(file: SampleFile, run_id: &str) -> Result<SampleFile, ReadError> {
    let sample = &file.sample;
    let checked = if sample.run_id == run_id {
        check(sample)
    } else {
        Err(Problem::Foreign { found: sample.run_id.clone() })
    };
    match checked {
        Ok(()) => Ok(file),
        Err(problem) => {
            let operation = Some(file.sample.operation);
            Err(ReadError { path: file.path, operation, problem })
        }
    }
}

fn parse(path: &Path) -> Result<SampleFile, Problem> {
    let (bytes, modified) = files::read(path)?;
    let Header { schema } = serde_json::from_slice(&bytes)?;
    if schema != SCHEMA {
        return Err(Problem::Version { found: schema.to_string(), known: KNOWN_VERSIONS });
    }
    let sample = serde_json::from_slice(&bytes)?;
    Ok(SampleFile { sample, modified, path: path.to_owned() })
}

fn check(sample: &Sample) -> Result<(), Problem> {
    named("operation", &sample.operation)?;
    check_conditions(&sample.conditions)?;
    match &sample.measurement {
        Measurement::Timed(timed) => {
            at_least_one("threads", timed.threads.into())?;
            at_least_one("iterations", timed.iterations)?;
            not_empty("block_ns", timed.block_ns.len())?;
            let mut blocks = timed.block_ns.iter().enumerate();
            blocks.try_for_each(|(index, &ns)| positive(&format!("block_ns[{index}]"), ns))
        }
        Measurement::Paired(pair) => {
            named("peer", &pair.peer)?;
            if pair.peer == sample.operation {
                let found = format!("`{}`", pair.peer);
                return Err(Problem::value("peer", found, "another than the operation"));
            }
            at_least_one("threads", pair.threads.into())?;
            at_least_one("iterations", pair.iterations)?;
            not_empty("quads_ns", pair.quads_ns.len())?;
            pair.quads_ns.iter().enumerate().try_for_each(|(index, &[ours, peers])| {
                positive(&format!("quads_ns[{index}][0]"), ours)?;
                positive(&format!("quads_ns[{index}][1]"), peers)
            })
        }
        Measurement::Load(load) => check_load(load),
        Measurement::Allocations(heap) => at_least_one("operations", heap.operations),
        Measurement::Growth(growth) => at_least_one("operations", growth.operations),
    }
}

fn check_conditions(conditions: &Conditions) -> Result<(), Problem> {
    not_negative("conditions.load_average", conditions.load_average)?;
    not_negative("conditions.elapsed_ns", conditions.elapsed_ns)?;
    if (0.0..=1.0).contains(&conditions.steal) {
        Ok(())
    } else {
        Err(Problem::value("conditions.steal", conditions.steal, "between 0 and 1"))
    }
}

/// The histogram must hold one latency for each batch of the operations that were counted.
fn check_load(load: &Load) -> Result<(), Problem> {
    positive("offered_per_s", load.offered_per_s)?;
    positive("duration_ns", load.duration_ns)?;
    positive("achieved_per_s", load.achieved_per_s)?;
    positive("operation_ns", load.operation_ns)?;
    not_negative("clock_ns", load.clock_ns)?;
    at_least_one("batch", load.batch)?;
    let operations = load.succeeded.checked_add(load.failed).ok_or_else(|| {
        Problem::value("succeeded + failed", "too large", "below 2 to the power of 64")
    })?;
    at_least_one("succeeded + failed", operations)?;
    let histogram = load
        .histogram
        .decode()
        .map_err(|error| Problem::value("histogram", error, "base64 of the V2 encoding"))?;
    let batches = operations.div_ceil(load.batch);
    if histogram.len() == batches {
        Ok(())
    } else {
        let found = format!("of {} latencies", histogram.len());
        let rule = "of one latency for each batch of succeeded and failed operations";
        Err(Problem::value("histogram", found, rule))
    }
}

fn named(place: &str, name: &str) -> Result<(), Problem> {
    if name.trim().is_empty() { Err(Problem::value(place, "empty", "a name")) } else { Ok(()) }
}

fn not_empty(place: &str, length: usize) -> Result<(), Problem> {
    if length == 0 { Err(Problem::value(place, "empty", "one entry or more")) } else { Ok(()) }
}

fn at_least_one(place: &str, count: u64) -> Result<(), Problem> {
    if count == 0 { Err(Problem::value(place, count, "greater than zero")) } else { Ok(()) }
}

fn positive(place: &str, value: f64) -> Result<(), Problem> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(Problem::value(place, value, "finite and greater than zero"))
    }
}

fn not_negative(place: &str, value: f64) -> Result<(), Problem> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(Problem::value(place, value, "finite and not negative"))
    }
}

//! criterion's results: `<criterion directory>/…/new/{benchmark,sample,estimates}.json`.
//!
//! Criterion calls these files private, but writes them unchanged since 0.3.3; the tests read real
//! files of 0.3.6 and 0.8.2. `benchmark.json` is written last and marks a finished measurement; it
//! also is the only source of names, because paths are shortened and made safe. A measurement that
//! criterion gave up leaves older files in place: compare [`CriterionBenchmark::modified`] with the
//! start of the run.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::files::{self, Directory};
use super::{Problem, ReadError};

/// The file that criterion writes last.
const MARKER: &str = "benchmark.json";
const SAMPLE: &str = "sample.json";
const ESTIMATES: &str = "estimates.json";

/// Everything that a criterion directory holds.
#[derive(Debug, Default)]
pub struct CriterionResults {
    /// Finished measurements, ordered by path.
    pub benchmarks: Vec<CriterionBenchmark>,
    /// Results that can't be used.
    pub errors: Vec<ReadError>,
}

/// The latest measurement of one benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct CriterionBenchmark {
    /// The benchmark's full id: `group/function/value`.
    pub operation: String,
    /// Mean time of an iteration in each of criterion's samples, in nanoseconds, in the order in
    /// which they were taken. Never empty.
    pub samples_ns: Vec<f64>,
    /// The typical time of an iteration: criterion's slope, or its mean where the samples are flat.
    pub typical_ns: Estimate,
    /// What one iteration works through, as the benchmark declares it.
    pub throughput: Option<Throughput>,
    /// When the measurement was finished.
    pub modified: SystemTime,
    /// The completion marker, for messages.
    pub path: PathBuf,
}

/// A point estimate with criterion's own bootstrap interval, which covers one process only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The lower end.
    pub low: f64,
    /// The point estimate.
    pub value: f64,
    /// The upper end.
    pub high: f64,
    /// The share of such intervals that cover the true value: 0.95.
    pub confidence_level: f64,
}

/// What one iteration works through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Throughput {
    /// Bits.
    Bits(u64),
    /// Bytes, shown with binary prefixes.
    Bytes(u64),
    /// Bytes, shown with decimal prefixes.
    BytesDecimal(u64),
    /// Elements.
    Elements(u64),
    /// Elements that are a number of bytes together.
    ElementsAndBytes {
        /// Elements.
        elements: u64,
        /// Bytes.
        bytes: u64,
    },
}

/// `benchmark.json`.
#[derive(Deserialize)]
struct Marker {
    full_id: String,
    throughput: Option<Throughput>,
}

/// `sample.json`.
#[derive(Deserialize)]
struct SampleFile {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// `estimates.json`.
#[derive(Deserialize)]
struct EstimatesFile {
    mean: EstimateEntry,
    slope: Option<EstimateEntry>,
}

#[derive(Deserialize)]
struct EstimateEntry {
    confidence_interval: ConfidenceInterval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct ConfidenceInterval {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

/// Reads the latest measurement of every benchmark below `criterion_dir` (`target/criterion`).
/// Times are nanoseconds: a benchmark with a custom `Measurement` does not say so in its files and
/// must not be read as a time. A directory that does not exist holds no results.
///
/// # Errors
/// If `criterion_dir` itself can't be listed. What is wrong with single results is in
/// [`CriterionResults::errors`].
pub fn read_dir(criterion_dir: &Path) -> io::Result<CriterionResults> {
    let mut results = CriterionResults::default();
    for directory in files::walk(criterion_dir, &mut results.errors)? {
        if !is_measurement(&directory) {
            continue;
        }
        match read_measurement(&directory) {
            Ok(benchmark) => results.benchmarks.push(benchmark),
            Err(error) => results.errors.push(error),
        }
    }
    Ok(results)
}

/// Whether criterion keeps a latest measurement here, finished or not. A benchmark may itself be
/// called `new`; its directory then holds no such file.
fn is_measurement(directory: &Directory) -> bool {
    directory.path.ends_with("new")
        && [MARKER, SAMPLE, ESTIMATES].iter().any(|file| directory.has(file))
}

fn read_measurement(directory: &Directory) -> Result<CriterionBenchmark, ReadError> {
    if let Some(missing) = [MARKER, SAMPLE, ESTIMATES].into_iter().find(|file| !directory.has(file))
    {
        return Err(Problem::Unfinished { missing }.at(&*directory.path));
    }
    let path = directory.path.join(MARKER);
    let (marker, modified) = read_json::<Marker>(&path).map_err(|problem| problem.at(&*path))?;
    let blame = |file: &str| {
        let (path, operation) = (directory.path.join(file), marker.full_id.clone());
        move |problem| ReadError { path, operation: Some(operation), problem }
    };
    let typical_ns = typical(&directory.path.join(ESTIMATES)).map_err(blame(ESTIMATES))?;
    let samples_ns = samples(&directory.path.join(SAMPLE)).map_err(blame(SAMPLE))?;
    Ok(CriterionBenchmark {
        operation: marker.full_id,
        samples_ns,
        typical_ns,
        throughput: marker.throughput,
        modified,
        path,
    })
}

fn samples(path: &Path) -> Result<Vec<f64>, Problem> {
    let (SampleFile { iters, times }, _) = read_json(path)?;
    if iters.len() != times.len() {
        let found = format!("of length {}", times.len());
        return Err(Problem::value("times", found, "as long as `iters`"));
    }
    if iters.is_empty() {
        return Err(Problem::value("iters", "empty", "one entry a sample"));
    }
    let pairs = iters.iter().zip(&times).enumerate();
    pairs
        .map(|(index, (&iterations, &time))| {
            positive(&format!("iters[{index}]"), iterations)?;
            positive(&format!("times[{index}]"), time)?;
            positive(&format!("times[{index}] / iters[{index}]"), time / iterations)?;
            Ok(time / iterations)
        })
        .collect()
}

fn typical(path: &Path) -> Result<Estimate, Problem> {
    let (estimates, _) = read_json::<EstimatesFile>(path)?;
    let (name, entry) = match estimates.slope {
        Some(slope) => ("slope", slope),
        None => ("mean", estimates.mean),
    };
    let interval = entry.confidence_interval;
    positive(&format!("{name}.point_estimate"), entry.point_estimate)?;
    positive(&format!("{name}.confidence_interval.lower_bound"), interval.lower_bound)?;
    positive(&format!("{name}.confidence_interval.upper_bound"), interval.upper_bound)?;
    if interval.lower_bound > interval.upper_bound {
        let place = format!("{name}.confidence_interval.lower_bound");
        return Err(Problem::value(&place, interval.lower_bound, "at most `upper_bound`"));
    }
    let level = interval.confidence_level;
    if !(level > 0.0 && level < 1.0) {
        let place = format!("{name}.confidence_interval.confidence_level");
        return Err(Problem::value(&place, level, "between 0 and 1"));
    }
    Ok(Estimate {
        low: interval.lower_bound,
        value: entry.point_estimate,
        high: interval.upper_bound,
        confidence_level: level,
    })
}

fn positive(place: &str, value: f64) -> Result<(), Problem> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(Problem::value(place, value, "finite and greater than zero"))
    }
}

/// The file's content and the time of its last change.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<(T, SystemTime), Problem> {
    let (bytes, modified) = files::read(path)?;
    // A derived `Deserialize` would take an array for a struct.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::OldCriterion);
    }
    match serde_json::from_slice(&bytes) {
        Ok(content) => Ok((content, modified)),
        Err(_) if has_old_keys(&bytes) => Err(Problem::OldCriterion),
        Err(error) => Err(error.into()),
    }
}

/// Whether these are estimates as criterion before 0.3.3 keyed them. Its samples were a bare array.
fn has_old_keys(bytes: &[u8]) -> bool {
    let content = serde_json::from_slice::<serde_json::Value>(bytes);
    content.is_ok_and(|content| content.get("Mean").is_some())
}

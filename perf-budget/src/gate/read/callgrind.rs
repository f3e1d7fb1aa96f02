//! Instruction counts that callgrind took, in the summaries of iai-callgrind (version 6 of the
//! format, `target/iai`) and of gungraun, its later name (version 7, `target/gungraun`).
//!
//! A summary is written only when the runner is asked to (`--save-summary=json`,
//! `GUNGRAUN_SAVE_SUMMARY=json`, `IAI_CALLGRIND_SAVE_SUMMARY=json`). Instructions are the `Ir` event
//! over all threads and processes of a benchmark. A benchmark that fails leaves its older summary in
//! place: compare [`CallgrindRun::modified`] with the start of the run.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gungraun_summary::either_or_both::EitherOrBoth;
use gungraun_summary::{v6, v7};
use serde_json::Value;

use super::{Problem, ReadError, files};

/// The file that a runner writes for each benchmark.
const SUMMARY: &str = "summary.json";
/// Where the runners write, below the target directory: old name, new name.
const HOMES: [&str; 2] = ["iai", "gungraun"];
const KNOWN_VERSIONS: &str = "6 and 7";

/// Everything that the runners' directories hold.
#[derive(Debug, Default)]
pub struct CallgrindResults {
    /// Counted benchmarks, ordered by path.
    pub runs: Vec<CallgrindRun>,
    /// Results that can't be used.
    pub errors: Vec<ReadError>,
}

/// The latest count of one benchmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallgrindRun {
    /// The benchmark's function; several benchmarks share it if they have ids.
    pub function: String,
    /// The short name: `function.id`, or `function` for a benchmark without an id. Two groups or
    /// files may use the same one.
    pub operation: String,
    /// The unambiguous name: `file::group::function.id`.
    pub qualified: String,
    /// Instructions that the new run executed.
    pub instructions: u64,
    /// When the summary was written.
    pub modified: SystemTime,
    /// The summary, for messages.
    pub path: PathBuf,
}

/// What both versions of the format say of a benchmark.
struct Summary {
    function: String,
    id: Option<String>,
    module_path: String,
    /// The count, or the names of the tools that did run.
    instructions: Result<u64, Vec<String>>,
}

/// Reads every summary in `iai` and `gungraun` below `target_dir` (`target`). A directory that does
/// not exist holds no results.
///
/// # Errors
/// If one of the two directories exists but can't be listed. What is wrong with single results is
/// in [`CallgrindResults::errors`].
pub fn read_dir(target_dir: &Path) -> io::Result<CallgrindResults> {
    let mut results = CallgrindResults::default();
    for home in HOMES {
        for directory in files::walk(&target_dir.join(home), &mut results.errors)? {
            if !directory.has(SUMMARY) {
                continue;
            }
            match read_summary(directory.path.join(SUMMARY)) {
                Ok(run) => results.runs.push(run),
                Err(error) => results.errors.push(error),
            }
        }
    }
    Ok(results)
}

fn read_summary(path: PathBuf) -> Result<CallgrindRun, ReadError> {
    let read = files::read(&path).and_then(|(bytes, modified)| {
        let content: Value = serde_json::from_slice(&bytes)?;
        let summary = parse(&bytes, &content)?;
        Ok((summary, broken_limits(&content), modified))
    });
    let (summary, broken, modified) = match read {
        Ok(read) => read,
        Err(problem) => return Err(problem.at(path)),
    };
    let with_id = |name: &str| match &summary.id {
        Some(id) => format!("{name}.{id}"),
        None => name.to_owned(),
    };
    let (operation, qualified) = (with_id(&summary.function), with_id(&summary.module_path));
    if broken > 0 {
        let problem = Problem::Regressed { limits: broken };
        return Err(ReadError { path, operation: Some(operation), problem });
    }
    match summary.instructions {
        Ok(instructions) => {
            let function = summary.function;
            Ok(CallgrindRun { function, operation, qualified, instructions, modified, path })
        }
        Err(tools) => {
            let problem = Problem::NotCounted { tools };
            Err(ReadError { path, operation: Some(operation), problem })
        }
    }
}

/// `bytes` in the version of the format that `content`, the same document, declares.
///
/// Parses the models directly instead of through `gungraun_summary::util`, which drops the line and
/// column of an error.
fn parse(bytes: &[u8], content: &Value) -> Result<Summary, Problem> {
    match content.get("version") {
        Some(Value::String(version)) if version == v6::SCHEMA_VERSION => {
            Ok(of_v6(serde_json::from_slice(bytes)?))
        }
        Some(Value::String(version)) if version == v7::SCHEMA_VERSION => {
            Ok(of_v7(serde_json::from_slice(bytes)?))
        }
        Some(Value::String(other)) => {
            Err(Problem::Version { found: other.clone(), known: KNOWN_VERSIONS })
        }
        Some(other) => Err(Problem::Version { found: other.to_string(), known: KNOWN_VERSIONS }),
        None => Err(Problem::value("version", "missing", "the version of the format")),
    }
}

fn of_v6(summary: v6::BenchmarkSummary) -> Summary {
    let profiles = &summary.profiles.0;
    let count = profiles.iter().find_map(|profile| match &profile.summaries.total.summary {
        v6::ToolMetricSummary::Callgrind(metrics) => {
            match metrics.0.get(&v6::EventKind::Ir)?.metrics {
                EitherOrBoth::Left(v6::Metric::Int(new))
                | EitherOrBoth::Both(v6::Metric::Int(new), _) => Some(new),
                _ => None,
            }
        }
        _ => None,
    });
    let tools = || profiles.iter().map(|profile| format!("{:?}", profile.tool)).collect();
    Summary {
        instructions: count.ok_or_else(tools),
        function: summary.function_name,
        id: summary.id,
        module_path: summary.module_path,
    }
}

fn of_v7(summary: v7::BenchmarkSummary) -> Summary {
    let profiles = &summary.profiles.0;
    let count = profiles.iter().find_map(|profile| match &profile.data.total.metrics {
        v7::ToolMetricResults::Callgrind(metrics) => {
            match metrics.0.get(&v7::EventKind::Ir)?.values {
                EitherOrBoth::Left(v7::Metric::Int(new))
                | EitherOrBoth::Both(v7::Metric::Int(new), _) => Some(new),
                _ => None,
            }
        }
        _ => None,
    });
    let tools = || profiles.iter().map(|profile| format!("{:?}", profile.tool)).collect();
    Summary {
        instructions: count.ok_or_else(tools),
        function: summary.function_name,
        id: summary.id,
        module_path: summary.module_path,
    }
}

/// How many limits the runner found broken. Counted in the document itself: the model of version 7
/// leaves out those of metrics that it does not know.
fn broken_limits(content: &Value) -> usize {
    let profiles = content.get("profiles").and_then(Value::as_array);
    let totals = profiles.into_iter().flatten().filter_map(|profile| {
        profile.pointer("/data/total").or_else(|| profile.pointer("/summaries/total"))
    });
    let regressions = totals.filter_map(|total| total.get("regressions")?.as_array());
    regressions.map(Vec::len).sum()
}

//! The program: every workload on every subject, in rounds that begin with another subject each.
//!
//! `peers [--quick] [--only WORKLOAD]` prints, on standard output, one line a figure, its fields
//! between tabs: workload, measure, subject, median of the rounds, their lower and upper quartile; a
//! subject that can't do a workload has one line without a measure there.
//! `peers --round WORKLOAD SUBJECT [--quick]` runs one round and prints measure and value only: the
//! rounds that need a process of their own are run so. Says on standard error where it is.

use std::borrow::Cow;
use std::env;
use std::process::{self, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::figures::{Figures, quantile};
use crate::subject::{self, Subject};
use crate::workload::{self, Place, Workload};

/// No round takes a tenth of this; one that does will never end.
const ROUND_AT_MOST: Duration = Duration::from_secs(300);

/// What was typed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    quick: bool,
    only: Option<String>,
    /// The workload and the subject of a single round.
    round: Option<(String, String)>,
}

/// Runs what the command line says.
pub fn main() -> ExitCode {
    let result = Arguments::read(env::args().skip(1)).and_then(|arguments| {
        let mut program = Program { arguments, visited: 0, result: Ok(()) };
        let quick = program.arguments.quick;
        workload::visit(&mut program, quick);
        match program {
            Program { visited: 0, arguments, .. } => Err(format!("no workload fits {arguments:?}")),
            Program { result, .. } => result,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            let mut next = || words.next().ok_or_else(|| format!("`{word}` wants a value"));
            match word.as_str() {
                "--quick" => arguments.quick = true,
                "--only" => arguments.only = Some(next()?),
                "--round" => arguments.round = Some((next()?, next()?)),
                _ => return Err(format!("unknown argument `{word}`")),
            }
        }
        Ok(arguments)
    }
}

/// Runs the workloads that were asked for.
struct Program {
    arguments: Arguments,
    visited: usize,
    result: Result<(), String>,
}

impl workload::Visitor for Program {
    fn visit(
        &mut self,
        name: &'static str,
        rounds: usize,
        place: Place,
        subjects: Option<&'static [&'static str]>,
        workload: impl Workload,
    ) {
        let asked = match &self.arguments {
            Arguments { round: Some((workload, _)), .. } => Some(workload),
            Arguments { only, .. } => only.as_ref(),
        };
        if self.result.is_err() || asked.is_some_and(|asked| asked != name) {
            return;
        }
        self.visited += 1;
        let mut all = Subjects { workload, list: Vec::new() };
        subject::visit(&mut all);
        let mut list = all.list;
        if let Some(subjects) = subjects {
            list.retain(|(subject, _)| subjects.contains(subject));
        }
        self.result = match &self.arguments.round {
            Some((_, subject)) => single_round(&list, subject),
            None => run(name, rounds, place, self.arguments.quick, &list),
        };
    }
}

/// A subject's name, and what runs a round of a workload on it.
type Rounds = (&'static str, Box<dyn Fn() -> Figures>);

/// A round of one workload on each subject.
struct Subjects<W> {
    workload: W,
    list: Vec<Rounds>,
}

impl<W: Workload> subject::Visitor for Subjects<W> {
    fn visit<S: Subject>(&mut self) {
        let workload = self.workload;
        self.list.push((S::NAME, Box::new(move || in_time(S::NAME, || workload.round::<S>()))));
    }
}

/// Runs a round, and ends this process, with a message, if it hangs.
fn in_time(subject: &'static str, round: impl FnOnce() -> Figures) -> Figures {
    let (done, ended) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if ended.recv_timeout(ROUND_AT_MOST) == Err(RecvTimeoutError::Timeout) {
            eprintln!("error: {subject} did not end its round within {ROUND_AT_MOST:?}");
            process::exit(1);
        }
    });
    let figures = round();
    drop(done);
    // It has nothing to say.
    drop(watch.join());
    figures
}

/// All rounds of a workload; prints what they say together.
fn run(
    workload: &str,
    rounds: usize,
    place: Place,
    quick: bool,
    subjects: &[Rounds],
) -> Result<(), String> {
    // Of each subject, its measures and the values of their rounds.
    let mut all: Vec<Vec<(Cow<'static, str>, Vec<f64>)>> = vec![Vec::new(); subjects.len()];
    for round in 0..rounds {
        eprintln!("{workload}: round {} of {rounds}", round + 1);
        for turn in 0..subjects.len() {
            let at = (round + turn) % subjects.len();
            let (name, in_process) = &subjects[at];
            let figures = match place {
                Place::Together => in_process(),
                Place::Alone(program) => child(program, workload, name, quick)?,
            };
            for (nth, (measure, value)) in figures.into_iter().enumerate() {
                if all[at].len() == nth {
                    all[at].push((measure, Vec::with_capacity(rounds)));
                }
                all[at][nth].1.push(value);
            }
        }
    }
    for ((subject, _), measures) in subjects.iter().zip(all) {
        if measures.is_empty() {
            println!("{workload}\t\t{subject}\tNaN\tNaN\tNaN");
        }
        for (measure, values) in measures {
            let [low, median, high] = [0.25, 0.5, 0.75].map(|share| quantile(&values, share));
            println!("{workload}\t{measure}\t{subject}\t{median}\t{low}\t{high}");
        }
    }
    Ok(())
}

/// One round, in this process; prints it as [`child`] reads it.
fn single_round(subjects: &[Rounds], subject: &str) -> Result<(), String> {
    let found = subjects.iter().find(|(name, _)| *name == subject);
    let (_, round) = found.ok_or_else(|| format!("there is no subject `{subject}`"))?;
    for (measure, value) in round() {
        println!("{measure}\t{value}");
    }
    Ok(())
}

/// One round in a new process of the program `program`, which lies beside this one.
fn child(program: &str, workload: &str, subject: &str, quick: bool) -> Result<Figures, String> {
    let failed = |problem: String| format!("{workload} on {subject}: {problem}");
    let here = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(here.with_file_name(program));
    command.args(["--round", workload, subject]).args(quick.then_some("--quick"));
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("`{program}` did not start: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("`{program}` ended with {}", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = text.lines().map(|line| {
        let (measure, value) = line.split_once('\t')?;
        Some((Cow::Owned(measure.to_owned()), value.parse().ok()?))
    });
    figures.collect::<Option<_>>().ok_or_else(|| failed(format!("`{program}` printed `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Arguments, String> {
        Arguments::read(words.iter().map(ToString::to_string))
    }

    #[test]
    fn what_is_typed_is_understood_or_refused() {
        let round = Some(("resident".to_owned(), "ractor".to_owned()));
        assert_eq!(
            read(&["--round", "resident", "ractor", "--quick"]),
            Ok(Arguments { quick: true, only: None, round })
        );
        assert_eq!(read(&["--only"]), Err("`--only` wants a value".to_owned()));
        assert_eq!(read(&["--slow"]), Err("unknown argument `--slow`".to_owned()));
    }
}

//! The page: what is measured, in one sentence a workload, and a table of the figures; pure.

use std::fmt::Write;

use perf_budget::machine::Machine;

/// The subject that every other one is compared with.
const OURS: &str = "mabeam";
/// The subject that may be missing because it has to be installed.
const BEAM: &str = "BEAM";

/// One figure, as the programs print it.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    workload: String,
    measure: String,
    subject: String,
    median: f64,
    /// The quartiles of the rounds.
    low: f64,
    high: f64,
}

/// Where and how it was measured.
pub(super) struct Circumstances {
    pub(super) machine: Machine,
    /// Of the last minute before everything was built.
    pub(super) load_average: f64,
    pub(super) commit: String,
    pub(super) compiler: String,
    pub(super) versions: Vec<(String, String)>,
    pub(super) beam: Option<String>,
    pub(super) command: String,
    pub(super) is_quick: bool,
}

/// A workload as the page tells it.
struct Workload {
    name: &'static str,
    title: &'static str,
    /// What is measured.
    sentence: &'static str,
    measures: &'static [Measure],
}

/// A column; one in which the lowest figure is best is followed by its ratio to ours.
struct Measure {
    name: &'static str,
    title: &'static str,
    best: Best,
}

/// Which figure of a column is marked.
#[derive(Clone, Copy)]
enum Best {
    Lowest,
    Highest,
    /// It says something about the run, not about the subject.
    NoneIsMarked,
}

const fn lowest(name: &'static str, title: &'static str) -> Measure {
    Measure { name, title, best: Best::Lowest }
}

const WORKLOADS: &[Workload] = &[
    Workload {
        name: "call",
        title: "A call to an idle agent",
        sentence: "One task calls one agent 100,000 times a round, each time waiting for the reply; \
                   the trimmed mean of 20 slices.",
        measures: &[lowest("call_ns", "ns a call")],
    },
    Workload {
        name: "cast",
        title: "Casts, then a flush",
        sentence: "A sender casts 1,000 times and then calls once, which returns when all are \
                   handled; by one task, and by eight tasks at once with one call after them.",
        measures: &[
            lowest("cast_ns", "ns a cast, 1 sender"),
            lowest("fan_in_ns", "ns a cast, 8 senders"),
        ],
    },
    Workload {
        name: "call_all",
        title: "A call to 100 idle agents",
        sentence: "100 agents are called as one operation, in each library's own way; the time \
                   until the last reply.",
        measures: &[lowest("call_all_p50_us", "p50, µs"), lowest("call_all_p99_us", "p99, µs")],
    },
    Workload {
        name: "parallel",
        title: "64 agents that compute for 1 ms each",
        sentence: "64 agents are called together and each computes for a millisecond; beside it, in \
                   turns, 64 plain tasks of tokio do the same on the same two workers (on BEAM: 64 \
                   plain processes).",
        measures: &[
            lowest("parallel_ms", "ms"),
            Measure { name: "plain_tasks_ms", title: "plain tasks, ms", best: Best::NoneIsMarked },
            Measure { name: "share_of_plain", title: "plain ÷ agents", best: Best::Highest },
        ],
    },
    Workload {
        name: "cast_then_compute",
        title: "A cast, then its sender computes for 100 ms",
        sentence: "A task casts to an idle agent and computes without waiting while another \
                   processor has nothing to do; the time until the agent has run.",
        measures: &[lowest("ran_after_ms", "ms")],
    },
    Workload {
        name: "resident",
        title: "Memory of an idle agent",
        sentence: "100,000 agents are started and called once each, in a new process; the growth of \
                   its resident memory, divided by their number (their handles included).",
        measures: &[lowest("resident_bytes", "bytes")],
    },
    Workload {
        name: "resident_million",
        title: "A million idle agents",
        sentence: "The same with 1,000,000 agents.",
        measures: &[lowest("resident_bytes", "bytes"), lowest("resident_mb", "MB in all")],
    },
    Workload {
        name: "spawn_stop",
        title: "Spawn and stop",
        sentence: "1,000 agents are started one after the other, called once each (not timed), asked \
                   to stop and waited for; beside 10 and beside 100,000 others that live on.",
        measures: &[
            lowest("spawn_beside_few_us", "spawn, µs, beside 10"),
            lowest("stop_beside_few_us", "stop, µs, beside 10"),
            lowest("spawn_beside_many_us", "spawn, µs, beside 100,000"),
            lowest("stop_beside_many_us", "stop, µs, beside 100,000"),
        ],
    },
    Workload {
        name: "allocations",
        title: "Allocations",
        sentence: "How often the whole process takes memory from the allocator (or has some made \
                   larger) while one task casts and calls.",
        measures: &[lowest("allocations_a_cast", "a cast"), lowest("allocations_a_call", "a call")],
    },
    Workload {
        name: "deaths",
        title: "100,000 watched agents are killed",
        sentence: "Every agent's death is to be reported to one watcher; the time from the first \
                   kill to the last notice, and the share of notices that came within a minute.",
        measures: &[
            lowest("all_reported_ms", "ms"),
            Measure { name: "share_reported", title: "reported", best: Best::NoneIsMarked },
        ],
    },
    Workload {
        name: "burst",
        title: "Memory kept after a burst",
        sentence: "100 agents are sent 10,000 casts each while no worker is free; what each still \
                   holds when all are handled: of the allocator's memory, and of resident memory.",
        measures: &[
            lowest("kept_heap_bytes", "bytes held, an agent"),
            lowest("kept_resident_bytes", "bytes resident, an agent"),
        ],
    },
];

/// What a reader has to know before comparing.
const NOTES: &str = "## Read this before you compare\n\n\
- Every subject runs in the same process in rounds that begin with another subject each; memory and \
allocations are measured in a new process a subject and round. A figure is the median of the rounds, \
in brackets their lower and upper quartile. The best figure of a column is bold; `× mabeam` is a \
figure divided by mabeam's.\n\
- All Rust subjects are compiled together: release, one codegen unit, the system's allocator, the same \
tokio, whose runtime has two workers. The driver of a workload is a task on one of them.\n\
- Messages and state are the same for all: a message of two words, a sum of 64 bits.\n\
- Libraries promise different things. `tokio mpsc + oneshot` is a loop of a dozen lines without names, \
supervision or isolation of panics: a floor, not a peer.\n\
- Mailboxes: mabeam's hold 65,536 messages by default; ractor's, xtra's and tokio's are unbounded. \
kameo's have 64 places and its senders wait; rows with an unbounded mailbox stand beside both. actix's \
have 16, which `do_send` goes past.\n\
- actix runs its agents and the driver on one thread, as its examples do, so that its calls and casts \
never cross threads; only where agents compute is every second one on a second arbiter.\n\
- `no span propagation` and `no default features` are ractor and kameo without the tracing that they do \
by default. They are built and run apart, after the others: the same machine, not the same minute.\n\
- tokio, xtra, kameo and actix return from `spawn` before the agent has run; mabeam, ractor and BEAM \
return when it is ready. The stop is timed from the request to its end.\n\
- Deaths: mabeam's monitors; ractor's supervision (its monitors are off by default); kameo's links; \
for tokio, aborted tasks of a `JoinSet`; for xtra, which has neither kill nor monitor, agents that are \
asked to stop and join handles. actix has nothing of the kind. BEAM's are monitors and `Process.exit`.\n\
- Allocations are counted at the allocator: mabeam takes memory for messages in blocks and uses it \
again, as tokio's channels do, and what it keeps of that shows in the memory after a burst.\n\
- Memory kept after a burst: kameo's default mailbox can't hold one, its agents run meanwhile. Resident \
memory includes what the allocator keeps of what it was given back.\n\
- BEAM runs the same workloads with GenServers on two schedulers, after the others; what its processes \
hold after a burst is what it says of their memory, and its allocations can't be counted alike.\n";

impl Row {
    /// Reads what a program printed: one figure a line, its fields between tabs.
    pub(super) fn read_all(printed: &str) -> Result<Vec<Self>, String> {
        let read = |line: &str| {
            Self::read(line).ok_or_else(|| format!("`{line}`, which is no line of six fields"))
        };
        printed.lines().map(read).collect()
    }

    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut text = || fields.next().map(str::to_owned);
        let (workload, measure, subject) = (text()?, text()?, text()?);
        let mut number = || text()?.parse().ok();
        let (median, low, high) = (number()?, number()?, number()?);
        fields.next().is_none().then_some(Self { workload, measure, subject, median, low, high })
    }
}

/// The names of the workloads, as `--only` takes them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WORKLOADS.iter().map(|workload| workload.name)
}

/// The whole page; a subject that can't do a workload has a row of no measure there. Workloads without a figure are left out.
pub(super) fn page(rows: &[Row], circumstances: &Circumstances) -> String {
    let mut page = "# mabeam beside its peers\n\nWritten by `cargo xtask peers`.\n\n".to_owned();
    page.push_str(&circumstances.told());
    for workload in WORKLOADS {
        let own: Vec<&Row> = rows.iter().filter(|row| row.workload == workload.name).collect();
        if own.is_empty() {
            continue;
        }
        let _ = write!(page, "\n## {}\n\n{}\n\n", workload.title, workload.sentence);
        page.push_str(&aligned(&workload.table(&own, circumstances.beam.is_some())));
    }
    page.push('\n');
    page.push_str(NOTES);
    page
}

impl Circumstances {
    fn told(&self) -> String {
        let mut told = String::new();
        if self.is_quick {
            told.push_str(
                "**A quick run, with fewer rounds and agents than the sentences below say: it shows that \
                 everything works. Its figures are not to be cited.**\n\n",
            );
        }
        let versions: Vec<String> =
            self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let rows = [
            ("command", format!("`{}`", self.command)),
            ("commit", format!("`{}`", self.commit)),
            (
                "machine",
                format!("{}, {} processors", self.machine.processor, self.machine.processors),
            ),
            ("fingerprint", format!("`{}`", self.machine.fingerprint)),
            ("load average before", format!("{:.2}", self.load_average)),
            ("compiler", self.compiler.clone()),
            ("versions", versions.join(", ")),
            (BEAM, self.beam.clone().unwrap_or_else(|| "not installed".to_owned())),
        ];
        let heading = ["measured".to_owned(), String::new()];
        let rows = rows.map(|(what, value)| vec![what.to_owned(), value]);
        told.push_str(&aligned(&[&[heading.to_vec()], &rows[..]].concat()));
        told
    }
}

impl Workload {
    /// A heading, and a row a subject in the order of their appearance.
    fn table(&self, rows: &[&Row], has_beam: bool) -> Vec<Vec<String>> {
        let mut subjects: Vec<&str> = Vec::new();
        for row in rows {
            if !subjects.contains(&row.subject.as_str()) {
                subjects.push(&row.subject);
            }
        }
        if !subjects.contains(&BEAM) {
            subjects.push(BEAM);
        }
        let mut heading = vec!["subject".to_owned()];
        for measure in self.measures {
            heading.push(measure.title.to_owned());
            heading.extend(measure.has_ratio().then(|| format!("× {OURS}")));
        }
        let mut table = vec![heading];
        for subject in subjects {
            let missing = if subject == BEAM && !has_beam { "not installed" } else { "n/a" };
            let mut line = vec![subject.to_owned()];
            for measure in self.measures {
                let column: Vec<&Row> =
                    rows.iter().copied().filter(|row| row.measure == measure.name).collect();
                line.extend(measure.cells(&column, subject, missing));
            }
            table.push(line);
        }
        table
    }
}

impl Measure {
    const fn has_ratio(&self) -> bool {
        matches!(self.best, Best::Lowest)
    }

    /// The figure of `subject`, and its ratio to ours.
    fn cells(&self, column: &[&Row], subject: &str, missing: &str) -> Vec<String> {
        let of = |name: &str| column.iter().find(|row| row.subject == name);
        let figure = of(subject).map(|row| {
            let medians = column.iter().map(|row| row.median);
            let best = match self.best {
                Best::Lowest => medians.min_by(f64::total_cmp),
                Best::Highest => medians.max_by(f64::total_cmp),
                Best::NoneIsMarked => None,
            };
            let is_best = best.is_some_and(|best| best.total_cmp(&row.median).is_eq());
            let mark = if is_best { "**" } else { "" };
            let [median, low, high] = [row.median, row.low, row.high].map(number);
            format!("{mark}{median}{mark} ({low} to {high})")
        });
        let mut cells = vec![figure.unwrap_or_else(|| missing.to_owned())];
        if self.has_ratio() {
            let ratio = of(subject).zip(of(OURS)).map(|(row, ours)| row.median / ours.median);
            let ratio = ratio.filter(|ratio| ratio.is_finite());
            cells.push(ratio.map_or_else(String::new, number));
        }
        cells
    }
}

/// Three digits that mean something, or all before the point.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let plain = format!("{value:.decimals$}");
    let (whole, fraction) =
        plain.split_once('.').map_or((plain.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let digits = whole.len();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (digits - at) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    fraction.map_or_else(|| grouped.clone(), |fraction| format!("{grouped}.{fraction}"))
}

/// A Markdown table of the same width in every line: the first row is the heading.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut table = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(table, "| {cell:<width$} ");
        }
        table.push_str("|\n");
        if at == 0 {
            for width in &widths {
                let _ = write!(table, "|{}", "-".repeat(width + 2));
            }
            table.push_str("|\n");
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(measure: &str, subject: &str, median: f64) -> Row {
        let (workload, measure) = ("parallel".to_owned(), measure.to_owned());
        let subject = subject.to_owned();
        Row { workload, measure, subject, median, low: median, high: median }
    }

    #[test]
    fn a_line_has_six_fields() {
        let line = "parallel\tshare_of_plain\tmabeam\t2\t2\t2";
        assert_eq!(Row::read_all(line), Ok(vec![row("share_of_plain", "mabeam", 2.0)]));
        let unable = Row::read_all("deaths\t\tactix\tNaN\tNaN\tNaN").expect("is read");
        assert_eq!((unable[0].measure.as_str(), unable[0].subject.as_str()), ("", "actix"));
        for broken in ["a\tb\tc\t1\t1", "a\tb\tc\t1\t1\t1\t1", "a\tb\tc\t1\tx\t1", ""] {
            assert_eq!(Row::read(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn the_best_is_marked_and_what_is_missing_is_told() {
        let rows = [
            row("parallel_ms", "mabeam", 40.0),
            row("share_of_plain", "mabeam", 0.9),
            row("parallel_ms", "ractor", 32.0),
            row("share_of_plain", "ractor", 0.8),
        ];
        let workload = WORKLOADS.iter().find(|known| known.name == "parallel").expect("is listed");
        let table = workload.table(&rows.iter().collect::<Vec<_>>(), false);
        assert_eq!(table[1][..3], ["mabeam", "40.0 (40.0 to 40.0)", "1.00"]);
        assert_eq!(table[1][4], "**0.900** (0.900 to 0.900)");
        assert_eq!(table[2][..3], ["ractor", "**32.0** (32.0 to 32.0)", "0.800"]);
        assert_eq!(table[2][3], "n/a");
        assert_eq!(table[3][..2], ["BEAM", "not installed"]);
        assert_eq!(workload.table(&[&rows[0]], true)[2][1], "n/a");
    }

    #[test]
    fn numbers_show_three_digits_and_their_thousands() {
        let shown: Vec<String> =
            [0.0, 0.1234, 1.234, 12.34, 123.4, 1234.5, 1_234_567.8, -1234.0].map(number).into();
        assert_eq!(shown, ["0", "0.123", "1.23", "12.3", "123", "1,234", "1,234,568", "-1,234"]);
    }

    #[test]
    fn a_table_s_lines_have_one_width() {
        let table = aligned(&[vec!["a".into(), "µs".into()], vec!["bcd".into(), "1".into()]]);
        assert_eq!(table, "| a   | µs |\n|-----|----|\n| bcd | 1  |\n");
    }
}

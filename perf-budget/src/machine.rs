//! The machine that measures: its fingerprint, and what else it does meanwhile.

use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::result::Conditions;

/// The fingerprint where the platform does not tell the processor: equal to no budget's machine.
pub const UNIDENTIFIED: &str = "unidentified";

/// A machine, as far as its speed is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// What a budget's `machine` key is compared with: equal where the same absolute times can be
    /// expected.
    pub fingerprint: String,
    /// Operating system and architecture.
    pub platform: String,
    /// The processor's name.
    pub processor: String,
    /// Processors that this process may use.
    pub processors: usize,
}

impl Machine {
    /// This machine. Where the platform does not tell the processor, its name is `unknown`.
    pub fn this() -> Self {
        let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let mut lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
        };
        let processor = field("model name").unwrap_or_else(|| "unknown".to_owned());
        // As x86 tells it, or as Arm does.
        let x86 = ["vendor_id", "cpu family", "model", "stepping"];
        let arm = ["CPU implementer", "CPU variant", "CPU part", "CPU revision"];
        let model = [x86, arm].into_iter().find_map(|fields| {
            let model: Option<Vec<String>> = fields.into_iter().map(field).collect();
            model.map(|model| model.join("/"))
        });
        let fingerprint = model.map_or_else(
            || UNIDENTIFIED.to_owned(),
            |model| format!("{platform} {model} {processors}cpu"),
        );
        Self { fingerprint, platform, processor, processors }
    }
}

/// Watches what else the machine does from [`start`](Self::start) to [`finish`](Self::finish).
#[derive(Debug)]
pub struct Watcher {
    started: Instant,
    load_average: f64,
    ticks: Option<Ticks>,
}

/// Processor time of the whole machine, in the kernel's ticks.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    total: u64,
    stolen: u64,
}

impl Watcher {
    /// Begins to watch.
    pub fn start() -> Self {
        Self { started: Instant::now(), load_average: load_average(), ticks: Ticks::now() }
    }

    /// What happened since [`start`](Self::start).
    pub fn finish(self) -> Conditions {
        let steal = match (self.ticks, Ticks::now()) {
            (Some(before), Some(after)) if after.total > before.total => {
                after.stolen.saturating_sub(before.stolen) as f64
                    / (after.total - before.total) as f64
            }
            _ => 0.0,
        };
        let elapsed_ns = self.started.elapsed().as_secs_f64() * 1e9;
        Conditions { load_average: self.load_average, steal, elapsed_ns }
    }
}

impl Ticks {
    /// `None` where there is no `/proc/stat`.
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        // cpu user nice system idle iowait irq softirq steal guest guest_nice
        let fields: Vec<u64> =
            stat.lines().next()?.split_whitespace().skip(1).flat_map(str::parse).collect();
        Some(Self { total: fields.iter().take(8).sum(), stolen: *fields.get(7)? })
    }
}

/// The load average of the last minute; 0 where the platform does not tell.
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

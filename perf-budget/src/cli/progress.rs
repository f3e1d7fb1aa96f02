//! What runs now and what is left, on standard error: one line that is rewritten on a terminal, a
//! line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Time between two lines where standard error is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// The progress of one phase of known length.
#[derive(Debug)]
pub(super) struct Progress {
    phase: &'static str,
    steps: usize,
    done: usize,
    /// How long all steps are expected to take.
    estimate: Duration,
    started: Instant,
    spoke: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Begins `phase` with `steps` steps, expected to take `estimate`.
    pub(super) fn start(phase: &'static str, steps: usize, estimate: Duration) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { phase, steps, done: 0, estimate, started: Instant::now(), spoke: None, terminal }
    }

    /// Says that `what` begins now.
    pub(super) fn step(&mut self, what: &str) {
        let line =
            format!("{} [{}/{}] {what}, {}", self.phase, self.done + 1, self.steps, self.left());
        self.done += 1;
        let due = self.spoke.is_none_or(|spoke| spoke.elapsed() >= INTERVAL);
        let mut stderr = std::io::stderr().lock();
        // Progress that can't be shown is no reason to stop measuring.
        if self.terminal {
            let _ = write!(stderr, "\r\x1b[2K{line}");
            let _ = stderr.flush();
        } else if due {
            let _ = writeln!(stderr, "{line}");
            self.spoke = Some(Instant::now());
        }
    }

    /// Ends the phase.
    pub(super) fn finish(self) {
        let seconds = self.started.elapsed().as_secs_f64();
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        eprintln!("{clear}{}: {} steps in {seconds:.1} s", self.phase, self.steps);
    }

    /// From the pace so far, once a tenth is done; from the estimate before.
    fn left(&self) -> String {
        let elapsed = self.started.elapsed();
        let whole = if self.done * 10 >= self.steps && self.done > 0 {
            elapsed.mul_f64(self.steps as f64 / self.done as f64)
        } else {
            self.estimate
        };
        format!("about {} s left", whole.saturating_sub(elapsed).as_secs() + 1)
    }
}

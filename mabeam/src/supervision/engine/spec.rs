//! What is asked of a supervisor and of each child: OTP's words, and OTP's defaults.
//!
//! Owns the settings alone. What they make happen is the engine's.

use std::time::Duration;

use super::backoff::Backoff;

/// Which children a failure concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// The child that failed is restarted, the others are left alone.
    #[default]
    OneForOne,
    /// All others are stopped, then all are started.
    OneForAll,
    /// Those that come after it in start order are stopped, then it and they are started.
    RestForOne,
}

/// When a child that ended is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// If it ended abnormally.
    Transient,
    /// Never, not even if it was stopped for a sibling's sake. Its end removes it.
    Temporary,
}

/// How a child is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// It is asked to stop, and killed when this much time has passed.
    Within(Duration),
    /// It is killed.
    Kill,
    /// It is asked to stop, and waited for however long it takes: for a child that is a supervisor.
    Wait,
}

/// Whether a supervisor ends when its significant children have ended by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AutoShutdown {
    /// No, and significant children are refused.
    #[default]
    Never,
    /// When any of them ends and is not restarted.
    AnySignificant,
    /// When the last active one ends and is not restarted.
    AllSignificant,
}

/// In which order the children are stopped when the supervisor ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndOrder {
    /// One after another, the one started last first.
    #[default]
    ReverseStart,
    /// All at once: for many children that don't know of each other, as OTP's `simple_one_for_one`.
    Together,
}

/// How many restarts a supervisor allows: more than `max_restarts` within `period` end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Intensity {
    /// The number allowed; [`u32::MAX`] allows any number. Default: 1. The times of so many are kept,
    /// 16 bytes each.
    pub max_restarts: u32,
    /// How long a restart counts, to its last nanosecond included. Default: 5 s.
    pub period: Duration,
}

/// The settings of a supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flags {
    /// Which children a failure concerns. Default: one for one.
    pub strategy: Strategy,
    /// How many restarts are allowed. Default: 1 in 5 s.
    pub intensity: Intensity,
    /// Whether significant children end the supervisor. Default: never.
    pub auto_shutdown: AutoShutdown,
    /// In which order its children are stopped at its end. Default: reverse start order.
    pub end_order: EndOrder,
    /// How many children there may be, running or not. Default: 1,000,000.
    pub max_children: usize,
    /// What the jitter of backoffs is made from. Default: 0.
    pub seed: u64,
}

/// The settings of a child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spec {
    /// When it is started again. Default: permanent.
    pub restart: Restart,
    /// How it is stopped. Default: within 5 s. A child that is a supervisor wants [`Shutdown::Wait`].
    pub shutdown: Shutdown,
    /// Whether its end counts for [`AutoShutdown`]. Default: no.
    pub significant: bool,
    /// How long to wait before it is restarted. Default: not at all, as OTP.
    pub backoff: Option<Backoff>,
}

/// How a child ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It was done, or was shut down: OTP's `normal`, `shutdown` and `{shutdown, Term}`.
    Normal,
    /// Anything else: an error, a panic, a kill.
    Abnormal,
}

impl Restart {
    /// Whether a child of this type is started again after it ended so by itself.
    ///
    /// ```
    /// use mabeam::supervision::engine::{Exit, Restart};
    ///
    /// assert!(Restart::Permanent.after(Exit::Normal));
    /// assert!(!Restart::Transient.after(Exit::Normal));
    /// assert!(!Restart::Temporary.after(Exit::Abnormal));
    /// ```
    pub const fn after(self, exit: Exit) -> bool {
        match (self, exit) {
            (Self::Permanent, _) | (Self::Transient, Exit::Abnormal) => true,
            (Self::Transient, Exit::Normal) | (Self::Temporary, _) => false,
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::Within(Duration::from_secs(5))
    }
}

impl Default for Intensity {
    fn default() -> Self {
        Self { max_restarts: 1, period: Duration::from_secs(5) }
    }
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            intensity: Intensity::default(),
            auto_shutdown: AutoShutdown::default(),
            end_order: EndOrder::default(),
            max_children: 1_000_000,
            seed: 0,
        }
    }
}

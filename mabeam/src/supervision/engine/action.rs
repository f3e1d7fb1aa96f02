//! What the engine tells its driver, and the names by which both speak of children.

use std::fmt;

use super::spec::Shutdown;

/// A child of one supervisor. Never used again for another; ids ascend in start order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildId(pub(super) u64);

/// One life of a child, from its `Start` to its end. A report about an earlier life is recognised by
/// its number, and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation {
    /// Whose.
    pub child: ChildId,
    /// The first is 1, each `Start` has the next.
    pub number: u64,
}

/// What the driver has to do, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Start it; then report [`started`](super::Engine::started),
    /// [`ignored`](super::Engine::ignored) or [`start_failed`](super::Engine::start_failed).
    Start(Incarnation),
    /// Stop it so, also if it is still starting or has ended by itself meanwhile; when it is gone,
    /// report that by [`exited`](super::Engine::exited), or by
    /// [`start_failed`](super::Engine::start_failed) if it never came up. Once.
    Stop(Incarnation, Shutdown),
    /// Report [`backoff_over`](super::Engine::backoff_over) after this time. Need not be cancelled.
    Later(Incarnation, std::time::Duration),
    /// The child is gone for good: drop what is kept for it.
    Forget(ChildId),
    /// The children that the supervisor began with have been started: it is up. At most once.
    Ready,
    /// No child runs and the supervisor ends. The last action.
    End(End),
}

/// Why a supervisor ends. OTP's exit reason is `shutdown` for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// It was asked to.
    Asked,
    /// This child failed once more than the restart intensity allows.
    RestartIntensity(ChildId),
    /// This significant child ended.
    AutoShutdown(ChildId),
    /// This one of the children that it was to begin with could not be started.
    StartFailed(ChildId),
}

/// How a child is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It does not run, and is not about to.
    Stopped,
    /// It does not run, and will be started: in its turn, or when its backoff is over.
    Restarting,
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It is being stopped or will be in its turn.
    Stopping,
}

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "child {}", self.0)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "incarnation {} of {}", self.number, self.child)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("asked to end"),
            Self::RestartIntensity(child) => {
                write!(f, "{child} failed once more than the restart intensity allows")
            }
            Self::AutoShutdown(child) => write!(f, "significant {child} ended"),
            Self::StartFailed(child) => write!(f, "{child} could not be started"),
        }
    }
}

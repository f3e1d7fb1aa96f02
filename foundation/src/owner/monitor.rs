//! Hearing of the end of an owner.

use std::time::Instant;

use super::{MonitorId, OwnerId, OwnerRef, Reason};
use crate::{answer, park};

/// An owner has ended, and nothing that it kept is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// Who ended.
    pub owner: OwnerId,
    /// The monitor that this is delivered to.
    pub monitor: MonitorId,
    /// Why it ended.
    pub reason: Reason,
}

/// Receives the one [`Down`] of an owner. Dropping it takes the monitor back and leaves nothing
/// behind at the owner.
#[must_use = "dropping a monitor takes it back"]
pub struct MonitorRef {
    owner: OwnerRef,
    id: MonitorId,
    /// Answered once, with the `Down`; `None` once [`MonitorRef::down`] has taken it. The callback
    /// that holds the sender is dropped without an answer only by `Drop` below.
    down: Option<answer::Receiver<Down>>,
}

impl MonitorRef {
    pub(super) fn new(owner: &OwnerRef) -> Self {
        let (sender, down) = answer::answer();
        // If the receiver is gone, nobody wants to know any more.
        let id = owner.monitor_with(move |down| drop(sender.send(down)));
        Self { owner: owner.clone(), id, down: Some(down) }
    }

    /// A monitor of nobody: its `Down` is there already, with [`Reason::NoProc`].
    pub(crate) fn of_nobody() -> Self {
        let nobody = OwnerRef::new();
        nobody.end(&Reason::NoProc);
        Self::new(&nobody)
    }

    /// Which monitor of its owner this is.
    pub fn id(&self) -> MonitorId {
        self.id
    }

    /// Who is monitored.
    pub fn owner(&self) -> OwnerId {
        self.owner.id()
    }

    /// The `Down` if it was delivered and not taken yet; never waits.
    pub fn try_down(&mut self) -> Option<Down> {
        self.down.as_ref()?.try_recv()
    }

    /// Waits for the `Down`; `None` if [`try_down`](Self::try_down) or
    /// [`down_blocking`](Self::down_blocking) took it before.
    ///
    /// Dropping the future takes the monitor back. Needs no particular runtime.
    pub async fn down(mut self) -> Option<Down> {
        // `self` lives as long as this future, and takes the monitor back with it.
        self.down.take()?.await.ok()
    }

    /// Waits on this thread for the `Down`, until `deadline` at the latest. `None` if it passed, or
    /// if the `Down` was taken before. The deadline is real time, whatever
    /// [`Clock`](crate::clock::Clock) the program uses.
    pub fn down_blocking(&mut self, deadline: Instant) -> Option<Down> {
        park::until(deadline, self.down.as_mut()?)?.ok()
    }
}

impl Drop for MonitorRef {
    fn drop(&mut self) {
        self.owner.demonitor(self.id);
    }
}

impl std::fmt::Debug for MonitorRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MonitorRef")
            .field("owner", &self.owner())
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

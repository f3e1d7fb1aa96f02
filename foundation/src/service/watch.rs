//! The health of a name as it changes.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::{Report, Shared, Subscription};
use crate::registry::Name;

/// The health of whatever service has a name: the latest report first, if there is one, then each
/// change. A slow reader sees the newest state and is spared those between.
///
/// Follows the name, not the service: over restarts, and before the first start.
#[must_use = "a watch that is dropped sees nothing"]
pub struct Watch {
    shared: Arc<Shared>,
    name: Name,
    /// Never closed: the slot of a name stays while there is a watch of it. An error says that older
    /// reports were missed, and the next read yields the newest.
    reports: Subscription<Report>,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>, name: Name, reports: Subscription<Report>) -> Self {
        Self { shared, name, reports }
    }

    /// The name that is watched.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The latest report if it was not read yet; never waits.
    pub fn try_next(&mut self) -> Option<Report> {
        loop {
            if let Ok(found) = self.reports.try_next() {
                return found;
            }
        }
    }

    /// Waits for a report that was not read yet. Cancel-safe; needs no particular runtime.
    pub async fn next(&mut self) -> Report {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Waits on this thread for a report that was not read yet, until `deadline` at the latest.
    /// `None` says that it passed. It is real time.
    pub fn next_blocking(&mut self, deadline: Instant) -> Option<Report> {
        loop {
            if let Ok(found) = self.reports.next_blocking(deadline) {
                return found;
            }
        }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Report> {
        loop {
            if let Ok(report) = ready!(self.reports.poll_next(context)) {
                return Poll::Ready(report);
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let effects = self.shared.step(|state| state.unwatch(&self.name, &self.shared.limits));
        drop(effects);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("name", &self.name).finish_non_exhaustive()
    }
}

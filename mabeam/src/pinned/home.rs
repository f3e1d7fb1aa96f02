//! The thread of a pinned agent.
//!
//! Owns when it ends: with its agent, and not before. The agent's own state holds the **line** on which
//! the thread is told to run it; the cell, which outlives the agent as long as there are handles, holds
//! only a weak end of it. So nothing is refused while there is state, and when the agent has ended and
//! its state is dropped, which this thread does, the thread finds the line closed.
//!
//! A cell has one token, and is queued only by its holder: at most one entry stands in a line.
//!
//! When the runtime has ended, whatever comes is an agent that was asked to stop and will never be
//! woken again by a timer or a socket: it is abandoned here, on its thread, instead of run.

use std::io;
use std::sync::Arc;
use std::thread::Builder;

use foundation::panics::quietly;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{
    UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel,
};

use crate::kernel::cell::Home;
use crate::kernel::queue::{RunQueue, Runnable};

/// Keeps the thread of an agent. Held by the agent's state.
pub(super) struct Line(UnboundedSender<Arc<dyn Runnable>>);

/// The thread's end of a line.
pub(super) struct Orders(UnboundedReceiver<Arc<dyn Runnable>>);

/// What a cell knows of its agent's thread.
struct Bell(WeakUnboundedSender<Arc<dyn Runnable>>);

impl Line {
    pub(super) fn new() -> (Self, Orders) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), Orders(receiver))
    }

    /// The way to the thread for the agent's cell.
    pub(super) fn home(&self) -> Arc<dyn Home> {
        Arc::new(Bell(self.0.downgrade()))
    }
}

impl Home for Bell {
    fn push(&self, resident: Arc<dyn Runnable>) -> Result<(), Arc<dyn Runnable>> {
        match self.0.upgrade() {
            Some(line) => line.send(resident).map_err(|refused| refused.0),
            None => Err(resident),
        }
    }
}

impl Orders {
    /// Starts the thread. It ends when the line is dropped.
    pub(super) fn start(
        self,
        thread: Builder,
        runtime: Handle,
        queue: Arc<RunQueue<dyn Runnable>>,
    ) -> io::Result<()> {
        // Nobody joins it: its agent's monitors say when it has done its work.
        thread.spawn(move || runtime.block_on(self.obey(&queue))).map(drop)
    }

    async fn obey(mut self, queue: &RunQueue<dyn Runnable>) {
        while let Some(resident) = self.0.recv().await {
            // Code of the agent's is caught by its cell. What else panics must not take the thread
            // along, which the state cannot do without.
            quietly(|| {
                if queue.has_ended() {
                    resident.abandon();
                } else {
                    resident.run();
                }
            });
        }
    }
}

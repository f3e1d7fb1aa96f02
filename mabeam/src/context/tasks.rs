//! Tasks that end with their agent.
//!
//! Owns the wrapper that makes a future end with an agent, and what becomes of its panics. Two ends
//! are tied together by one channel, on which nothing is ever sent: the agent has the sender as a
//! [`Possession`], and the task ends when the sender is dropped; the task has the receipt, and takes
//! the sender back when it is done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use pin_project_lite::pin_project;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::task::AbortHandle;

use super::possession::Possession;
use crate::kernel::cell::Cell;
use crate::kernel::panics::report;
use crate::{Agent, Context};

/// A task beside an agent: from [`Context::spawn`] or [`Context::attach`]. Dropping this leaves the
/// task running.
#[derive(Debug)]
pub struct Task(AbortHandle);

impl<A: Agent> Context<A> {
    /// Runs a future beside the agent, on the system's runtime, until it is done, it is
    /// [aborted](Task::abort) or the agent ends.
    ///
    /// It does not keep the agent alive, unless it holds a handle of it. When the agent ends, after
    /// its `on_exit`, the future is dropped; a poll that is in progress at that moment goes on, so the
    /// agent's `Down` may come before the future is gone. A panic ends the task alone, and is logged
    /// with the agent's name.
    ///
    /// It runs beside the agent, not as the agent: its span, memory account and
    /// [`current_agent`](crate::current_agent) are not the agent's. Costs one task of the runtime, a
    /// channel and a place in the agent's list; there is no limit to their number but memory.
    ///
    /// ```
    /// # use mabeam::{Agent, Config, Context, Handler, Message, System};
    /// struct Crawler {
    ///     pages: Vec<String>,
    /// }
    /// impl Agent for Crawler {}
    ///
    /// struct Page(String);
    /// impl Message for Page { type Reply = (); }
    /// impl Handler<Page> for Crawler {
    ///     async fn handle(&mut self, Page(page): Page, _: &mut Context<Self>) {
    ///         self.pages.push(page);
    ///     }
    /// }
    ///
    /// struct Fetch(&'static str);
    /// impl Message for Fetch { type Reply = (); }
    /// impl Handler<Fetch> for Crawler {
    ///     async fn handle(&mut self, Fetch(address): Fetch, context: &mut Context<Self>) {
    ///         let own = context.handle();
    ///         // The crawler goes on with its mail meanwhile.
    ///         context.spawn(async move {
    ///             let page = async { format!("<html>{address}</html>") }.await;
    ///             let _ = own.send(Page(page)).await;
    ///         });
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let crawler = system.spawn(Crawler { pages: Vec::new() }).await?;
    /// crawler.call(Fetch("example.org")).await?;
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Task {
        let cell = self.cell();
        let (alive, ended) = oneshot::channel();
        let possession = Possession::of(&cell, alive);
        let runtime = cell.system.runtime.clone();
        let beside = Beside { future: Some(future), ended, possession, cell };
        Task(runtime.spawn(beside).abort_handle())
    }
}

impl Task {
    /// Asks the task to end: its future is dropped as soon as no thread polls it. It may still do
    /// something while this returns.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether it has ended, however that came.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

pin_project! {
    /// A future that ends with an agent. Its fields are dropped in this order.
    struct Beside<A: Agent, F> {
        #[pin]
        future: Option<F>,
        // Ready when the agent has ended. Nothing is sent.
        ended: Receiver<()>,
        possession: Possession<Sender<()>>,
        // Not a handle: the agent lives no longer for it. For the log.
        cell: Arc<Cell<A>>,
    }

    impl<A: Agent, F> PinnedDrop for Beside<A, F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            guard(this.cell, || this.future.set(None));
        }
    }
}

impl<A: Agent, F: Future<Output = ()>> Future for Beside<A, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<()> {
        let this = self.project();
        if Pin::new(this.ended).poll(context).is_ready() {
            return Poll::Ready(());
        }
        let Some(future) = this.future.as_pin_mut() else { return Poll::Ready(()) };
        guard(this.cell, || future.poll(context)).unwrap_or(Poll::Ready(()))
    }
}

/// Runs code of the future's. `None` if it panicked, which is logged.
fn guard<A: Agent, O>(cell: &Cell<A>, work: impl FnOnce() -> O) -> Option<O> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.map_err(|panic| report(panic, &cell.system, &cell.label(), "a task of an agent panicked"))
        .ok()
}

//! Streams whose items are an agent's messages.

use std::future::poll_fn;
use std::pin::pin;

use futures_core::Stream;
use tokio::task::coop::consume_budget;

use super::Task;
use super::inward::insist;
use crate::{Agent, Context, Handler, Message};

impl<A: Agent> Context<A> {
    /// Makes each item of a stream a message to this agent, in order.
    ///
    /// The next item is asked for when the one before has a place in the mailbox: a stream waits for
    /// a slow agent, also if the mailbox [rejects](crate::WhenFull::Reject) what others send. A
    /// mailbox without a limit takes as much as the stream gives; one that drops, drops its items, too. An item that waits for a place when
    /// the agent ends is dropped with the stream.
    ///
    /// Ends with the stream, with the agent or when it is [aborted](Task::abort); items that are in
    /// the mailbox by then are handled. Does not keep the agent alive. `message` and the stream run
    /// beside the agent, as a [task](Self::spawn) of one, and a panic in them ends that task alone.
    ///
    /// ```
    /// # use std::pin::Pin;
    /// # use std::task::{Context as Polling, Poll};
    /// # use mabeam::{Agent, Config, Context, Handler, Message, Reason, System};
    /// # struct Numbers(std::ops::Range<u64>);
    /// # impl futures_core::Stream for Numbers {
    /// #     type Item = u64;
    /// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut Polling<'_>) -> Poll<Option<u64>> {
    /// #         Poll::Ready(self.0.next())
    /// #     }
    /// # }
    /// struct Sum(u64);
    /// impl Agent for Sum {
    ///     async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
    ///         context.attach(Numbers(1..5), Add);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// struct Add(u64);
    /// impl Message for Add { type Reply = (); }
    /// impl Handler<Add> for Sum {
    ///     async fn handle(&mut self, Add(number): Add, context: &mut Context<Self>) {
    ///         self.0 += number;
    ///         if self.0 == 1 + 2 + 3 + 4 {
    ///             context.stop(Reason::Normal);
    ///         }
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let sum = system.spawn(Sum(0)).await?;
    /// sum.monitor().down().await;
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn attach<S, M>(
        &self,
        stream: S,
        mut message: impl FnMut(S::Item) -> M + Send + 'static,
    ) -> Task
    where
        S: Stream + Send + 'static,
        M: Message,
        A: Handler<M>,
    {
        let cell = self.cell();
        self.spawn(async move {
            let mut stream = pin!(stream);
            let mut next = async || {
                // A stream that never waits leaves the thread to others now and then.
                consume_budget().await;
                poll_fn(|context| stream.as_mut().poll_next(context)).await.map(&mut message)
            };
            while let Some(message) = next().await {
                let run = |agent: &'static mut A, message, context| agent.handle(message, context);
                if !insist(&cell, message, run).await {
                    return;
                }
            }
        })
    }
}

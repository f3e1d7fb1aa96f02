//! Messages that an agent sends itself later.
//!
//! Owns when they are sent and that they can be cancelled to the last moment. A timer is a
//! [`Task`](super::tasks), with all that holds for one, and a flag that its mail carries along.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Task;
use super::inward::{insist, leave};
use crate::kernel::mail::Nobody;
use crate::wait::FAR;
use crate::{Agent, Context, Handler, Message};

/// The shortest period: what the runtime's timers tell apart.
const SHORTEST: Duration = Duration::from_millis(1);

/// A timer of an agent's: from [`Context::send_after`] or [`Context::send_every`]. Dropping this
/// leaves the timer running.
pub struct Timer {
    task: Task,
    is_cancelled: Cancelled,
}

/// Whether messages of a timer are still to be handled. Set once by whoever cancels, read by the turn
/// of each message. Relaxed: nothing else hangs on it, and what an agent cancels in one turn its next
/// turn sees, because turns follow each other.
type Cancelled = Arc<AtomicBool>;

impl Timer {
    /// Cancels the timer. Cancelled in a turn of its agent, no message of it is handled any more, not
    /// even one that waits in the mailbox already; from elsewhere, none that has not been begun when
    /// the agent hears of it.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        self.task.abort();
    }

    /// Whether it will send nothing more: it has fired for the last time, was cancelled, or its agent
    /// has ended. Its last message may still wait in the mailbox.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl<A: Agent> Context<A> {
    /// Sends this agent a message after `delay`, counted from now in steps of a millisecond.
    ///
    /// If the mailbox is full then, the message waits for a place, unless the mailbox drops. The timer ends with the agent and
    /// does not keep it alive. Costs one task of the runtime until it has fired; see
    /// [`spawn`](Self::spawn).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use mabeam::{Agent, Config, Context, Handler, Message, Reason, System, Timer};
    /// /// Ends when nobody has asked for anything for a while.
    /// struct Session {
    ///     idle: Option<Timer>,
    /// }
    /// impl Agent for Session {}
    ///
    /// struct Idle;
    /// impl Message for Idle { type Reply = (); }
    /// impl Handler<Idle> for Session {
    ///     async fn handle(&mut self, Idle: Idle, context: &mut Context<Self>) {
    ///         context.stop(Reason::Normal);
    ///     }
    /// }
    ///
    /// struct Ask;
    /// impl Message for Ask { type Reply = &'static str; }
    /// impl Handler<Ask> for Session {
    ///     async fn handle(&mut self, Ask: Ask, context: &mut Context<Self>) -> &'static str {
    ///         let idle = context.send_after(Duration::from_millis(20), Idle);
    ///         if let Some(before) = self.idle.replace(idle) {
    ///             before.cancel();
    ///         }
    ///         "an answer"
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let session = system.spawn(Session { idle: None }).await?;
    /// let end = session.monitor();
    /// session.call(Ask).await?;
    /// assert_eq!(end.down().await.map(|down| down.reason), Some(Reason::Normal));
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the system runs on a runtime that was built without timers (`enable_time`).
    #[expect(clippy::disallowed_methods, reason = "the timer is what was asked for")]
    pub fn send_after<M: Message>(&self, delay: Duration, message: M) -> Timer
    where
        A: Handler<M>,
    {
        let (cell, is_cancelled) = (self.cell(), Cancelled::default());
        let delay = {
            let _runtime = cell.system.runtime.enter();
            tokio::time::sleep(delay.min(FAR))
        };
        let flag = Arc::clone(&is_cancelled);
        let task = self.spawn(async move {
            delay.await;
            insist(&cell, message, |agent, message, context| ring(agent, message, context, flag))
                .await;
        });
        Timer { task, is_cancelled }
    }

    /// Sends this agent a message every `period`, the first after one period, until it is cancelled or
    /// the agent ends. Each is made by `message`, beside the agent; a panic there ends the timer.
    ///
    /// Ticks fall on multiples of the period, counted from now. One that the runtime is more than 5 ms
    /// late for is sent when it comes to it, and those that were due meanwhile are skipped. One that
    /// finds the mailbox full is skipped, and counted nowhere; in a mailbox without a limit an agent
    /// that is too slow gathers ticks. Periods are 1 ms at least. The timer does not keep the agent
    /// alive. Costs one task of the runtime; see [`spawn`](Self::spawn).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use mabeam::{Agent, Config, Context, Handler, Message, Reason, System};
    /// struct Clock {
    ///     ticks: u32,
    /// }
    /// impl Agent for Clock {
    ///     async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
    ///         context.send_every(Duration::from_millis(1), || Tick);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// struct Tick;
    /// impl Message for Tick { type Reply = (); }
    /// impl Handler<Tick> for Clock {
    ///     async fn handle(&mut self, Tick: Tick, context: &mut Context<Self>) {
    ///         self.ticks += 1;
    ///         if self.ticks == 3 {
    ///             context.stop(Reason::Normal);
    ///         }
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let clock = system.spawn(Clock { ticks: 0 }).await?;
    /// clock.monitor().down().await;
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the system runs on a runtime that was built without timers (`enable_time`).
    pub fn send_every<M: Message>(
        &self,
        period: Duration,
        mut message: impl FnMut() -> M + Send + 'static,
    ) -> Timer
    where
        A: Handler<M>,
    {
        let (cell, is_cancelled) = (self.cell(), Cancelled::default());
        let mut ticks = {
            let _runtime = cell.system.runtime.enter();
            interval(period.clamp(SHORTEST, FAR))
        };
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let flag = Arc::clone(&is_cancelled);
        let task = self.spawn(async move {
            // The first one is now.
            ticks.tick().await;
            loop {
                ticks.tick().await;
                // Made before there is a place for it, which a panic would not give back.
                let message = message();
                if let Some(has_place) = cell.enter_room() {
                    // One that is left after the agent's end, or finds no place, is dropped.
                    let flag = Arc::clone(&flag);
                    drop(leave(&cell, message, Nobody, has_place, |agent, message, context| {
                        ring(agent, message, context, flag)
                    }));
                }
            }
        });
        Timer { task, is_cancelled }
    }
}

/// The turn of a timer's message.
async fn ring<A: Handler<M>, M: Message>(
    agent: &'static mut A,
    message: M,
    context: &'static mut Context<A>,
    is_cancelled: Cancelled,
) {
    if !is_cancelled.load(Ordering::Relaxed) {
        agent.handle(message, context).await;
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("is_finished", &self.is_finished()).finish_non_exhaustive()
    }
}

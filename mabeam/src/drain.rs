//! Draining: an agent, a pool or a system does what it has to do yet, and ends.
//!
//! Owns the waiting, the deadline and the report. That an agent lets nothing more in and ends when its
//! mailbox is empty is the kernel's.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use foundation::owner::Reason;

use crate::handle::{lifetime, or_ended};
use crate::kernel::resident::Resident;
use crate::kernel::within::within;
use crate::system::Shared;
use crate::{Agent, AgentRef, System};

/// What a drain came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// How many accepted messages of each type were not handled: what waited at the deadline, was stashed,
    /// or waited when the agent ended in another way. Calls that nobody waited for any more are not among
    /// them, nor is what an agent was at when it was killed.
    pub left: BTreeMap<&'static str, u64>,
    /// The names, or ids, of agents that had not ended at the deadline and were killed.
    pub killed: Vec<String>,
}

impl Drained {
    /// Whether everything was done in time.
    pub fn is_complete(&self) -> bool {
        self.left.is_empty() && self.killed.is_empty()
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_complete() {
            return f.write_str("everything was done");
        }
        let left: u64 = self.left.values().sum();
        write!(f, "{left} messages were left")?;
        for (message, count) in &self.left {
            write!(f, ", {count} x {message}")?;
        }
        if let Some(example) = self.killed.first() {
            write!(f, "; {} agents were killed, one of them is {example}", self.killed.len())?;
        }
        Ok(())
    }
}

impl<A: Agent> AgentRef<A> {
    /// Lets the agent handle what it has, and end: with [`Reason::Normal`], after its `on_exit`. From the
    /// first poll on nothing more comes in: whoever sends, also the agent to itself, fails with
    /// [`Ended`](crate::CastError::Ended), which says that it is being drained. At the deadline it is
    /// killed. Returns when it has ended; a handler that computes is waited for at most
    /// [`Config::exit_deadline`](crate::Config::exit_deadline) longer.
    ///
    /// Dropping this takes nothing back, but then nobody kills the agent. An agent must not wait for its
    /// own drain.
    ///
    /// One that has a supervisor ends its incarnation so: whether it is started again, and then lets mail
    /// in again, its [`Restart`](crate::supervision::Restart) says. To drain it for good:
    /// [`drain_child`](AgentRef::drain_child).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use mabeam::{Agent, Config, Context, Handler, Message, System};
    /// # struct Writer;
    /// # impl Agent for Writer {}
    /// # struct Write(&'static str);
    /// # impl Message for Write { type Reply = (); }
    /// # impl Handler<Write> for Writer {
    /// #     async fn handle(&mut self, _: Write, _: &mut Context<Self>) {}
    /// # }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let writer = system.spawn(Writer).await?;
    /// writer.cast(Write("a line"))?;
    /// let drained = writer.drain(Duration::from_secs(5)).await;
    /// assert!(drained.is_complete(), "{drained}");
    /// assert!(writer.cast(Write("too late")).is_err());
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let system = &self.cell.system;
        let tally = system.dead_letters.tally([self.id()]);
        // Of one that can be made again, this incarnation's end.
        let monitor = or_ended(self.cell.belongings()).monitor();
        self.cell.ask_to_drain();
        let mut down = Box::pin(monitor.down());
        let mut killed = Vec::new();
        if within(deadline, &mut down, Arc::clone(system)).await.is_none() {
            self.kill();
            killed.push(self.cell.label());
            within(system.config.exit_deadline, down, Arc::clone(system)).await;
        }
        Drained { left: tally.left(), killed }
    }
}

impl System {
    /// Lets all agents do what they have to do, then [shuts down](Self::shutdown).
    ///
    /// What comes from outside cannot be told apart from what agents still tell each other, so mail is let
    /// in until nobody has any: stop what feeds the system first. An agent that waits in a handler, or for
    /// its restart, has something to do; one that waits for a
    /// timer, a stream or a [task](crate::Context::spawn) of its own has not. If there is something to do
    /// at the deadline, it is left. Then the agents end, supervisors' children in their order, and have
    /// [`Config::exit_deadline`](crate::Config::exit_deadline) for it; who has not ended then is killed.
    ///
    /// Must not be awaited by an agent of the system: it would wait for itself.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let shared = self.shared();
        let tally = shared.dead_letters.tally([]);
        within(deadline, shared.at_rest(), Arc::clone(shared)).await;
        let grace = shared.config.exit_deadline;
        shared.close();
        let mut killed = Vec::new();
        if within(grace, shared.empty(), Arc::clone(shared)).await.is_none() {
            for resident in shared.living.all() {
                killed.push(resident.label());
                resident.kill(Reason::Killed);
            }
            within(grace, shared.empty(), Arc::clone(shared)).await;
        }
        Drained { left: tally.left(), killed }
    }
}

impl Shared {
    /// Waits until no agent has anything to do, in waves: whoever has something is asked to tell when it
    /// has handled what it has now, and when all have told, all are looked at again.
    ///
    /// An agent acts only if it is not idle, and has then handled more. So if two looks find all idle, and
    /// nothing was handled in between, all were at rest at once.
    pub(crate) async fn at_rest(&self) {
        let mut before = None;
        loop {
            let living = self.living.all();
            let handled: u64 = living.iter().map(|resident| resident.handled()).sum();
            let busy = living.iter().filter(|resident| !resident.is_idle());
            let waits: Vec<_> = busy.map(|resident| wait_for(Arc::clone(resident))).collect();
            let now = (living.len(), handled);
            drop(living);
            if waits.is_empty() && before == Some(now) {
                return;
            }
            before = waits.is_empty().then_some(now);
            all(waits).await;
        }
    }
}

/// Waits until an agent has handled the mail that it has now, or has ended.
fn wait_for(resident: Arc<dyn Resident>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    if resident.is_closed() {
        let monitor = lifetime(&*resident).monitor();
        return Box::pin(async move { drop(monitor.down().await) });
    }
    let barrier = resident.barrier();
    Box::pin(async move { drop(barrier.await) })
}

/// Waits for all of them.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Whether an agent ended because it was killed.
pub(crate) fn was_killed<A: Agent>(agent: &AgentRef<A>) -> bool {
    agent.cell.reason() == Reason::Killed
}

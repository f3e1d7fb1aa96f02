//! What a user writes: agents, messages and handlers.

use std::time::Duration;

use foundation::owner::{Down, Reason};

use crate::{Context, LinkedExit};

/// Something that lives, has a state of its own and handles messages one at a time.
///
/// All hooks have defaults, so `impl Agent for T {}` is enough. While a hook or a handler waits in an
/// `.await`, nothing else of the agent runs: its mail waits, in order.
pub trait Agent: Sized + Send + 'static {
    /// Runs before the first message; the spawner is answered when it has ended. An agent whose `init`
    /// fails ends with that reason, without [`on_exit`](Self::on_exit).
    fn init(
        &mut self,
        _context: &mut Context<Self>,
    ) -> impl Future<Output = Result<(), Reason>> + Send {
        async { Ok(()) }
    }

    /// Runs once when the agent ends, unless it was killed, went above its memory limit or panicked:
    /// then its state may be half changed. Nothing new comes in any more, unless
    /// a supervisor may restart it. What it still does at its [deadline](Self::exit_deadline) is dropped.
    fn on_exit(
        &mut self,
        _reason: &Reason,
        _context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// How long [`init`](Self::init) may take, where the system's configuration says `configured`.
    fn init_deadline(&self, configured: Duration) -> Duration {
        configured
    }

    /// How long [`on_exit`](Self::on_exit) may take, where the system's configuration says `configured`.
    fn exit_deadline(&self, configured: Duration) -> Duration {
        configured
    }

    /// Hears that it keeps more than four fifths of its [memory limit](crate::Spawn::memory): the time to let
    /// go what it can do without. Comes once, and again when it has been below three fifths. Overtakes the
    /// mail. Above its limit the agent ends between two polls, told or not.
    fn on_memory_short(
        &mut self,
        _short: MemoryShort,
        _context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Hears of the end of an agent that this one [monitors](Context::monitor). Overtakes the mail, and
    /// comes also if the mailbox is full.
    fn on_down(
        &mut self,
        _down: Down,
        _context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Hears of the end of an agent that this one is [linked](Context::link) to, if it
    /// [traps exits](Context::trap_exits). Overtakes the mail, and comes also if the mailbox is full.
    fn on_linked_exit(
        &mut self,
        _exit: LinkedExit,
        _context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// How much an agent keeps, and may keep: see [`Agent::on_memory_short`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryShort {
    /// What it keeps.
    pub live_bytes: u64,
    /// What it may keep.
    pub limit_bytes: u64,
}

/// Something that can be sent to an agent.
pub trait Message: Send + 'static {
    /// What a caller gets; `()` if there is nothing to say.
    type Reply: Send + 'static;

    /// What makes two messages of this type about the same thing: in a
    /// [coalescing](crate::Mailbox::coalescing) mailbox the later one replaces the one that waits. `None`
    /// for one that replaces nothing. Asked for on the thread that sends.
    fn key(&self) -> Option<u64> {
        None
    }

    /// How much of a mailbox that is [limited in bytes](crate::Mailbox::bytes) it takes. Add what it owns
    /// on the heap. Asked for on the thread that sends.
    fn bytes(&self) -> usize {
        size_of_val(self)
    }

    /// How often a supervised agent may try to handle this message when it is cast or sent, if its
    /// incarnation [fails](Reason) while it does. Needs [`again`](Self::again); other messages are gone with
    /// the incarnation that they were handled by, and calls fail.
    ///
    /// The next incarnation has the message before the mail that waits, again without a place in the
    /// mailbox. After so many failures it is a [dead letter](crate::System::dead_letters), whose reason
    /// is that of the last. So a message is handled at least once here, not at most once: what the
    /// failed attempt did is not undone. It counts as handled when its handler returns, answers
    /// later, or [stashes](Context::stash) it.
    ///
    /// ```
    /// # use mabeam::Message;
    /// #[derive(Clone)]
    /// struct Import { path: String }
    /// impl Message for Import {
    ///     type Reply = ();
    ///     const ATTEMPTS: u32 = 3;
    ///     fn again(&self) -> Option<Self> { Some(self.clone()) }
    /// }
    /// ```
    const ATTEMPTS: u32 = 1;

    /// The same message for a further [attempt](Self::ATTEMPTS); `None` if there is none. Asked for
    /// before each attempt but the last, in the agent's turn.
    fn again(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// An agent's way with one type of message.
///
/// Write it as an `async fn`. A handler that never waits is run by its caller's thread, without any
/// switch of tasks; one that waits is suspended and resumed by its own wake.
pub trait Handler<M: Message>: Agent {
    /// Handles one message. A panic ends the agent with [`Reason::Panic`], never its caller.
    fn handle(
        &mut self,
        message: M,
        context: &mut Context<Self>,
    ) -> impl Future<Output = M::Reply> + Send;
}

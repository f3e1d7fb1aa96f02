//! What a system and its agents are allowed.

use std::sync::Arc;
use std::time::Duration;

use crate::witness::Witness;

/// Limits and times of a [`System`](crate::System). `Config::default()` suits most.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The mailbox of agents that are not spawned with one of their own.
    pub mailbox: Mailbox,
    /// How long a call waits if it has no deadline of its own. 5 s, as in OTP.
    pub call_deadline: Duration,
    /// How long `init` may take. 5 s.
    pub init_deadline: Duration,
    /// How long `on_exit` may take. 5 s, as OTP's shutdown.
    pub exit_deadline: Duration,
    /// Handlers whose worst recent poll took longer are not run on their caller's thread. 10 µs:
    /// about what it costs to wake another one.
    pub lendable: Duration,
    /// How deep lent calls may nest on one stack before the next is queued. 16.
    pub max_lend_depth: u32,
    /// At most so many agents at a time. 16,777,216.
    pub max_agents: usize,
    /// How many dead letters are kept for those who read them. 1,024.
    pub dead_letters: usize,
    /// How full a mailbox gets before that is worth an [event](crate::SystemEvent::MailboxHigh), in
    /// percent of its limit. 80; 0 for never. Mailboxes of fewer than 16 places are full now and then, and
    /// have no such mark.
    pub mailbox_mark: u32,
    /// Handlers that hold a thread of the runtime for so long without waiting are worth an
    /// [event](crate::SystemEvent::WorkerHeld). 10 ms.
    pub long_turn: Duration,
    /// How many [events](crate::System::events) are kept for those who read them. 1,024.
    pub events: usize,
    /// Threads of the runtime that the system makes if there is none; 0 for one for each core.
    pub worker_threads: usize,
    /// Of a system in a test.
    pub(crate) witness: Option<Arc<Witness>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mailbox: Mailbox::default(),
            call_deadline: Duration::from_secs(5),
            init_deadline: Duration::from_secs(5),
            exit_deadline: Duration::from_secs(5),
            lendable: Duration::from_micros(10),
            max_lend_depth: 16,
            max_agents: 1 << 24,
            dead_letters: 1024,
            mailbox_mark: 80,
            long_turn: Duration::from_millis(10),
            events: 1024,
            worker_threads: 0,
            witness: None,
        }
    }
}

/// How many messages may wait for an agent, and what becomes of one that finds no place.
///
/// Calls that are answered on the caller's thread take no place. Signals (stop, kill, the end of
/// another agent) need none.
///
/// ```
/// # use mabeam::{Agent, Config, Context, Handler, Mailbox, Message, System, WhenFull};
/// # struct Chart(Vec<(u64, f64)>);
/// # impl Agent for Chart {}
/// # struct All;
/// # impl Message for All { type Reply = Vec<(u64, f64)>; }
/// # impl Handler<All> for Chart {
/// #     async fn handle(&mut self, _: All, _: &mut Context<Self>) -> Vec<(u64, f64)> { self.0.clone() }
/// # }
/// struct Price { share: u64, price: f64 }
/// impl Message for Price {
///     type Reply = ();
///     fn key(&self) -> Option<u64> { Some(self.share) }
/// }
/// # impl Handler<Price> for Chart {
/// #     async fn handle(&mut self, Price { share, price }: Price, _: &mut Context<Self>) {
/// #         self.0.push((share, price));
/// #     }
/// # }
/// # let system = System::new(Config::default())?;
/// # system.block_on(async {
/// // Whoever draws prices wants the last of each share, and of too many shares the latest.
/// let mailbox = Mailbox::bounded(100).when_full(WhenFull::DropOldest).coalescing();
/// let chart = system.spawn(Chart(Vec::new())).mailbox(mailbox).await?;
/// chart.cast(Price { share: 7, price: 10.0 })?;
/// chart.cast(Price { share: 7, price: 10.5 })?;
/// assert_eq!(chart.call(All).await?.last(), Some(&(7, 10.5)));
/// # Ok::<(), mabeam::Error>(())
/// # })?;
/// # Ok::<(), mabeam::Error>(())
/// ```
///
/// # Cost
///
/// A mailbox that waits or rejects, by number alone, is lock-free. One that drops, coalesces or counts
/// bytes takes a lock for each message that is sent and for each that is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// 0 for no limit.
    pub(crate) limit: u32,
    /// `usize::MAX` for no limit.
    pub(crate) bytes: usize,
    pub(crate) when_full: WhenFull,
    pub(crate) coalesces: bool,
}

/// What becomes of a message that finds no place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// [`call`](crate::AgentRef::call) and [`send`](crate::AgentRef::send) wait for a place, until
    /// their deadline. [`cast`](crate::AgentRef::cast), which never waits, fails.
    #[default]
    Wait,
    /// Whoever sends is told at once, and has the message back.
    Reject,
    /// The message that has waited longest is dropped to make room, or as many as are needed. Whoever
    /// sent it was told nothing: it becomes a [dead letter](crate::System::dead_letters), and if it was
    /// a call, that fails with [`NoReply`](crate::CallError::NoReply) at once. Its destructor runs on
    /// the thread that sends. [`try_cast`](crate::AgentRef::try_cast) drops nothing, and fails.
    DropOldest,
    /// The message that finds no place is dropped itself, in the same way; whoever sends it is told
    /// nothing, but by [`try_cast`](crate::AgentRef::try_cast), which fails.
    DropNewest,
}

impl Mailbox {
    /// The default limit: 65,536 messages.
    pub const DEFAULT_LIMIT: u32 = 1 << 16;

    /// At most `limit` messages wait, at least 1. Who sends waits for a place; see
    /// [`when_full`](Self::when_full).
    pub const fn bounded(limit: u32) -> Self {
        Self { limit: if limit == 0 { 1 } else { limit }, ..Self::unbounded() }
    }

    /// As many messages wait as there is memory for.
    pub const fn unbounded() -> Self {
        Self { limit: 0, bytes: usize::MAX, when_full: WhenFull::Wait, coalesces: false }
    }

    /// What becomes of a message that finds no place.
    #[must_use]
    pub const fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// At most so many [bytes](crate::Message::bytes) wait, besides the limit on messages.
    ///
    /// A message that does not fit comes back at once as
    /// [`TooLarge`](crate::CastError::TooLarge), also where senders wait for a place: nobody waits for
    /// bytes, because a large message would have to wait until the small ones of all others stop coming.
    /// Where messages are dropped when it is full, as many go as are needed. One that is above the limit
    /// alone always comes back. What an agent's own timers and streams send, and does not fit, becomes a
    /// [dead letter](crate::System::dead_letters).
    #[must_use]
    pub const fn bytes(self, limit: usize) -> Self {
        Self { bytes: limit, ..self }
    }

    /// A message with a [key](crate::Message::key) replaces the one of its type and key that waits, in
    /// the place of that one: what is handled is the newest, at the turn of the oldest.
    ///
    /// One that replaces another needs no place, so it is taken also where there is none, unless its
    /// sender waits for a place already. What is replaced is no dead letter; if it was a call, that fails
    /// with [`NoReply`](crate::CallError::NoReply). What is begun is not replaced any more. Where messages
    /// are dropped for the bytes of a larger one, the one that it replaces keeps its place.
    #[must_use]
    pub const fn coalescing(self) -> Self {
        Self { coalesces: true, ..self }
    }
}

impl Default for Mailbox {
    /// [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) messages; who sends waits for a place.
    fn default() -> Self {
        Self::bounded(Self::DEFAULT_LIMIT)
    }
}

//! The warden: a thread that sees to it that nothing scheduled waits for a worker that computes.
//!
//! tokio keeps the task that was woken last in a slot of the worker that woke it, from which no other
//! worker can take it. For a carrier that is most often right: its agent runs next, on the core that
//! holds its mail, and nobody else is woken for it (a system call). It is wrong if the task that woke
//! it goes on computing. So the warden looks at the queues every [`TICK`] while there is something in
//! them, and calls another carrier for what has not moved since it looked last. From outside of the
//! runtime, that one is no worker's own.
//!
//! It sleeps once nothing was queued for [`IDLE_TICKS`]. Whoever queues something then wakes it, once:
//! it says that it sleeps and looks at the queues after that; who queues looks for it after queueing.
//!
//! It also sees which carrier runs the same agent for long, and says so while it does: see [`Watch`].
//! While a carrier works, it sleeps for at most half of what counts as long. A carrier is at its
//! [post](Post) before it takes anything from a queue, and a queue has a lock: whoever finds it empty
//! sees who took what was in it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::held::Held;
use crate::AgentId;

/// How long something may wait in a queue before another carrier is called: two of these at most.
const TICK: Duration = Duration::from_micros(500);
/// So many ticks without anything in the queues are a reason to sleep: 100 ms.
const IDLE_TICKS: u32 = 200;

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const ENDED: u8 = 2;

/// See the module's page.
#[derive(Default)]
pub(crate) struct Warden {
    state: AtomicU8,
    thread: OnceLock<Thread>,
}

/// What a carrier does, as far as the warden can see. Written by that carrier alone; hints, so relaxed.
#[derive(Default)]
pub(crate) struct Post {
    /// The id of the agent that it runs, [`NOBODY`] before the first, or 0 while it does not work.
    agent: AtomicU64,
    /// Another one for each agent.
    number: AtomicUsize,
}

/// The agent of a carrier that has run none since it began to work: no agent has this id.
const NOBODY: u64 = u64::MAX;

/// Who is told of agents that hold a worker.
pub(crate) struct Watch {
    /// So long is long.
    pub(crate) mark: Duration,
    /// Called on the warden's thread, while the worker is held, with who holds it and for how long: once
    /// that is long, and again each time that it has doubled.
    pub(crate) on_held: Box<dyn Fn(AgentId, Duration) + Send>,
}

/// What a warden sees of the queues.
pub(crate) trait Beat: Send + Sync + 'static {
    /// The warden of these queues.
    fn warden(&self) -> &Warden;

    /// What stands first in each queue: its number, if there is anything.
    fn fronts(&self) -> Vec<Option<usize>>;

    /// Calls another carrier.
    fn call(&self);

    /// What each carrier does.
    fn posts(&self) -> &[CachePadded<Post>];
}

impl Post {
    /// The carrier begins to work.
    #[inline]
    pub(crate) fn begin(&self) {
        self.agent.store(NOBODY, Ordering::Relaxed);
    }

    /// It is about to take the next agent.
    #[inline]
    pub(crate) fn turn_to(&self, number: usize) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// It runs an agent.
    #[inline]
    pub(crate) fn run(&self, agent: Option<AgentId>) {
        self.agent.store(agent.map_or(NOBODY, AgentId::get), Ordering::Relaxed);
    }

    /// It works no more.
    #[inline]
    pub(crate) fn leave(&self) {
        self.agent.store(0, Ordering::Relaxed);
    }

    /// Whether the carrier works.
    pub(super) fn is_manned(&self) -> bool {
        self.agent.load(Ordering::Relaxed) != 0
    }

    /// Which agent it runs, and for which time.
    pub(super) fn run_of(&self) -> Option<(AgentId, usize)> {
        let agent = self.agent.load(Ordering::Relaxed);
        let agent = AgentId::from_u64(agent).filter(|_| agent != NOBODY)?;
        Some((agent, self.number.load(Ordering::Relaxed)))
    }
}

impl Warden {
    /// Starts the thread. It ends with [`end`](Self::end).
    pub(crate) fn start(beat: impl Beat, watch: Watch) -> std::io::Result<()> {
        let work = move || {
            let warden = beat.warden();
            warden.thread.get_or_init(thread::current);
            warden.watch(&beat, Held::new(watch));
        };
        thread::Builder::new().name("mabeam-warden".to_owned()).spawn(work).map(drop)
    }

    /// Sees to it that the warden is awake, after something was queued.
    #[inline]
    pub(crate) fn rouse(&self) {
        fence(Ordering::SeqCst);
        if self.state.load(Ordering::Relaxed) == ASLEEP {
            self.wake(AWAKE);
        }
    }

    /// Ends the thread.
    pub(crate) fn end(&self) {
        self.wake(ENDED);
    }

    #[cold]
    fn wake(&self, state: u8) {
        let change = |now| (now != ENDED).then_some(state);
        let was = self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, change);
        if (was == Ok(ASLEEP) || state == ENDED)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    fn watch(&self, beat: &impl Beat, mut held: Held) {
        let mut before = beat.fronts();
        let mut idle_ticks = 0;
        let mut is_manned = false;
        loop {
            match self.state.load(Ordering::Acquire) {
                ENDED => return,
                ASLEEP if is_manned => thread::park_timeout(held.pause()),
                ASLEEP => thread::park(),
                _ => thread::park_timeout(TICK),
            }
            let now = beat.fronts();
            if now.iter().zip(&before).any(|(now, before)| now == before && now.is_some()) {
                beat.call();
            }
            let is_idle = now.iter().all(Option::is_none);
            idle_ticks = if is_idle { idle_ticks + 1 } else { 0 };
            before = now;
            if idle_ticks >= IDLE_TICKS && self.falls_asleep(beat) {
                idle_ticks = 0;
            }
            held.look(beat.posts());
            // After the queues.
            is_manned = beat.posts().iter().any(|post| post.is_manned());
        }
    }

    /// `false` if it has to stay awake: something was queued meanwhile.
    fn falls_asleep(&self, beat: &impl Beat) -> bool {
        let sleep = |now| (now == AWAKE).then_some(ASLEEP);
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, sleep).is_err() {
            return false;
        }
        fence(Ordering::SeqCst);
        if beat.fronts().iter().any(Option::is_some) {
            let stay = |now| (now == ASLEEP).then_some(AWAKE);
            let _ = self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, stay);
            return false;
        }
        true
    }
}

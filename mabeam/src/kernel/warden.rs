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

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

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

/// What a warden sees of the queues.
pub(crate) trait Beat: Send + Sync + 'static {
    /// The warden of these queues.
    fn warden(&self) -> &Warden;

    /// What stands first in each queue: its number, if there is anything.
    fn fronts(&self) -> Vec<Option<usize>>;

    /// Calls another carrier.
    fn call(&self);
}

impl Warden {
    /// Starts the thread. It ends with [`end`](Self::end).
    pub(crate) fn start(beat: impl Beat) -> std::io::Result<()> {
        let watch = move || {
            let warden = beat.warden();
            warden.thread.get_or_init(thread::current);
            warden.watch(&beat);
        };
        thread::Builder::new().name("mabeam-warden".to_owned()).spawn(watch).map(drop)
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

    fn watch(&self, beat: &impl Beat) {
        let mut before = beat.fronts();
        let mut idle_ticks = 0;
        loop {
            match self.state.load(Ordering::Acquire) {
                ENDED => return,
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

//! The run queue: agents that have something to do and no thread yet.
//!
//! Owns who runs next and which sleeping carrier is woken. A *carrier* is a task of the tokio runtime
//! that takes agents from here and runs them. Promises:
//!
//! - whoever is queued is run by the next carrier that looks, whichever queue it stands in: nothing
//!   that is scheduled is bound to a thread;
//! - one agent that is queued is run on the core of whoever queued it, where its mail is, as soon as
//!   the task there waits; what is queued beside it wakes further carriers, each of which pushes the
//!   one before out of the worker's own slot, so that other workers take part;
//! - what an agent queues alone, itself among it when it makes room for others, wakes nobody: the
//!   carrier that runs it looks here next;
//! - an agent that is queued by a task that then computes runs meanwhile on another worker: see
//!   [`super::warden`];
//! - no wake-up is lost: see [`super::rest`].
//!
//! There are two carriers for each worker: one may stand in the slot of a worker that computes, and as
//! many as there are other workers are left.
//!
//! A carrier yields to the runtime after [`SLICE`] agents, [`SLICE_NS`] of known cost, or when its
//! cooperative budget is used up. When the runtime drops a carrier, the queue is closed: what stands in
//! it, and whoever comes later, is abandoned by its queueing thread.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};

use crossbeam_utils::CachePadded;
use foundation::panics::quietly;
use tokio::runtime::{Handle, worker_index};
use tokio::task::coop;

use super::chooser::Chooser;
use super::rest::Rest;
use super::warden::{Beat, Post, Warden, Watch};
use crate::AgentId;
use crate::sync::{AtomicBool, Mutex, Ordering, lock};

/// At most so many agents in one poll of a carrier.
const SLICE: usize = 32;
/// After so many agents a carrier looks at another worker's queue before its own, so that nothing waits
/// behind a queue that never gets empty.
const AROUND: usize = 16;
/// At most so much work in one poll of a carrier, if its cost is known.
const SLICE_NS: u64 = 500_000;
/// Fewer agents than this in one poll of a carrier that draws them: maybe none, so that what else is
/// ready goes first.
const DRAWN_SLICE: usize = 4;

crate::sync::thread_local! {
    /// The queue whose carrier runs an item on this thread, or 0.
    #[cfg_attr(
        not(mabeam_loom),
        expect(clippy::missing_const_for_thread_local, reason = "loom's macro knows no `const`")
    )]
    static CARRIED: Cell<usize> = Cell::new(0);
}

/// Something that can be queued and run.
pub(crate) trait Runnable: Send + Sync {
    /// Which agent it is, if it is one.
    fn agent(&self) -> Option<AgentId> {
        None
    }

    /// Runs it, and returns what that cost, by what is known of it, in nanoseconds. The caller took it
    /// from the queue, once for each time that it was queued.
    fn run(self: Arc<Self>) -> u64;

    /// There is nobody to run it any more.
    fn abandon(self: Arc<Self>);
}

/// Abandons `runnable`. What that leaves behind to be abandoned is worked off by the outermost call, so
/// that a chain of agents that hear of each other's end takes no stack.
pub(crate) fn abandon(runnable: Arc<dyn Runnable>) {
    thread_local! {
        static LEFT: RefCell<Option<VecDeque<Arc<dyn Runnable>>>> = const { RefCell::new(None) };
    }
    /// Lets the next call be the outermost, also after a panic.
    struct Outermost;
    impl Drop for Outermost {
        fn drop(&mut self) {
            drop(LEFT.take());
        }
    }
    let mut runnable = Some(runnable);
    let is_outermost = LEFT.try_with(|left| {
        let mut left = left.borrow_mut();
        let is_outermost = left.is_none();
        left.get_or_insert_default().extend(runnable.take());
        is_outermost
    });
    match is_outermost {
        Ok(true) => {
            let _outermost = Outermost;
            while let Some(next) = LEFT.with_borrow_mut(|left| left.as_mut()?.pop_front()) {
                quietly(|| next.abandon());
            }
        }
        Ok(false) => {}
        // The thread is about to end.
        Err(_) => runnable.into_iter().for_each(Runnable::abandon),
    }
}

/// See the module's page.
pub(crate) struct RunQueue<T: ?Sized> {
    /// One for each worker, so that workers do not meet at one lock.
    queues: Box<[CachePadded<Mutex<Queue<T>>>]>,
    rest: Rest,
    warden: Warden,
    /// What each carrier does, for the warden.
    posts: Box<[CachePadded<Post>]>,
    /// Set when the runtime drops a carrier: nothing that is queued will be run any more. Set before
    /// the queues are emptied, and looked at within a queue's lock, so nothing comes after that.
    is_closed: AtomicBool,
    /// Set when no more work will come: carriers end when they find nothing.
    is_stopped: AtomicBool,
    /// In tests: who is next, instead of whoever waits longest.
    chooser: Option<Chooser>,
}

/// What waits at one worker.
struct Queue<T: ?Sized> {
    waiting: VecDeque<Arc<T>>,
    /// How many were taken, to know whether the queue moves.
    taken: usize,
}

/// A task that runs what is queued.
pub(crate) struct Carrier<T: Runnable + ?Sized + 'static> {
    run_queue: Arc<RunQueue<T>>,
    /// What it does besides when it is dropped.
    on_end: Arc<dyn Fn() + Send + Sync>,
    index: usize,
    /// Whether it lay down before it last waited.
    rests: bool,
    /// Agents that it has taken.
    taken: usize,
}

impl<T: Runnable + ?Sized + 'static> RunQueue<T> {
    /// A queue for a runtime with so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        let queues = (0..workers.max(1))
            .map(|_| CachePadded::new(Mutex::new(Queue { waiting: VecDeque::new(), taken: 0 })))
            .collect();
        Self {
            queues,
            rest: Rest::new(),
            warden: Warden::default(),
            posts: (0..carriers_of(workers)).map(|_| CachePadded::default()).collect(),
            is_closed: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
            chooser: None,
        }
    }

    /// The same, but of those who wait in a queue the next is drawn.
    pub(crate) fn drawn(self, chooser: Option<Chooser>) -> Self {
        Self { chooser, ..self }
    }

    /// Starts the carriers on the runtime. When it drops one, the queue is closed and `on_end` is
    /// called. What holds a worker is told to `watch`.
    pub(crate) fn start(
        self: &Arc<Self>,
        runtime: &Handle,
        on_end: &Arc<dyn Fn() + Send + Sync>,
        watch: Watch,
    ) -> io::Result<()> {
        // A runtime of one thread has nobody else to run what waits.
        if self.queues.len() > 1 {
            Warden::start(Arc::clone(self), watch)?;
        }
        for carrier in self.carriers(carriers_of(self.queues.len()), on_end) {
            runtime.spawn(carrier);
        }
        Ok(())
    }

    /// Makes the carriers.
    pub(crate) fn carriers(
        self: &Arc<Self>,
        count: usize,
        on_end: &Arc<dyn Fn() + Send + Sync>,
    ) -> Vec<Carrier<T>> {
        let carrier = |index| Carrier {
            run_queue: Arc::clone(self),
            on_end: Arc::clone(on_end),
            index,
            rests: false,
            taken: index,
        };
        (0..count).map(carrier).collect()
    }

    /// Lets the carriers end once they find nothing.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        while let Some(waker) = self.rest.call() {
            waker.wake();
        }
        self.warden.end();
    }

    /// Whether the runtime has dropped carriers: nothing that is queued will be run any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Queues `item`; gives it back if nobody will ever run it.
    pub(crate) fn push(&self, item: Arc<T>) -> Result<(), Arc<T>> {
        let is_first = {
            let mut queue = lock(&self.queues[self.own()]);
            if self.has_ended() {
                return Err(item);
            }
            queue.waiting.push_back(item);
            queue.waiting.len() == 1
        };
        // The carrier that this thread is in looks here next.
        if !is_first || CARRIED.with(Cell::get) != self.address() {
            self.call();
        }
        self.warden.rouse();
        Ok(())
    }

    /// Tells it apart from the queues of other systems.
    fn address(&self) -> usize {
        ptr::from_ref(self).cast::<()>().addr()
    }

    /// Wakes a carrier, if one rests.
    fn call(&self) {
        if let Some(waker) = self.rest.call() {
            waker.wake();
        }
    }

    /// The next item, from this worker's queue or from another, and whether more wait there.
    pub(crate) fn pop(&self) -> Option<(Arc<T>, bool)> {
        self.pop_from(self.own())
    }

    /// The next item, from this queue or from one after it.
    fn pop_from(&self, first: usize) -> Option<(Arc<T>, bool)> {
        let len = self.queues.len();
        (0..len).find_map(|step| {
            let mut queue = lock(&self.queues[first.wrapping_add(step) % len]);
            let item = match &self.chooser {
                None => queue.waiting.pop_front()?,
                Some(chooser) => {
                    let next = chooser.below(queue.waiting.len())?;
                    queue.waiting.remove(next)?
                }
            };
            queue.taken = queue.taken.wrapping_add(1);
            Some((item, !queue.waiting.is_empty()))
        })
    }

    fn own(&self) -> usize {
        worker_index().unwrap_or(0) % self.queues.len()
    }

    fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| lock(queue).waiting.is_empty())
    }

    /// Lets nothing more in, and abandons what stands in the queue.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.warden.end();
        for queue in &self.queues {
            let left = std::mem::take(&mut lock(queue).waiting);
            for item in left {
                quietly(|| item.abandon());
            }
        }
    }
}

impl<T: Runnable + ?Sized + 'static> Beat for Arc<RunQueue<T>> {
    fn warden(&self) -> &Warden {
        &self.warden
    }

    fn fronts(&self) -> Vec<Option<usize>> {
        let front = |queue: &CachePadded<Mutex<Queue<T>>>| {
            let queue = lock(queue);
            (!queue.waiting.is_empty()).then_some(queue.taken)
        };
        self.queues.iter().map(front).collect()
    }

    fn call(&self) {
        RunQueue::call(self);
    }

    fn posts(&self) -> &[CachePadded<Post>] {
        &self.posts
    }
}

/// So many carriers are started on so many workers.
const fn carriers_of(workers: usize) -> usize {
    if workers > 1 { 2 * workers } else { 1 }
}

impl<T: Runnable + ?Sized + 'static> Carrier<T> {
    fn next(&mut self) -> Option<(Arc<T>, bool)> {
        self.taken = self.taken.wrapping_add(1);
        if let Some(post) = self.post() {
            post.turn_to(self.taken);
        }
        if self.taken.is_multiple_of(AROUND) {
            self.run_queue.pop_from(self.taken / AROUND)
        } else {
            self.run_queue.pop()
        }
    }

    /// Runs what is queued, for a while.
    fn carry(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.rests) {
            self.run_queue.rest.get_up(self.index);
        }
        let mut spent_ns: u64 = 0;
        // What is known of cost differs from run to run.
        let drawn = self.run_queue.chooser.as_ref().and_then(|chooser| chooser.below(DRAWN_SLICE));
        for _ in 0..drawn.unwrap_or(SLICE) {
            if let Some((item, has_more)) = self.next() {
                if has_more {
                    self.run_queue.call();
                }
                spent_ns = spent_ns.saturating_add(self.run(item));
                if (spent_ns > SLICE_NS && drawn.is_none()) || !coop::has_budget_remaining() {
                    break;
                }
            } else {
                self.run_queue.rest.lie_down(self.index, context.waker());
                if self.run_queue.is_stopped.load(Ordering::Acquire) {
                    return Poll::Ready(());
                }
                if self.run_queue.is_empty() {
                    self.rests = true;
                    return Poll::Pending;
                }
                self.run_queue.rest.get_up(self.index);
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn post(&self) -> Option<&Post> {
        self.run_queue.posts.get(self.index).map(Deref::deref)
    }

    /// Runs an item. What panics here is a waker or a subscriber of somebody else's: a carrier goes on.
    fn run(&self, item: Arc<T>) -> u64 {
        let mut spent_ns = 0;
        if let Some(post) = self.post() {
            post.run(item.agent());
        }
        let outer = CARRIED.with(|carried| carried.replace(self.run_queue.address()));
        quietly(|| spent_ns = item.run());
        CARRIED.with(|carried| carried.set(outer));
        spent_ns
    }
}

impl<T: Runnable + ?Sized + 'static> Future for Carrier<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(post) = this.post() {
            post.begin();
        }
        let polled = this.carry(context);
        if let Some(post) = this.post() {
            post.leave();
        }
        polled
    }
}

impl<T: Runnable + ?Sized + 'static> Drop for Carrier<T> {
    fn drop(&mut self) {
        // While a handler that does not return keeps one carrier, the others are dropped already, and
        // nobody is to wait for what will not be run.
        self.run_queue.close();
        (self.on_end)();
    }
}

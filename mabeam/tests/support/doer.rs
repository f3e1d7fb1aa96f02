//! What the runtime's tests share: bounds, runtimes, an executor that is not tokio, and an agent that
//! does what it is told.

#![allow(dead_code, reason = "each test program uses some of it")]
#![expect(clippy::unwrap_used, reason = "in tests")]

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use foundation::owner::{MonitorRef, Reason};
use mabeam::{Agent, AgentRef, Config, Handler, Message, System};
use tokio::runtime::{Builder, Runtime};

/// What is not there by then never comes.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

pub(crate) type Work<R> = Pin<Box<dyn Future<Output = R> + Send>>;

/// An agent that does what it is told.
pub(crate) struct Doer;

/// Something to do. Its cost is learnt for each type of answer.
pub(crate) struct Do<R>(Work<R>);

pub(crate) fn does<R>(work: impl Future<Output = R> + Send + 'static) -> Do<R> {
    Do(Box::pin(work))
}

impl<R> Do<R> {
    pub(crate) fn into_work(self) -> Work<R> {
        self.0
    }
}

impl Agent for Doer {}

impl<R: Send + 'static> Message for Do<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Do<R>> for Doer {
    async fn handle(&mut self, Do(work): Do<R>, _: &mut mabeam::Context<Self>) -> R {
        work.await
    }
}

// ---- systems ----

/// Everything is lent once it is known.
pub(crate) fn lends() -> Config {
    let mut config = Config::default();
    config.lendable = Duration::MAX;
    config.call_deadline = BOUND;
    config
}

/// Nothing is ever lent.
pub(crate) fn schedules() -> Config {
    let mut config = lends();
    config.lendable = Duration::ZERO;
    config
}

/// A system that lends, with one agent.
pub(crate) async fn lender() -> (System, AgentRef<Doer>) {
    let system = System::new(lends()).unwrap();
    let agent = system.spawn(Doer).await.unwrap();
    (system, agent)
}

/// Makes the cost of `Do<R>` known, and returns when the agent is idle.
pub(crate) async fn learn<R: Default + Send + 'static>(agent: &AgentRef<Doer>) {
    agent.call(does(async { R::default() })).await.unwrap();
    settle(agent).await;
}

/// Returns when the agent is idle: a lent call leaves it so. Called by a task of its own, for who awaits
/// this may be none.
pub(crate) async fn settle(agent: &AgentRef<Doer>) {
    let agent = agent.clone();
    let calls = async move {
        while !marked(agent.call(does(async { is_marked() }))).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, tokio::spawn(calls)).await.unwrap().unwrap();
}

// ---- runtimes ----

pub(crate) fn two_workers() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a test as a task of this runtime.
pub(crate) fn run(runtime: Runtime, test: impl Future<Output = ()> + Send + 'static) {
    let ended = runtime.block_on(async { tokio::time::timeout(BOUND, tokio::spawn(test)).await });
    runtime.shutdown_background();
    if let Err(error) = ended.unwrap() {
        std::panic::resume_unwind(error.into_panic());
    }
}

pub(crate) fn on_two_workers(test: impl Future<Output = ()> + Send + 'static) {
    run(two_workers(), test);
}

pub(crate) fn on_one_thread(test: impl Future<Output = ()> + Send + 'static) {
    run(one_thread(), test);
}

/// Time that goes on when nothing else does.
pub(crate) fn in_paused_time(test: impl Future<Output = ()> + Send + 'static) {
    run(Builder::new_current_thread().enable_all().start_paused(true).build().unwrap(), test);
}

pub(crate) fn on_both<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    on_two_workers(test());
    on_one_thread(test());
}

/// Polls a future on this thread until it is ready, without any runtime.
pub(crate) fn park<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let (mut future, began) = (pin!(future), Instant::now());
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let left = BOUND.checked_sub(began.elapsed());
        thread::park_timeout(left.unwrap_or_else(|| panic!("not ready after {BOUND:?}")));
    }
}

/// Waits for a thread; its panic goes on here.
pub(crate) fn join<T>(thread: thread::JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

// ---- futures ----

thread_local! {
    static MARKED: Cell<bool> = const { Cell::new(false) };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether a [`marked`] future is being polled below, on this stack.
pub(crate) fn is_marked() -> bool {
    MARKED.get()
}

/// While `work` runs, code on this stack knows.
pub(crate) fn mark<O>(work: impl FnOnce() -> O) -> O {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            MARKED.set(self.0);
        }
    }
    let _restore = Restore(MARKED.replace(true));
    work()
}

/// While `future` is polled, code on this stack knows: a handler that runs there was lent the thread.
pub(crate) async fn marked<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| mark(|| future.as_mut().poll(context))).await
}

/// Counts the polls of `future`.
pub(crate) async fn counted<F: Future>(polls: Arc<AtomicUsize>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        polls.fetch_add(1, Ordering::Relaxed);
        future.as_mut().poll(context)
    })
    .await
}

/// Remembers how many of these were polled within each other on one stack.
pub(crate) async fn nested<F: Future>(deepest: Arc<AtomicUsize>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        DEPTH.set(DEPTH.get() + 1);
        deepest.fetch_max(DEPTH.get(), Ordering::Relaxed);
        let polled = future.as_mut().poll(context);
        DEPTH.set(DEPTH.get() - 1);
        polled
    })
    .await
}

/// Polls once, with the waker of the task that awaits this.
pub(crate) async fn poll_once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// Waits for a signal of another thread, blocking this one.
pub(crate) fn await_signal(signal: &std::sync::mpsc::Receiver<()>) {
    signal.recv_timeout(BOUND).unwrap();
}

/// Why the agent has ended.
pub(crate) async fn reason(monitor: MonitorRef) -> Reason {
    tokio::time::timeout(BOUND, monitor.down()).await.unwrap().unwrap().reason
}

// ---- drops ----

/// What was dropped, in order.
pub(crate) type Drops = Arc<Mutex<Vec<&'static str>>>;

/// Says when it is dropped.
pub(crate) struct Mark(pub(crate) &'static str, pub(crate) Drops);

impl Drop for Mark {
    fn drop(&mut self) {
        self.1.lock().unwrap().push(self.0);
    }
}

/// Panics when it is dropped, unless its thread does already.
pub(crate) struct Bomb(pub(crate) &'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            std::panic::panic_any(self.0);
        }
    }
}

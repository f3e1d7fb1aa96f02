//! An agent that is not `Send` and notes what happens to it, and on which thread.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use mabeam::{
    AgentRef, Config, Context, LocalAgent, LocalHandler, Message, MonitorRef, Pinned, Reason,
    System,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// An upper bound for what should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// What happened, and on which thread.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<(String, ThreadId)>>>);

impl Trace {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push((what.into(), thread::current().id()));
    }

    pub(crate) fn words(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(what, _)| what.clone()).collect()
    }

    /// That all of it happened on one thread, not this one, and what it was.
    pub(crate) fn at_home(&self) -> Vec<String> {
        let notes = self.0.lock().unwrap().clone();
        let (_, home) = notes.first().unwrap();
        assert_ne!(*home, thread::current().id());
        for (what, thread) in &notes {
            assert_eq!(thread, home, "{what} happened away from home");
        }
        drop(notes);
        self.words()
    }
}

/// Not `Send`; notes its drop.
pub(crate) struct Noted(Rc<Trace>, &'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

pub(crate) struct Desk {
    total: Rc<Cell<u64>>,
    trace: Rc<Trace>,
    pub(crate) init: Result<(), Reason>,
    _noted: Noted,
}

impl Desk {
    pub(crate) fn new(trace: Trace) -> Self {
        trace.note("make");
        let trace = Rc::new(trace);
        let noted = Noted(Rc::clone(&trace), "drop");
        Self { total: Rc::default(), trace, init: Ok(()), _noted: noted }
    }
}

impl LocalAgent for Desk {
    async fn init(&mut self, _: &mut Context<Pinned<Self>>) -> Result<(), Reason> {
        self.trace.note("init");
        self.init.clone()
    }

    async fn on_exit(&mut self, reason: &Reason, _: &mut Context<Pinned<Self>>) {
        let held = Rc::clone(&self.trace);
        tokio::task::yield_now().await;
        held.note(format!("exit {reason} {}", self.total.get()));
    }
}

#[derive(Debug)]
pub(crate) struct Add(pub(crate) u64);
/// Says that it began, then waits.
pub(crate) struct Wait {
    began: oneshot::Sender<()>,
    until: oneshot::Receiver<()>,
}
/// Says that it began, then waits in a timer that is far away.
pub(crate) struct WaitLong(pub(crate) Sender<()>);
/// Says that it began, then blocks its thread.
pub(crate) struct Block {
    began: oneshot::Sender<()>,
    until: Receiver<()>,
}
pub(crate) struct Panics;
pub(crate) struct Tick;
pub(crate) struct ThreadName;

impl Message for Add {
    type Reply = u64;
}
impl Message for Wait {
    type Reply = ();
}
impl Message for WaitLong {
    type Reply = ();
}
impl Message for Block {
    type Reply = ();
}
impl Message for Panics {
    type Reply = ();
}
impl Message for Tick {
    type Reply = bool;
}
impl Message for ThreadName {
    type Reply = Option<String>;
}

impl LocalHandler<Add> for Desk {
    async fn handle(&mut self, Add(more): Add, _: &mut Context<Pinned<Self>>) -> u64 {
        self.trace.note("add");
        self.total.set(self.total.get() + more);
        self.total.get()
    }
}

impl LocalHandler<Wait> for Desk {
    async fn handle(&mut self, wait: Wait, _: &mut Context<Pinned<Self>>) {
        let _held = Noted(Rc::clone(&self.trace), "turn dropped");
        let _ = wait.began.send(());
        let _ = wait.until.await;
        self.trace.note("resumed");
    }
}

impl LocalHandler<WaitLong> for Desk {
    async fn handle(&mut self, WaitLong(began): WaitLong, _: &mut Context<Pinned<Self>>) {
        let _held = Noted(Rc::clone(&self.trace), "turn dropped");
        let mut timer = std::pin::pin!(timeout(Duration::from_secs(3600), pending::<()>()));
        let is_set = std::future::poll_fn(|context| {
            std::task::Poll::Ready(timer.as_mut().poll(context).is_pending())
        });
        assert!(is_set.await);
        let _ = began.send(());
        let _ = timer.await;
    }
}

impl LocalHandler<Block> for Desk {
    async fn handle(&mut self, block: Block, _: &mut Context<Pinned<Self>>) {
        let _ = block.began.send(());
        let _ = block.until.recv();
        self.trace.note("unblocked");
    }
}

impl LocalHandler<Panics> for Desk {
    async fn handle(&mut self, _: Panics, _: &mut Context<Pinned<Self>>) {
        let _held = Noted(Rc::clone(&self.trace), "turn dropped");
        panic!("as it was told");
    }
}

impl LocalHandler<Tick> for Desk {
    async fn handle(&mut self, _: Tick, _: &mut Context<Pinned<Self>>) -> bool {
        let has_elapsed = timeout(Duration::from_millis(1), pending::<()>()).await.is_err();
        self.trace.note("ticked");
        has_elapsed
    }
}

impl LocalHandler<ThreadName> for Desk {
    async fn handle(&mut self, _: ThreadName, _: &mut Context<Pinned<Self>>) -> Option<String> {
        thread::current().name().map(str::to_owned)
    }
}

pub(crate) fn system() -> System {
    System::new(Config::default()).unwrap()
}

pub(crate) async fn desk(system: &System) -> (AgentRef<Pinned<Desk>>, Trace) {
    let trace = Trace::default();
    let made = trace.clone();
    (system.spawn_pinned(move || Desk::new(made)).await.unwrap(), trace)
}

/// Why it ended, once it has.
pub(crate) async fn end(monitor: MonitorRef) -> Reason {
    timeout(SOON, monitor.down()).await.unwrap().unwrap().reason
}

/// Casts a `Wait` and returns once it waits, with what ends the wait.
pub(crate) async fn suspend(desk: &AgentRef<Pinned<Desk>>) -> oneshot::Sender<()> {
    let (began, has_begun) = oneshot::channel();
    let (release, until) = oneshot::channel();
    desk.cast(Wait { began, until }).unwrap();
    timeout(SOON, has_begun).await.unwrap().unwrap();
    release
}

/// Casts a `Block` and returns once it blocks, with what ends that.
pub(crate) async fn block(desk: &AgentRef<Pinned<Desk>>) -> Sender<()> {
    let (began, has_begun) = oneshot::channel();
    let (release, until) = channel();
    desk.cast(Block { began, until }).unwrap();
    timeout(SOON, has_begun).await.unwrap().unwrap();
    release
}

pub(crate) fn two_workers() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

//! What an agent asks for itself: timers, tasks, streams, monitors, forwarded calls. Time is virtual
//! wherever it plays a part.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::collections::VecDeque;
use std::fmt::{Debug, Write};
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};
use std::time::Duration;

use futures_core::Stream;
use mabeam::{
    Agent, AgentRef, CallError, Config, Context, Down, Handler, Mailbox, Message, MonitorId,
    Reason, SpawnError, System, Timer, WhenFull,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

#[path = "context/forwarded.rs"]
mod forwarded;
#[path = "context/monitors.rs"]
mod monitors;
#[path = "context/spawned.rs"]
mod spawned;
#[path = "context/streams.rs"]
mod streams;
#[path = "context/tasks.rs"]
mod tasks;
#[path = "context/timers.rs"]
mod timers;

/// What a probe tells.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Said(u32),
    Down(MonitorId, Reason),
}

/// Tells what it sees, and does what it is told.
struct Probe {
    seen: mpsc::UnboundedSender<(Seen, Duration)>,
    born: Instant,
    at_exit: Option<Work<()>>,
}

type Work<R> = Box<dyn FnOnce(&mut Probe, &mut Context<Probe>) -> R + Send>;

impl Probe {
    fn tell(&self, seen: Seen) {
        let _ = self.seen.send((seen, self.born.elapsed()));
    }
}

impl Agent for Probe {
    async fn on_exit(&mut self, _: &Reason, context: &mut Context<Self>) {
        if let Some(work) = self.at_exit.take() {
            work(self, context);
        }
    }

    async fn on_down(&mut self, down: Down, _: &mut Context<Self>) {
        self.tell(Seen::Down(down.monitor, down.reason));
    }
}

/// Tells the number, and answers with it.
struct Say(u32);

impl Message for Say {
    type Reply = u32;
}

impl Handler<Say> for Probe {
    async fn handle(&mut self, Say(number): Say, _: &mut Context<Self>) -> u32 {
        self.tell(Seen::Said(number));
        number
    }
}

/// Runs something in a turn.
struct Run<R>(Work<R>);

impl<R: Send + 'static> Message for Run<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Run<R>> for Probe {
    async fn handle(&mut self, Run(work): Run<R>, context: &mut Context<Self>) -> R {
        work(self, context)
    }
}

fn run<R>(work: impl FnOnce(&mut Probe, &mut Context<Probe>) -> R + Send + 'static) -> Run<R> {
    Run(Box::new(work))
}

/// A turn that does something, then waits to be told what else to do.
struct Hold(Work<()>, oneshot::Receiver<Work<()>>);

impl Message for Hold {
    type Reply = ();
}

impl Handler<Hold> for Probe {
    async fn handle(&mut self, Hold(work, until): Hold, context: &mut Context<Self>) {
        work(self, context);
        if let Ok(last) = until.await {
            last(self, context);
        }
    }
}

/// Makes the probe wait in a turn until what is returned is dropped.
async fn hold(probe: &AgentRef<Probe>) -> oneshot::Sender<Work<()>> {
    hold_after(probe, |_, _| ()).await.0
}

/// As [`hold`], after something in the same turn.
async fn hold_after<R: Send + 'static>(
    probe: &AgentRef<Probe>,
    work: impl FnOnce(&mut Probe, &mut Context<Probe>) -> R + Send + 'static,
) -> (oneshot::Sender<Work<()>>, R) {
    let ((hold, until), (tell, told)) = (oneshot::channel(), oneshot::channel());
    let work = |probe: &mut Probe, context: &mut Context<Probe>| {
        let _ = tell.send(work(probe, context));
    };
    probe.cast(Hold(Box::new(work), until)).unwrap();
    let result = timeout(ms(30_000), told).await.unwrap().unwrap();
    (hold, result)
}

/// Passes a number on.
struct Pass(AgentRef<Probe>, u32);

impl Message for Pass {
    type Reply = u32;
}

impl Handler<Pass> for Probe {
    async fn handle(&mut self, Pass(target, number): Pass, context: &mut Context<Self>) -> u32 {
        context.forward(&target, Say(number)).await
    }
}

/// A message, a task's state or an item of a stream that is noticed when it goes.
struct Held(#[expect(dead_code, reason = "held until it is dropped")] oneshot::Sender<()>);

impl Message for Held {
    type Reply = ();
}

impl Handler<Held> for Probe {
    async fn handle(&mut self, _: Held, _: &mut Context<Self>) {
        self.tell(Seen::Said(0));
    }
}

/// Something to hold, and what is ready when it is dropped.
fn held() -> (Held, impl Future<Output = ()>) {
    let (held, gone) = oneshot::channel();
    (Held(held), async {
        let gone = timeout(ms(30_000), gone).await.unwrap();
        assert!(gone.is_err(), "dropped");
    })
}

/// Items that are there, then either the end or nothing for ever.
struct Items<T> {
    left: VecDeque<T>,
    is_endless: bool,
    /// How many were taken.
    taken: Arc<AtomicU32>,
}

impl<T> Items<T> {
    fn new(items: impl IntoIterator<Item = T>) -> Self {
        Self { left: items.into_iter().collect(), is_endless: false, taken: Arc::default() }
    }
}

impl<T: Unpin> Stream for Items<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Option<T>> {
        match self.left.pop_front() {
            Some(item) => {
                self.taken.fetch_add(1, Ordering::Relaxed);
                Poll::Ready(Some(item))
            }
            None if self.is_endless => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Lets virtual time pass: everything that is due until then happens.
async fn pass(milliseconds: u64) {
    assert!(timeout(ms(milliseconds), pending::<()>()).await.is_err());
}

struct Bench {
    system: System,
    probe: AgentRef<Probe>,
    seen: UnboundedReceiver<(Seen, Duration)>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(Mailbox::default()).await
    }

    async fn with(mailbox: Mailbox) -> Self {
        let system = System::new(Config::default()).unwrap();
        let (probe, seen) = probe(&system, mailbox).await;
        Self { system, probe, seen }
    }

    async fn other(&self) -> AgentRef<Probe> {
        probe(&self.system, Mailbox::default()).await.0
    }

    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Probe, &mut Context<Probe>) -> R + Send + 'static,
    ) -> R {
        self.probe.call(run(work)).await.unwrap()
    }

    async fn next(&mut self) -> Seen {
        self.next_at().await.0
    }

    /// What is seen next, and when, in milliseconds.
    async fn next_at(&mut self) -> (Seen, u128) {
        let (seen, at) = timeout(ms(30_000), self.seen.recv()).await.unwrap().unwrap();
        (seen, at.as_millis())
    }

    /// Nothing that was not looked at is seen by the end of all that is under way.
    async fn expect_nothing(&mut self) {
        pass(10_000).await;
        assert_eq!(self.seen.try_recv().ok(), None);
    }
}

async fn probe(
    system: &System,
    mailbox: Mailbox,
) -> (AgentRef<Probe>, UnboundedReceiver<(Seen, Duration)>) {
    let (sender, seen) = unbounded_channel();
    let probe = Probe { seen: sender, born: Instant::now(), at_exit: None };
    (system.spawn(probe).mailbox(mailbox).await.unwrap(), seen)
}

async fn end_of(agent: AgentRef<Probe>) -> Reason {
    let monitor = agent.monitor();
    drop(agent);
    timeout(ms(30_000), monitor.down()).await.unwrap().unwrap().reason
}

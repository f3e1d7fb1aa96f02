//! Supervised agents: identity through restarts, strategies, commands, and ends.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mabeam::supervision::{
    AutoShutdown, Backoff, Child, Restart, Shutdown, StartChildError, Strategy, Supervisor,
};
use mabeam::{
    Agent, AgentRef, CallError, Config, Context, Handler, Message, Reason, SpawnError, System,
};
use tokio::sync::oneshot;
use tokio::time::timeout;

#[path = "supervision/commands.rs"]
mod commands;
#[path = "supervision/ends.rs"]
mod ends;
#[path = "supervision/identity.rs"]
mod identity;
#[path = "supervision/races.rs"]
mod races;
#[path = "supervision/redelivery.rs"]
mod redelivery;
#[path = "supervision/sleep.rs"]
mod sleep;
#[path = "supervision/strategies.rs"]
mod strategies;

/// What happened to children, in order: `+a` came to life, `-a` ended politely, `!a` was dropped.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

/// A child with a name in the diary.
struct Worker {
    label: &'static str,
    diary: Diary,
    /// How many incarnations there were before.
    life: u32,
    sum: u64,
}

/// How workers of one label are made.
#[derive(Clone)]
struct Nursery {
    diary: Diary,
    lives: Arc<AtomicU32>,
}

impl Diary {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    /// What was noted since this was last asked, in one line.
    fn read(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

impl Agent for Worker {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Reason> {
        self.diary.note(format!("+{}", self.label));
        Ok(())
    }

    async fn on_exit(&mut self, _: &Reason, _: &mut Context<Self>) {
        self.diary.note(format!("-{}", self.label));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.diary.note(format!("!{}", self.label));
    }
}

/// Adds, and returns the sum of this incarnation.
struct Add(u64);

/// Returns which incarnation it is, from 0.
struct Life;

/// Panics.
struct Crash;

/// Waits until it is told.
struct Hold(oneshot::Sender<()>, oneshot::Receiver<()>);

impl Message for Add {
    type Reply = u64;
}

impl Message for Life {
    type Reply = u32;
}

impl Message for Crash {
    type Reply = ();
}

impl Message for Hold {
    type Reply = ();
}

impl Handler<Add> for Worker {
    async fn handle(&mut self, Add(more): Add, _: &mut Context<Self>) -> u64 {
        self.sum += more;
        self.sum
    }
}

impl Handler<Life> for Worker {
    async fn handle(&mut self, Life: Life, _: &mut Context<Self>) -> u32 {
        self.life
    }
}

impl Handler<Crash> for Worker {
    async fn handle(&mut self, Crash: Crash, _: &mut Context<Self>) {
        panic!("as asked");
    }
}

impl Handler<Hold> for Worker {
    async fn handle(&mut self, Hold(began, until): Hold, _: &mut Context<Self>) {
        let _ = began.send(());
        let _ = until.await;
    }
}

impl Nursery {
    fn new(diary: &Diary) -> Self {
        Self { diary: diary.clone(), lives: Arc::default() }
    }

    fn worker(&self, label: &'static str) -> Worker {
        let life = self.lives.fetch_add(1, Ordering::Relaxed);
        Worker { label, diary: self.diary.clone(), life, sum: 0 }
    }
}

/// A child that writes into the diary.
fn child(label: &'static str, diary: &Diary) -> Child<Worker> {
    let nursery = Nursery::new(diary);
    Child::new(move || nursery.worker(label)).label(label).named(label)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An upper bound for what has an event.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(seconds(30), future).await.unwrap()
}

/// Crashes a worker, and returns when its next incarnation answers, or the error if there is none.
async fn crash(worker: &AgentRef<Worker>) -> Result<u32, CallError<Life>> {
    let died = soon(worker.call(Crash)).await;
    assert!(matches!(died, Err(CallError::Exited { reason: Reason::Panic(_), .. })), "{died:?}");
    soon(worker.call(Life)).await
}

/// Of all in one supervisor.
async fn begin(
    strategy: Strategy,
    labels: &[&'static str],
) -> (System, AgentRef<Supervisor>, Vec<AgentRef<Worker>>, Diary) {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let mut supervisor = Supervisor::new(strategy).intensity(10, seconds(5));
    for label in labels {
        supervisor = supervisor.child(child(label, &diary));
    }
    let supervisor = system.spawn(supervisor).await.unwrap();
    let workers = labels.iter().map(|label| system.lookup(label).unwrap()).collect();
    (system, supervisor, workers, diary)
}

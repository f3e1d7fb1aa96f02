//! Links: what ends together, what traps, what is undone, and what a supervisor makes anew.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::time::Duration;

use mabeam::{
    Agent, AgentId, AgentRef, AnyAgent, Config, Context, Handler, Link, LinkedExit, Mailbox,
    Message, Reason, System,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::timeout;

#[path = "links/chains.rs"]
mod chains;
#[path = "links/incarnations.rs"]
mod incarnations;
#[path = "links/pairs.rs"]
mod pairs;
#[path = "links/traps.rs"]
mod traps;
#[path = "links/undone.rs"]
mod undone;

/// What a probe tells.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    /// It was made.
    Born,
    Exit(AgentId, Reason),
    /// Its `on_exit` ran.
    Ends(Reason),
    Said(u32),
}

/// Tells what it sees, and does what it is told.
struct Probe {
    seen: UnboundedSender<Seen>,
}

impl Probe {
    fn tell(&self, seen: Seen) {
        let _ = self.seen.send(seen);
    }
}

impl Agent for Probe {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Reason> {
        self.tell(Seen::Born);
        Ok(())
    }

    async fn on_exit(&mut self, reason: &Reason, _: &mut Context<Self>) {
        self.tell(Seen::Ends(reason.clone()));
    }

    async fn on_linked_exit(&mut self, exit: LinkedExit, _: &mut Context<Self>) {
        self.tell(Seen::Exit(exit.agent, exit.reason));
    }
}

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

type Work<R> = Box<dyn FnOnce(&mut Context<Probe>) -> R + Send>;

/// Runs something in a turn.
struct Run<R>(Work<R>);

impl<R: Send + 'static> Message for Run<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Run<R>> for Probe {
    async fn handle(&mut self, Run(work): Run<R>, context: &mut Context<Self>) -> R {
        work(context)
    }
}

/// A turn that waits to be told what to do.
struct Hold(oneshot::Sender<()>, oneshot::Receiver<Work<()>>);

impl Message for Hold {
    type Reply = ();
}

impl Handler<Hold> for Probe {
    async fn handle(&mut self, Hold(began, until): Hold, context: &mut Context<Self>) {
        let _ = began.send(());
        if let Ok(work) = until.await {
            work(context);
        }
    }
}

async fn run<R: Send + 'static>(
    probe: &AgentRef<Probe>,
    work: impl FnOnce(&mut Context<Probe>) -> R + Send + 'static,
) -> R {
    soon(probe.call(Run(Box::new(work)))).await.unwrap()
}

/// Makes the probe wait in a turn until it is told what to do, or what is returned is dropped.
async fn hold(probe: &AgentRef<Probe>) -> oneshot::Sender<Work<()>> {
    let ((began, has_begun), (tell, told)) = (oneshot::channel(), oneshot::channel());
    probe.cast(Hold(began, told)).unwrap();
    soon(has_begun).await.unwrap();
    tell
}

async fn link(from: &AgentRef<Probe>, to: impl Into<AnyAgent>) -> Link {
    let to = to.into();
    run(from, move |context| context.link(&to)).await
}

async fn trap(probe: &AgentRef<Probe>) {
    run(probe, |context| context.trap_exits(true)).await;
}

/// An upper bound for what has an event.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.unwrap()
}

/// Why it ended.
async fn end_of(agent: &AgentRef<Probe>) -> Reason {
    let monitor = agent.monitor();
    soon(monitor.down()).await.unwrap().reason
}

async fn next(seen: &mut UnboundedReceiver<Seen>) -> Seen {
    soon(seen.recv()).await.unwrap()
}

fn system() -> System {
    System::new(Config::default()).unwrap()
}

async fn probe(system: &System) -> (AgentRef<Probe>, UnboundedReceiver<Seen>) {
    with_mailbox(system, Mailbox::default()).await
}

async fn with_mailbox(
    system: &System,
    mailbox: Mailbox,
) -> (AgentRef<Probe>, UnboundedReceiver<Seen>) {
    let (sender, mut seen) = unbounded_channel();
    let probe = system.spawn(Probe { seen: sender }).mailbox(mailbox).await.unwrap();
    assert_eq!(next(&mut seen).await, Seen::Born);
    (probe, seen)
}

/// Two of which the first is linked to the second.
async fn pair(system: &System) -> ([AgentRef<Probe>; 2], Link) {
    let (one, _) = probe(system).await;
    let (two, _) = probe(system).await;
    let link = link(&one, &two).await;
    ([one, two], link)
}

fn failed() -> Reason {
    Reason::Failed("out of paper".into())
}

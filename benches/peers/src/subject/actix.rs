//! actix 0.13: agents and the driver on the arbiter of one `System`, as its examples run them; `send`
//! for a call, `do_send` for a cast (it goes past the mailbox's default bound of 16), `join_all` over
//! sends for many.
//!
//! An arbiter is one thread. Where agents are to use every processor, every second one is started on
//! a second arbiter; the tables of those two workloads are the only ones that cross threads.
//! An actor stops by a handler that calls `ctx.stop()`; its end is a channel that it drops. There is
//! no kill from outside and no notice of a death.

use std::cell::OnceCell;
use std::sync::OnceLock;

use actix::{
    Actor, ActorContext, Addr, Arbiter, ArbiterHandle, Context, Handler, Message, System,
    SystemRunner,
};
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::{Subject, Watched};
use crate::host::Hold;
use crate::work::{State, Work};

/// actix.
pub struct Actix;

/// The state, and a channel that closes when the actor is dropped.
#[derive(Default)]
pub struct Worker {
    state: State,
    ended: Option<oneshot::Sender<()>>,
}

struct Stop(oneshot::Sender<()>);

impl Actor for Worker {
    type Context = Context<Self>;
}

impl Message for Work {
    type Result = u64;
}

impl Message for Stop {
    type Result = ();
}

impl Handler<Work> for Worker {
    type Result = u64;

    fn handle(&mut self, work: Work, _: &mut Self::Context) -> u64 {
        self.state.handle(work)
    }
}

impl Handler<Stop> for Worker {
    type Result = ();

    fn handle(&mut self, Stop(ended): Stop, context: &mut Self::Context) {
        self.ended = Some(ended);
        context.stop();
    }
}

/// Runs `driver` on this thread's arbiter.
fn on_the_arbiter<T>(driver: impl Future<Output = T>) -> T {
    thread_local!(static SYSTEM: OnceCell<SystemRunner> = const { OnceCell::new() });
    SYSTEM.with(|system| system.get_or_init(System::new).block_on(driver))
}

/// The arbiter beside it.
fn second_arbiter() -> &'static ArbiterHandle {
    static ARBITER: OnceLock<ArbiterHandle> = OnceLock::new();
    ARBITER.get_or_init(|| Arbiter::new().handle())
}

impl Subject for Actix {
    const NAME: &'static str = "actix";
    type Agent = Addr<Worker>;

    fn host<T: Send + 'static>(driver: impl Future<Output = T> + Send + 'static) -> T {
        on_the_arbiter(driver)
    }

    fn host_beside<T, F>(driver: impl FnOnce(Option<Hold>) -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        on_the_arbiter(driver(None))
    }

    async fn spawn() -> Self::Agent {
        Worker::default().start()
    }

    async fn spawn_spread(n: usize) -> Self::Agent {
        if n.is_multiple_of(2) {
            Self::spawn().await
        } else {
            Worker::start_in_arbiter(second_arbiter(), |_| Worker::default())
        }
    }

    async fn call(agent: &Self::Agent, work: Work) -> u64 {
        agent.send(work).await.expect("the actor answers")
    }

    async fn cast(agent: &Self::Agent, work: Work) {
        agent.do_send(work);
    }

    async fn call_all(agents: &[Self::Agent], work: Work) -> usize {
        let replies = join_all(agents.iter().map(|agent| agent.send(work))).await;
        replies.iter().filter(|reply| reply.is_ok()).count()
    }

    async fn stop(agent: Self::Agent) -> impl Future<Output = ()> + Send + 'static {
        let (ended, end) = oneshot::channel();
        agent.do_send(Stop(ended));
        // It is dropped, never sent.
        async move { drop(end.await) }
    }

    async fn watched(_: usize) -> Option<Watched> {
        None
    }
}

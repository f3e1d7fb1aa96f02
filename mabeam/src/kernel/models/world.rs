//! Real agents in a small system without carriers: what is queued is run by the threads of the model.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use tokio::sync::oneshot;

use foundation::owner::Reason;
use tokio::runtime::Runtime;

use super::super::cell::Cell;
use super::super::mail::{Answer, Answered, Lent};
use super::{State, explore, pause, start};
use crate::sync::{Mutex, lock};
use crate::system::Shared;
use crate::{
    Agent, AgentId, AgentRef, CastError, Config, Context, Handler, Mailbox, Message, ReplyTo,
};

/// Explores what becomes of one agent at rest. The model runs on a thread with room for a cell.
pub(super) fn explore_agent(preemptions: usize, model: fn(World)) {
    explore_mailbox(Mailbox::unbounded(), preemptions, model);
}

/// The same, with another mailbox.
pub(super) fn explore_mailbox(mailbox: Mailbox, preemptions: usize, model: fn(World)) {
    explore_system(preemptions, move |shared| {
        model(World::new(Arc::clone(&shared), mailbox));
        // The last handle has gone: the agent ends, and frees what it holds.
        run(&shared);
    });
}

/// Explores what becomes of agents in a system without any.
pub(super) fn explore_system(
    preemptions: usize,
    model: impl Fn(Arc<Shared>) + Clone + Send + Sync + 'static,
) {
    // Nothing runs on it, and it is not modelled. It is made outside: a model's stack is small.
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime =
        RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().build().unwrap());
    let handle = runtime.handle().clone();
    explore(preemptions, move || {
        let (handle, model) = (handle.clone(), model.clone());
        start(move || model(Shared::new(Config::default(), handle, 1))).join().unwrap();
    });
}

/// A system, and the one agent in it.
pub(super) struct World {
    pub(super) shared: Arc<Shared>,
    /// What happens to the agent.
    pub(super) state: Arc<State>,
    pub(super) agent: AgentRef<Probe>,
}

/// Notes what happens to it.
pub(super) struct Probe(Arc<State>);

/// Noted when `on_exit` runs.
pub(super) const EXIT: u32 = 100;
/// Noted when the agent is dropped.
pub(super) const DROPPED: u32 = 101;

impl Probe {
    pub(super) fn new(state: &Arc<State>) -> Self {
        Self(Arc::clone(state))
    }
}

impl Agent for Probe {
    async fn on_exit(&mut self, _reason: &Reason, _context: &mut Context<Self>) {
        self.0.note(EXIT);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.note(DROPPED);
    }
}

/// Is noted, and answered with what is noted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note(pub(super) u32);

impl Message for Note {
    type Reply = u32;
}

impl Handler<Note> for Probe {
    async fn handle(&mut self, Note(what): Note, _context: &mut Context<Self>) -> u32 {
        self.0.note(what);
        what
    }
}

/// Waits in the middle of its handler, until the gate is opened; then it is noted.
pub(super) struct Wait(pub(super) Arc<Gate>);

/// Noted by a handler that waited.
pub(super) const PASSED: u32 = 102;

impl Message for Wait {
    type Reply = u32;
}

impl Handler<Wait> for Probe {
    async fn handle(&mut self, Wait(gate): Wait, _context: &mut Context<Self>) -> u32 {
        gate.pass().await;
        self.0.note(PASSED);
        PASSED
    }
}

/// Leaves its answer to somebody else.
pub(super) struct Defer(pub(super) Arc<Mutex<Option<ReplyTo<u32>>>>);

impl Message for Defer {
    type Reply = u32;
}

impl Handler<Defer> for Probe {
    async fn handle(&mut self, Defer(place): Defer, context: &mut Context<Self>) -> u32 {
        context.reply_later(|reply| *lock(&place) = Some(reply)).await
    }
}

/// Makes a handle of its own agent.
pub(super) struct Keep(pub(super) Arc<Mutex<Option<AgentRef<Probe>>>>);

impl Message for Keep {
    type Reply = ();
}

impl Handler<Keep> for Probe {
    async fn handle(&mut self, Keep(place): Keep, context: &mut Context<Self>) {
        *lock(&place) = Some(context.handle());
    }
}

/// Something that a handler waits for.
#[derive(Default)]
pub(super) struct Gate(Mutex<(bool, Option<Waker>)>);

impl Gate {
    async fn pass(&self) {
        poll_fn(|context| {
            let mut gate = lock(&self.0);
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    pub(super) fn open(&self) {
        let waker = {
            let mut gate = lock(&self.0);
            gate.0 = true;
            gate.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

struct Init;

impl World {
    fn new(shared: Arc<Shared>, mailbox: Mailbox) -> Self {
        let state = Arc::new(State::new());
        let probe = Probe::new(&state);
        let cell = Cell::new(Some(probe), AgentId::next(), Arc::clone(&shared), mailbox, None);
        let run = |_: &'static mut Probe, Init, context: &'static mut Context<Probe>| async {
            context.cell().init_ended(&Ok(()));
        };
        assert!(matches!(cell.first_turn(Init, run), Lent::Given(())));
        Self { shared, state, agent: AgentRef::counted(cell) }
    }

    /// The same with one more handle, for another thread.
    pub(super) fn share(&self) -> Self {
        let (shared, state) = (Arc::clone(&self.shared), Arc::clone(&self.state));
        Self { shared, state, agent: self.agent.clone() }
    }

    /// Runs what is queued, as a carrier would.
    pub(super) fn run(&self) {
        run(&self.shared);
    }

    /// Drops the handle, then runs what is queued.
    pub(super) fn leave(self) {
        let Self { shared, agent, .. } = self;
        drop(agent);
        run(&shared);
    }

    pub(super) fn lend<M: Message>(&self, message: M) -> Result<Lent<M::Reply>, M>
    where
        Probe: Handler<M>,
    {
        self.agent.cell.lend(message, <Probe as Handler<M>>::handle)
    }

    /// Leaves a call in the inbox. What returns is where the answer will come.
    pub(super) fn post<M: Message>(
        &self,
        message: M,
    ) -> Result<oneshot::Receiver<Answered<M::Reply>>, CastError<M>>
    where
        Probe: Handler<M>,
    {
        let (sender, receiver) = oneshot::channel();
        let ends = tokio::time::Instant::now() + Config::default().call_deadline;
        self.agent.post(message, Answer::To(sender), Some(ends), false)?;
        Ok(receiver)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state.count(DROPPED) == 1
    }

    /// Why the agent ended. It has to have.
    pub(super) fn end(&self) -> Reason {
        self.run();
        assert!(self.agent.has_ended() && self.has_ended(), "it lives: {:?}", self.state.notes());
        let owner = self.agent.cell.owner();
        let has_told = owner.is_none_or(|owner| owner.has_ended());
        assert!(has_told, "it was dropped and did not end");
        self.agent.cell.reason()
    }
}

pub(super) fn run(shared: &Shared) {
    while let Some((agent, _)) = shared.queue.pop() {
        agent.run();
    }
}

/// The answer, if it has come.
pub(super) fn answer_now(
    receiver: &mut oneshot::Receiver<Answered<u32>>,
) -> Option<Result<Answered<u32>, oneshot::error::RecvError>> {
    pause();
    let mut context = std::task::Context::from_waker(Waker::noop());
    match Pin::new(receiver).poll(&mut context) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

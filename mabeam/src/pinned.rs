//! Agents that are bound to a thread of their own: because their state is not [`Send`] (an interpreter
//! under a lock of its own, a device's context, an [`Rc`](std::rc::Rc)), or because they block.
//!
//! Owns what a user writes for such an agent, and its place in a cell. Promises that state is made,
//! used and dropped on that one thread, and so is every future of its handlers, however the agent
//! ends. Leaves the order of things to the [cell](crate::kernel::cell), as for any agent.
//!
//! | file | owns |
//! |---|---|
//! | [`local`] | why that is sound: a value that only its own thread can touch |
//! | [`home`] | the thread, and when it ends |
//! | [`spawn`] | the beginning |

use std::mem;

use foundation::owner::{Down, Reason};

use self::home::Line;
use self::local::Local;
use crate::{Agent, Context, Handler, LinkedExit, Message};

mod home;
mod local;
mod spawn;

pub use self::spawn::SpawnPinned;

/// What makes a pinned agent, on its thread. Comes back if the agent did not come to life.
pub type Factory<A> = Box<dyn FnOnce() -> A + Send>;

/// An agent that lives on a thread of its own, and need not be [`Send`]. As [`Agent`] otherwise: all
/// hooks have defaults, so `impl LocalAgent for T {}` is enough.
///
/// From [`System::spawn_pinned`](crate::System::spawn_pinned), which is given what makes it. Handles
/// are of type `AgentRef<Pinned<T>>` and are used like any others, from any thread; messages and
/// replies are [`Send`], only what stays with the agent need not be.
///
/// ```
/// use std::rc::Rc;
///
/// use mabeam::{Config, Context, LocalAgent, LocalHandler, Message, Pinned, System};
///
/// struct Tally { seen: Rc<Vec<String>> }
/// impl LocalAgent for Tally {}
///
/// struct See(String);
/// impl Message for See { type Reply = usize; }
/// impl LocalHandler<See> for Tally {
///     async fn handle(&mut self, See(what): See, _context: &mut Context<Pinned<Self>>) -> usize {
///         Rc::make_mut(&mut self.seen).push(what);
///         self.seen.len()
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), mabeam::Error> {
/// let system = System::new(Config::default())?;
/// let tally = system.spawn_pinned(|| Tally { seen: Rc::default() }).await?;
/// assert_eq!(tally.call(See("a".into())).await?, 1);
/// # Ok(())
/// # }
/// ```
///
/// # What it may do
///
/// - Block, as long as it likes: that holds up its own mail and nobody else. An agent that is to end
///   ends when it comes back; one that never does is reported by
///   [`System::shutdown`](crate::System::shutdown), and keeps no process from exiting.
/// - Use all of tokio: its thread is within the runtime's context. It is none of the runtime's workers:
///   [`spawn_local`](https://docs.rs/tokio/latest/tokio/task/fn.spawn_local.html) needs a `LocalSet` of
///   its own.
/// - Call other agents. Neither they run on its thread nor it on theirs, so a call between them always
///   costs a switch of threads.
///
/// On a `current_thread` runtime all of this holds while that runtime is being driven
/// (`Runtime::block_on`). While it is not, messages and blocking still work; timers and sockets stand
/// still, as they do for everybody.
///
/// # Cost
///
/// A thread with its stack (2 MiB reserved, of which it keeps what it touched), and an allocation for
/// each message that is handled. As many as the operating system grants,
/// [`Config::max_agents`](crate::Config::max_agents) at most.
///
/// # When the runtime ends
///
/// The thread outlasts it by as long as it takes to end the agent: what waits is dropped, then its
/// state, there, with [`Reason::Shutdown`]. One whose handler is being polled at that moment may
/// instead find its timers gone, which panics, and end for that reason.
pub trait LocalAgent: Sized + 'static {
    /// As [`Agent::init`]. Runs after the agent was made, on the same thread.
    fn init(
        &mut self,
        _context: &mut Context<Pinned<Self>>,
    ) -> impl Future<Output = Result<(), Reason>> {
        async { Ok(()) }
    }

    /// As [`Agent::on_exit`]. What blocks in it is waited for beyond its deadline.
    fn on_exit(
        &mut self,
        _reason: &Reason,
        _context: &mut Context<Pinned<Self>>,
    ) -> impl Future<Output = ()> {
        async {}
    }

    /// As [`Agent::on_down`].
    fn on_down(
        &mut self,
        _down: Down,
        _context: &mut Context<Pinned<Self>>,
    ) -> impl Future<Output = ()> {
        async {}
    }

    /// As [`Agent::on_linked_exit`].
    fn on_linked_exit(
        &mut self,
        _exit: LinkedExit,
        _context: &mut Context<Pinned<Self>>,
    ) -> impl Future<Output = ()> {
        async {}
    }
}

/// A pinned agent's way with one type of message: as [`Handler`], but the future need not be [`Send`].
pub trait LocalHandler<M: Message>: LocalAgent {
    /// Handles one message. A panic ends the agent with [`Reason::Panic`], never its caller.
    fn handle(
        &mut self,
        message: M,
        context: &mut Context<Pinned<Self>>,
    ) -> impl Future<Output = M::Reply>;
}

/// A [`LocalAgent`] as others know it: an [`Agent`] that handles what `A` handles. Only
/// [`System::spawn_pinned`](crate::System::spawn_pinned) makes one.
pub struct Pinned<A: LocalAgent> {
    state: State<A>,
    /// Keeps the thread. After `state`: the thread is there until that is dropped.
    _line: Line,
}

enum State<A> {
    /// On its way to its thread.
    Planned(Factory<A>),
    Made(Local<A>),
    /// The factory runs, or has panicked.
    Unmade,
}

impl<A: LocalAgent> Pinned<A> {
    fn new(factory: Factory<A>, line: Line) -> Self {
        Self { state: State::Planned(factory), _line: line }
    }

    /// What would have made it, of one that did not come to life.
    fn into_factory(self) -> Factory<A> {
        let State::Planned(factory) = self.state else { unreachable!("it never ran") };
        factory
    }

    /// Makes the agent, and binds it to this thread.
    fn make(&mut self) {
        if let State::Planned(factory) = mem::replace(&mut self.state, State::Unmade) {
            self.state = State::Made(Local::new(factory()));
        }
    }

    /// The agent. Panics away from its thread, where nobody calls this.
    fn agent(&mut self) -> &mut A {
        let State::Made(agent) = &mut self.state else { unreachable!("it is made in `init`") };
        agent.get_mut()
    }
}

/// Each hook is called, and its future polled and dropped, by the cell, which the thread runs. So each
/// future is bound to the thread that calls the hook.
impl<A: LocalAgent> Agent for Pinned<A> {
    fn init(
        &mut self,
        context: &mut Context<Self>,
    ) -> impl Future<Output = Result<(), Reason>> + Send {
        self.make();
        Local::new(Box::pin(self.agent().init(context)))
    }

    fn on_exit(
        &mut self,
        reason: &Reason,
        context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        Local::new(Box::pin(self.agent().on_exit(reason, context)))
    }

    fn on_down(
        &mut self,
        down: Down,
        context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        Local::new(Box::pin(self.agent().on_down(down, context)))
    }

    fn on_linked_exit(
        &mut self,
        exit: LinkedExit,
        context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        Local::new(Box::pin(self.agent().on_linked_exit(exit, context)))
    }
}

impl<A: LocalHandler<M>, M: Message> Handler<M> for Pinned<A> {
    fn handle(
        &mut self,
        message: M,
        context: &mut Context<Self>,
    ) -> impl Future<Output = M::Reply> + Send {
        Local::new(Box::pin(self.agent().handle(message, context)))
    }
}

//! What a user writes: agents, messages and handlers.

use foundation::owner::{Down, Reason};

use crate::Context;

/// Something that lives, has a state of its own and handles messages one at a time.
///
/// All hooks have defaults, so `impl Agent for T {}` is enough. While a hook or a handler waits in an
/// `.await`, nothing else of the agent runs: its mail waits, in order.
pub trait Agent: Sized + Send + 'static {
    /// Runs before the first message; the spawner is answered when it has ended. An agent whose `init`
    /// fails ends with that reason, without [`on_exit`](Self::on_exit).
    fn init(
        &mut self,
        _context: &mut Context<Self>,
    ) -> impl Future<Output = Result<(), Reason>> + Send {
        async { Ok(()) }
    }

    /// Runs once when the agent ends, unless it was killed, went above its memory limit or panicked:
    /// then its state may be half changed. Nothing new comes in any more. Has the system's
    /// [`exit_deadline`](crate::Config::exit_deadline); what it still does then is dropped.
    fn on_exit(
        &mut self,
        _reason: &Reason,
        _context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Hears of the end of an agent that this one [monitors](Context::monitor). Comes in order with
    /// the mail, and also if the mailbox is full.
    fn on_down(
        &mut self,
        _down: Down,
        _context: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Something that can be sent to an agent.
pub trait Message: Send + 'static {
    /// What a caller gets; `()` if there is nothing to say.
    type Reply: Send + 'static;
}

/// An agent's way with one type of message.
///
/// Write it as an `async fn`. A handler that never waits is run by its caller's thread, without any
/// switch of tasks; one that waits is suspended and resumed by its own wake.
pub trait Handler<M: Message>: Agent {
    /// Handles one message. A panic ends the agent with [`Reason::Panic`], never its caller.
    fn handle(
        &mut self,
        message: M,
        context: &mut Context<Self>,
    ) -> impl Future<Output = M::Reply> + Send;
}

//! Calls by threads outside of the runtime.

use std::future::poll_fn;
use std::time::{Duration, Instant};

use foundation::park;
use tokio::runtime::Handle;

use crate::call::Wait;
use crate::wait::FAR;
use crate::{Agent, AgentRef, CallError, Handler, Message};

impl<A: Agent> AgentRef<A> {
    /// Calls the agent from a thread that may be blocked: parks it until the answer is there, at most
    /// until the deadline, which also holds if the runtime does not run or is gone.
    ///
    /// For threads outside of the runtime, and only for these: where one can be reached
    /// ([`Handle::try_current`]), which includes `spawn_blocking`, the call fails at once with
    /// [`WithinAsync`](CallError::WithinAsync) and gives the message back. Await a [call](Self::call)
    /// there. Other errors are those of a call, and so is what becomes of a handler whose caller gave
    /// up. The handler never runs on this thread. `cast` needs no blocking form: it does not wait.
    ///
    /// Costs the wake of a thread of the runtime and that of this one.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use mabeam::{Agent, Config, Context, Handler, Message, System};
    /// # struct Doubler;
    /// # impl Agent for Doubler {}
    /// # struct Double(u64);
    /// # impl Message for Double { type Reply = u64; }
    /// # impl Handler<Double> for Doubler {
    /// #     async fn handle(&mut self, Double(n): Double, _: &mut Context<Self>) -> u64 { 2 * n }
    /// # }
    /// let system = System::new(Config::default())?;
    /// let doubler = system.block_on(async { system.spawn(Doubler).await })?;
    /// assert_eq!(doubler.call_blocking(Double(21), Duration::from_secs(5))?, 42);
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn call_blocking<M: Message>(
        &self,
        message: M,
        deadline: Duration,
    ) -> Result<M::Reply, CallError<M>>
    where
        A: Handler<M>,
    {
        if Handle::try_current().is_ok() {
            return Err(CallError::WithinAsync { message, agent: self.id() });
        }
        let ends = Instant::now() + deadline.min(FAR);
        let mut call = Wait::new(self, message, deadline);
        // The thread keeps the time: the runtime's timers may not run.
        let answer = park::until(ends, poll_fn(|context| call.as_mut().poll_untimed(context)));
        answer.unwrap_or_else(|| Err(call.as_mut().give_up()))
    }
}

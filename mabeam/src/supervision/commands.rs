//! What a running supervisor can be asked: to start, stop, restart and forget children, and what there
//! are.

use std::sync::Arc;
use std::time::Duration;

use foundation::owner::Reason;
use thiserror::Error;

use super::Supervisor;
use super::child::{Child, Plan};
use super::driver::{Started, Stopped};
use super::engine::{AddError, ChildError, ChildId, Status};
use crate::{Agent, AgentId, AgentRef, AnyAgent, CallError, Context, Handler, Message, SpawnError};

/// Names a child of a supervisor: by its [label](Child::label), its agent, or its place in the start
/// order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhichChild {
    /// The child with this label.
    Label(Arc<str>),
    /// The child that this agent is.
    Agent(AgentId),
    /// The child that the supervisor numbered so.
    Id(ChildId),
}

/// What is known of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its label.
    pub label: Option<Arc<str>>,
    /// Its agent, if it is not stopped.
    pub agent: Option<AgentId>,
    /// The name of its agent's type.
    pub type_name: &'static str,
    /// How it is at the moment.
    pub status: Status,
    /// How often it was started.
    pub starts: u64,
}

/// Failed to start a child.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartChildError {
    /// The supervisor takes no such child.
    #[error(transparent)]
    Add(#[from] AddError),
    /// Another child has the label.
    #[error("another child is labelled `{label}`")]
    LabelTaken {
        /// The label.
        label: Arc<str>,
    },
    /// The child is none of this supervisor, or not stopped.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// It could not be spawned: its name is taken, or the system is full.
    #[error(transparent)]
    Spawn(SpawnError),
    /// It was made and ended before it was up.
    #[error("it ended before it was up: {reason}")]
    Ended {
        /// Why.
        reason: Reason,
    },
    /// It was stopped before it was up.
    #[error("it was stopped before it was up")]
    Ending,
    /// The supervisor did not answer.
    #[error("the supervisor did not answer: {0}")]
    Supervisor(CallError<()>),
}

/// A command to a supervisor failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChildCommandError {
    /// It can't be done to that child.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The supervisor did not answer.
    #[error("the supervisor did not answer: {0}")]
    Supervisor(CallError<()>),
}

struct StartChild(Box<dyn Plan>);
struct StopChild {
    which: WhichChild,
    /// Whether to forget it then.
    forgets: bool,
    /// How long it may go on with what it has, if it may.
    drains: Option<Duration>,
}
struct RestartChild(WhichChild);
struct DeleteChild(WhichChild);
struct GetChild(WhichChild);
struct ListChildren;

/// Commands to a supervisor. Each waits as long as a [call](AgentRef::call) does, except that a child may
/// take its time to start or stop.
impl AgentRef<Supervisor> {
    /// Starts a further child, after all others in start order, and returns it when it is up.
    pub async fn start_child<A: Agent>(
        &self,
        child: Child<A>,
    ) -> Result<AgentRef<A>, StartChildError> {
        let started = self.call(StartChild(Box::new(child))).deadline(crate::wait::FAR).await;
        let agent = started.map_err(|error| StartChildError::Supervisor(error.map(drop)))??;
        agent.downcast().ok_or(StartChildError::Ending)
    }

    /// Stops a child, as its [shutdown](Child::shutdown) says, and returns when it is gone. It stays
    /// among the children, and can be [restarted](Self::restart_child), unless it is temporary.
    pub async fn stop_child(&self, child: impl Into<WhichChild>) -> Result<(), ChildCommandError> {
        let which = child.into();
        self.command(StopChild { which, forgets: false, drains: None }).await
    }

    /// Stops a child and forgets it.
    pub async fn remove_child(
        &self,
        child: impl Into<WhichChild>,
    ) -> Result<(), ChildCommandError> {
        let which = child.into();
        self.command(StopChild { which, forgets: true, drains: None }).await
    }

    /// [Drains](AgentRef::drain) a child and forgets it; kills it if it has not ended by `deadline`. What
    /// it leaves then is a dead letter. What comes while it is between two incarnations, too.
    pub async fn drain_child(
        &self,
        child: impl Into<WhichChild>,
        deadline: Duration,
    ) -> Result<(), ChildCommandError> {
        let which = child.into();
        self.command(StopChild { which, forgets: true, drains: Some(deadline) }).await
    }

    /// Starts a child that is stopped, as a new agent, and returns that when it is up.
    pub async fn restart_child(
        &self,
        child: impl Into<WhichChild>,
    ) -> Result<AnyAgent, StartChildError> {
        let restarted = self.call(RestartChild(child.into())).deadline(crate::wait::FAR).await;
        restarted.map_err(|error| StartChildError::Supervisor(error.map(drop)))?
    }

    /// Forgets a child that is stopped.
    pub async fn delete_child(
        &self,
        child: impl Into<WhichChild>,
    ) -> Result<(), ChildCommandError> {
        self.command(DeleteChild(child.into())).await
    }

    /// The agent of a child. `None` if there is no such child, if it is stopped, or if its agent is no
    /// `A`.
    pub async fn child<A: Agent>(
        &self,
        child: impl Into<WhichChild>,
    ) -> Result<Option<AgentRef<A>>, ChildCommandError> {
        let agent = self.call(GetChild(child.into())).await;
        let agent = agent.map_err(|error| ChildCommandError::Supervisor(error.map(drop)))?;
        Ok(agent.and_then(|agent| agent.downcast()))
    }

    /// What is known of each child, in start order.
    pub async fn children(&self) -> Result<Vec<ChildInfo>, ChildCommandError> {
        let list = self.call(ListChildren).await;
        list.map_err(|error| ChildCommandError::Supervisor(error.map(drop)))
    }

    async fn command<M>(&self, command: M) -> Result<(), ChildCommandError>
    where
        M: Message<Reply = Stopped>,
        Supervisor: Handler<M>,
    {
        let done = self.call(command).deadline(crate::wait::FAR).await;
        Ok(done.map_err(|error| ChildCommandError::Supervisor(error.map(drop)))??)
    }
}

impl Message for StartChild {
    type Reply = Started;
}

impl Handler<StartChild> for Supervisor {
    async fn handle(
        &mut self,
        StartChild(plan): StartChild,
        context: &mut Context<Self>,
    ) -> Started {
        let driver = self.driver().ok_or(StartChildError::Ending)?;
        let child = driver.add(plan)?;
        context.reply_later(|reply| self.await_start(child, reply)).await
    }
}

impl Message for RestartChild {
    type Reply = Started;
}

impl Handler<RestartChild> for Supervisor {
    async fn handle(
        &mut self,
        RestartChild(which): RestartChild,
        context: &mut Context<Self>,
    ) -> Started {
        let driver = self.driver().ok_or(StartChildError::Ending)?;
        let child = driver.restart_child(&which)?;
        context.reply_later(|reply| self.await_start(child, reply)).await
    }
}

impl Message for StopChild {
    type Reply = Stopped;
}

impl Handler<StopChild> for Supervisor {
    async fn handle(
        &mut self,
        StopChild { which, forgets, drains }: StopChild,
        context: &mut Context<Self>,
    ) -> Stopped {
        let keep = |reply| {
            if let Some(driver) = self.driver() {
                driver.stop_child(&which, forgets, drains, reply);
                driver.set_alarm();
            }
        };
        context.reply_later(keep).await
    }
}

impl Message for DeleteChild {
    type Reply = Stopped;
}

impl Handler<DeleteChild> for Supervisor {
    async fn handle(&mut self, DeleteChild(which): DeleteChild, _: &mut Context<Self>) -> Stopped {
        self.driver().ok_or(ChildError::Ending)?.delete_child(&which)
    }
}

impl Message for GetChild {
    type Reply = Option<AnyAgent>;
}

impl Handler<GetChild> for Supervisor {
    async fn handle(
        &mut self,
        GetChild(which): GetChild,
        _: &mut Context<Self>,
    ) -> Option<AnyAgent> {
        self.driver()?.agent(&which)
    }
}

impl Message for ListChildren {
    type Reply = Vec<ChildInfo>;
}

impl Handler<ListChildren> for Supervisor {
    async fn handle(
        &mut self,
        ListChildren: ListChildren,
        _: &mut Context<Self>,
    ) -> Vec<ChildInfo> {
        self.driver().map(|driver| driver.list()).unwrap_or_default()
    }
}

impl From<&str> for WhichChild {
    fn from(label: &str) -> Self {
        Self::Label(label.into())
    }
}

impl From<AgentId> for WhichChild {
    fn from(agent: AgentId) -> Self {
        Self::Agent(agent)
    }
}

impl From<ChildId> for WhichChild {
    fn from(child: ChildId) -> Self {
        Self::Id(child)
    }
}

impl<A: Agent> From<&AgentRef<A>> for WhichChild {
    fn from(agent: &AgentRef<A>) -> Self {
        Self::Agent(agent.id())
    }
}

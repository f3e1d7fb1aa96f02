//! Carries out what the engine decides: the children's agents, and the clock.
//!
//! Owns the agents of the children, the tokens of those that are down, and the timers. When it is
//! dropped, all children end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use foundation::owner::Reason;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::child::Plan;
use super::ear::{Ear, Note};
use super::engine::{
    Action, ChildError, ChildId, End, Engine, Exit, Flags, Incarnation, Shutdown, Status,
};
use super::{ChildInfo, StartChildError, WhichChild};
use crate::kernel::revival::Downed;
use crate::system::Shared;
use crate::wait::FAR;
use crate::{AgentId, AnyAgent, ReplyTo, SystemEvent};

/// What whoever starts a child waits for.
pub(super) type Started = Result<AnyAgent, StartChildError>;
/// What whoever stops a child waits for.
pub(super) type Stopped = Result<(), ChildError>;

/// See the module's page.
pub(super) struct Driver {
    engine: Engine,
    children: BTreeMap<ChildId, Record>,
    labels: HashMap<Arc<str>, ChildId>,
    agents: HashMap<AgentId, ChildId>,
    timers: BTreeSet<(Instant, Due, Incarnation)>,
    /// Rings when the first of the timers is due.
    alarm: Option<(Instant, AbortHandle)>,
    ear: Arc<Ear>,
    system: Arc<Shared>,
    /// The supervisor.
    own: AgentId,
    began: Instant,
    /// The children that it began with are up.
    pub(super) is_ready: bool,
    /// No child is left.
    pub(super) ended: Option<End>,
}

/// What is due at a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// It was to have stopped by now.
    Kill,
    /// It has waited long enough for its restart.
    Restart,
    /// It is put to sleep if it has had nothing to do since it was last looked at.
    Sleep,
}

struct Record {
    plan: Box<dyn Plan>,
    incarnation: Incarnation,
    /// Its identity, from its first start until it is stopped for good.
    agent: Option<AnyAgent>,
    /// Between two incarnations.
    downed: Option<Downed>,
    is_up: bool,
    /// How many messages it had handled when it was last looked at.
    handled: u64,
    /// When it is killed if it is not down by then.
    kill_at: Option<Instant>,
    /// Why it could not be started, or ended last.
    problem: Option<StartChildError>,
    starting: Option<ReplyTo<Started>>,
    stopping: Vec<ReplyTo<Stopped>>,
    /// How long it may go on with what it has when it is stopped.
    drains: Option<Duration>,
    /// Forgotten when it has stopped.
    is_unwanted: bool,
}

impl Driver {
    pub(super) fn new(flags: Flags, ear: Arc<Ear>, system: Arc<Shared>, own: AgentId) -> Self {
        Self {
            engine: Engine::new(flags),
            children: BTreeMap::new(),
            labels: HashMap::new(),
            agents: HashMap::new(),
            timers: BTreeSet::new(),
            alarm: None,
            ear,
            system,
            own,
            began: Instant::now(),
            is_ready: false,
            ended: None,
        }
    }

    /// Adds a child; before [`start`](Self::start), one of those to begin with. [`act`](Self::act) after
    /// it.
    pub(super) fn add(&mut self, plan: Box<dyn Plan>) -> Result<ChildId, StartChildError> {
        let label = plan.label().cloned();
        if let Some(label) = label.as_ref().filter(|&label| self.labels.contains_key(label)) {
            return Err(StartChildError::LabelTaken { label: Arc::clone(label) });
        }
        let child = self.engine.add(plan.spec())?;
        if let Some(label) = label {
            self.labels.insert(label, child);
        }
        self.children.insert(child, Record::new(plan, child));
        Ok(child)
    }

    pub(super) fn start(&mut self) {
        self.engine.start();
        self.act();
    }

    pub(super) fn shut_down(&mut self) {
        self.engine.shut_down();
        self.act();
    }

    /// Tells `reply` when the child, which was just added or restarted, has started, or why it did not.
    pub(super) fn tell_start(&mut self, child: ChildId, reply: ReplyTo<Started>) {
        if let Some(record) = self.children.get_mut(&child) {
            record.starting = Some(reply);
        }
    }

    /// Stops a child, after what it has to do yet if it `drains`, and forgets it if that is wanted; tells
    /// `reply` when it is gone.
    pub(super) fn stop_child(
        &mut self,
        which: &WhichChild,
        forget: bool,
        drains: Option<Duration>,
        reply: ReplyTo<Stopped>,
    ) {
        let stopped = self.find(which).and_then(|child| {
            self.engine.stop_child(child)?;
            Ok(child)
        });
        match stopped {
            Ok(child) => {
                if let Some(record) = self.children.get_mut(&child) {
                    record.stopping.push(reply);
                    record.is_unwanted |= forget;
                    record.drains = drains;
                }
                self.act();
                if let Some(record) = self.children.get_mut(&child) {
                    // One that was not to be stopped any more has nothing to drain.
                    record.drains = None;
                }
                self.settle(child);
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    pub(super) fn restart_child(&mut self, which: &WhichChild) -> Result<ChildId, ChildError> {
        let child = self.find(which)?;
        self.engine.restart_child(child)?;
        Ok(child)
    }

    pub(super) fn delete_child(&mut self, which: &WhichChild) -> Stopped {
        let child = self.find(which)?;
        self.engine.delete_child(child)?;
        self.act();
        Ok(())
    }

    /// The agent of a child, if it has one.
    pub(super) fn agent(&self, which: &WhichChild) -> Option<AnyAgent> {
        let child = self.find(which).ok()?;
        self.children.get(&child)?.agent.clone()
    }

    /// What is known of each child, in start order.
    pub(super) fn list(&self) -> Vec<ChildInfo> {
        let info = |(incarnation, status): (Incarnation, Status)| {
            let record = self.children.get(&incarnation.child)?;
            Some(ChildInfo {
                label: record.plan.label().cloned(),
                agent: record.agent.as_ref().map(AnyAgent::id),
                type_name: record.plan.type_name(),
                status,
                starts: record.incarnation.number,
            })
        };
        self.engine.children().filter_map(info).collect()
    }

    /// Takes in what was heard and what is due.
    pub(super) fn look(&mut self) {
        for note in self.ear.take() {
            self.hear(note);
        }
        let now = Instant::now();
        while let Some((at, due, incarnation)) = self.timers.pop_first() {
            if at > now {
                self.timers.insert((at, due, incarnation));
                break;
            }
            match due {
                Due::Restart => self.engine.backoff_over(incarnation),
                Due::Kill => self.kill(incarnation),
                Due::Sleep => self.put_to_sleep(incarnation),
            }
            self.act();
        }
    }

    /// Looks, again and again, until `is_over`.
    pub(super) async fn run(&mut self, is_over: impl Fn(&Self) -> bool) {
        let ear = Arc::clone(&self.ear);
        loop {
            self.look();
            if is_over(self) {
                return;
            }
            let heard = ear.heard.notified();
            match self.timers.first() {
                Some(&(at, ..)) => drop(timeout_at(at, heard).await),
                None => heard.await,
            }
        }
    }

    /// Sees to it that the supervisor looks when something is due.
    pub(super) fn set_alarm(&mut self) {
        let first = self.timers.first().map(|&(at, ..)| at);
        if self.alarm.as_ref().map(|(at, _)| *at) == first {
            return;
        }
        if let Some((_, alarm)) = self.alarm.take() {
            alarm.abort();
        }
        if let Some(at) = first {
            let ear = Arc::clone(&self.ear);
            let ring = async move {
                let _ = timeout_at(at, pending::<()>()).await;
                ear.call();
            };
            self.alarm = Some((at, self.system.runtime.spawn(ring).abort_handle()));
        }
    }

    /// Why a child could not be started, in words.
    pub(super) fn problem(&self, child: ChildId) -> String {
        let record = self.children.get(&child);
        let problem = record.and_then(|record| record.problem.as_ref());
        problem.map_or_else(|| "it was not started".to_owned(), ToString::to_string)
    }

    /// What a child is called in reports.
    pub(super) fn label(&self, child: ChildId) -> String {
        match self.children.get(&child) {
            Some(Record { plan, .. }) => match plan.label() {
                Some(label) => format!("`{label}`"),
                None => format!("{child} ({})", plan.type_name()),
            },
            None => child.to_string(),
        }
    }

    /// Carries out what the engine has decided.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.engine.next_action() {
            match action {
                Action::Start(incarnation) => self.start_one(incarnation),
                Action::Stop(incarnation, shutdown) => self.stop_one(incarnation, shutdown),
                Action::Later(incarnation, after) => {
                    let at = Instant::now() + after.min(FAR);
                    self.timers.insert((at, Due::Restart, incarnation));
                }
                Action::Forget(child) => self.forget(child),
                Action::Ready => self.is_ready = true,
                Action::End(end) => self.ended = Some(end),
            }
        }
    }

    fn find(&self, which: &WhichChild) -> Result<ChildId, ChildError> {
        let found = match which {
            WhichChild::Label(label) => self.labels.get(label),
            WhichChild::Agent(agent) => self.agents.get(agent),
            WhichChild::Id(child) => Some(child),
        };
        found.copied().ok_or(ChildError::Unknown)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn start_one(&mut self, incarnation: Incarnation) {
        let child = incarnation.child;
        let Some(record) = self.children.get_mut(&child) else { return };
        record.incarnation = incarnation;
        record.is_up = false;
        if let Some(downed) = record.downed.take() {
            return downed.revive();
        }
        match record.plan.settle(&self.system, self.own, self.ear.of(child)) {
            Ok(agent) => {
                self.agents.insert(agent.id(), child);
                let downed = Downed::new(Arc::clone(&agent.0));
                record.agent = Some(agent);
                downed.revive();
            }
            Err(error) => {
                record.problem = Some(StartChildError::Spawn(error));
                self.engine.start_failed(incarnation, self.began.elapsed());
                self.settle(child);
            }
        }
    }

    fn stop_one(&mut self, incarnation: Incarnation, shutdown: Shutdown) {
        let Some(record) = self.children.get_mut(&incarnation.child) else { return };
        let Some(agent) = &record.agent else { return };
        let drains = record.drains.take();
        match drains.map_or(shutdown, Shutdown::Within) {
            Shutdown::Kill => agent.kill(),
            Shutdown::Wait => agent.stop(Reason::Shutdown),
            Shutdown::Within(time) => {
                match drains {
                    Some(_) => Arc::clone(&agent.0).drain(),
                    None => agent.stop(Reason::Shutdown),
                }
                let at = Instant::now() + time.min(FAR);
                record.kill_at = Some(at);
                self.timers.insert((at, Due::Kill, incarnation));
            }
        }
    }

    fn kill(&self, incarnation: Incarnation) {
        let record = self.children.get(&incarnation.child);
        if let Some(record) = record.filter(|record| record.incarnation == incarnation)
            && let Some(agent) = record.agent.as_ref().filter(|_| record.downed.is_none())
        {
            agent.kill();
        }
    }

    fn put_to_sleep(&mut self, incarnation: Incarnation) {
        let record = self.children.get_mut(&incarnation.child);
        let record = record.filter(|record| record.incarnation == incarnation && record.is_up);
        if let Some(record) = record
            && let (Some(agent), Some(after)) = (&record.agent, record.plan.sleeps_after())
        {
            let handled = agent.handled();
            if handled == record.handled {
                Arc::clone(&agent.0).doze();
            }
            record.handled = handled;
            self.timers.insert((Instant::now() + after.min(FAR), Due::Sleep, incarnation));
        }
    }

    fn hear(&mut self, note: Note) {
        let now = self.now();
        let (child, downed, reason) = match note {
            Note::Up(child) => return self.is_up(child),
            Note::Down(child, downed, reason) => (child, downed, reason),
        };
        // One that was forgotten ends as its token is dropped.
        let Some(record) = self.children.get_mut(&child) else { return };
        let incarnation = record.incarnation;
        if let Some(at) = record.kill_at.take() {
            self.timers.remove(&(at, Due::Kill, incarnation));
        }
        record.downed = Some(downed);
        // Whoever asked for this end has it, also if a sibling's failure brings the child back.
        let stopped = std::mem::take(&mut record.stopping);
        let exit = if reason.is_intended() { Exit::Normal } else { Exit::Abnormal };
        record.problem = Some(StartChildError::Ended { reason });
        if std::mem::take(&mut record.is_up) {
            self.engine.exited(incarnation, exit, now);
        } else {
            self.engine.start_failed(incarnation, now);
        }
        self.act();
        self.settle(child);
        for reply in stopped {
            let _ = reply.send(Ok(()));
        }
    }

    fn is_up(&mut self, child: ChildId) {
        let Some(record) = self.children.get_mut(&child) else { return };
        let was_up = std::mem::replace(&mut record.is_up, true);
        let incarnation = record.incarnation;
        if let Some(after) = record.plan.sleeps_after().filter(|_| !was_up) {
            self.timers.insert((Instant::now() + after.min(FAR), Due::Sleep, incarnation));
        }
        if let (Some(reply), Some(agent)) = (record.starting.take(), &record.agent) {
            drop(reply.send(Ok(agent.clone())));
        }
        if let (false, Some(agent), Some(StartChildError::Ended { reason })) =
            (was_up, &record.agent, &record.problem)
            && let Some(incarnation) = agent.0.incarnation().filter(|incarnation| *incarnation > 1)
        {
            let (agent, name, reason) = (agent.id(), agent.0.name().cloned(), reason.clone());
            self.system.announce(SystemEvent::Restarted { agent, name, incarnation, reason });
        }
        self.engine.started(incarnation, self.now());
        self.act();
    }

    /// Lets the agent of a child go that is not to be started again, and tells those who wait for that.
    fn settle(&mut self, child: ChildId) {
        if self.engine.status(child) != Some(Status::Stopped) {
            return;
        }
        if let Some(record) = self.children.get_mut(&child) {
            let agent = record.agent.take();
            drop(record.downed.take());
            if let Some(agent) = agent {
                self.agents.remove(&agent.id());
            }
            record.answer();
            if record.is_unwanted && self.engine.delete_child(child).is_ok() {
                self.act();
            }
        }
    }

    fn forget(&mut self, child: ChildId) {
        let Some(mut record) = self.children.remove(&child) else { return };
        if let Some(label) = record.plan.label() {
            self.labels.remove(label);
        }
        if let Some(agent) = record.agent.take() {
            self.agents.remove(&agent.id());
        }
        drop(record.downed.take());
        record.answer();
    }
}

impl Drop for Driver {
    /// Without a supervisor there are no children: a kill ends them for good, because nobody listens.
    fn drop(&mut self) {
        if let Some((_, alarm)) = self.alarm.take() {
            alarm.abort();
        }
        self.ear.close();
        for record in self.children.values().rev() {
            if let Some(agent) = &record.agent {
                agent.kill();
            }
        }
    }
}

impl Record {
    fn new(plan: Box<dyn Plan>, child: ChildId) -> Self {
        Self {
            plan,
            incarnation: Incarnation { child, number: 0 },
            agent: None,
            downed: None,
            is_up: false,
            handled: 0,
            kill_at: None,
            problem: None,
            starting: None,
            stopping: Vec::new(),
            drains: None,
            is_unwanted: false,
        }
    }

    /// Tells those who wait that it is not running.
    fn answer(&mut self) {
        if let Some(reply) = self.starting.take() {
            let problem = self.problem.take();
            drop(reply.send(Err(problem.unwrap_or(StartChildError::Ending))));
        }
        for reply in self.stopping.drain(..) {
            let _ = reply.send(Ok(()));
        }
    }
}

//! The same with agents, on a runtime of one thread on which nothing runs until it is let.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use foundation::log::Subscription;
use mabeam::{
    Agent, AgentId, AgentRef, CallError, CastError, Config, Context, DeadLetter, Handler, Mailbox,
    Message, MonitorRef, Reason, SpawnError, System, WeakRef, WhenFull,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::model::{Init, MAX_AGENTS, Model, Outcome, PLACES, Seen, Step, Then, Work, gave_up};

/// Nothing here waits so long.
const NEVER: Duration = Duration::from_secs(3600);

type Journal = Arc<Mutex<Vec<Seen>>>;

struct Subject {
    init: Init,
    count: u64,
    journal: Journal,
}

impl Agent for Subject {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Reason> {
        match self.init {
            Init::Succeeds => Ok(()),
            Init::Fails => Err(gave_up()),
            Init::Panics => panic!("boom"),
        }
    }

    async fn on_exit(&mut self, reason: &Reason, _: &mut Context<Self>) {
        self.journal.lock().unwrap().push(Seen::Exit(reason.clone()));
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.journal.lock().unwrap().push(Seen::Dropped);
    }
}

struct Task {
    tag: u64,
    then: Then,
    gate: Option<oneshot::Receiver<()>>,
}

impl Message for Task {
    type Reply = u64;
}

impl Handler<Task> for Subject {
    async fn handle(&mut self, task: Task, context: &mut Context<Self>) -> u64 {
        if let Some(gate) = task.gate {
            gate.await.unwrap();
        }
        match task.then {
            Then::Count => {}
            Then::Panic => panic!("boom"),
            Then::StopItself => context.stop(gave_up()),
        }
        self.count += 1;
        self.journal.lock().unwrap().push(Seen::Handled(task.tag));
        self.count
    }
}

type Answer = Result<u64, CallError<Task>>;

enum Call {
    Here(Pin<Box<dyn Future<Output = Answer>>>),
    InTask(JoinHandle<Answer>),
}

struct Actor {
    id: Option<AgentId>,
    handles: Vec<AgentRef<Subject>>,
    weak: Option<WeakRef<Subject>>,
    journal: Journal,
    letters: Vec<Reason>,
}

pub(crate) struct Real {
    actors: Vec<Actor>,
    outcomes: BTreeMap<u64, Outcome>,
    calls: BTreeMap<u64, Call>,
    gates: BTreeMap<u64, oneshot::Sender<()>>,
    monitors: BTreeMap<u64, (MonitorRef, Vec<Reason>)>,
    letters: Subscription<DeadLetter>,
    system: System,
    // Dropped last.
    runtime: Runtime,
}

fn outcome_of_cast(tag: u64, error: CastError<Task>) -> Outcome {
    let outcome = match &error {
        CastError::Full { limit, .. } => {
            assert_eq!(*limit as usize, PLACES);
            Outcome::Full
        }
        CastError::Ended { reason, .. } => Outcome::Ended(reason.clone()),
        CastError::TooLarge { .. } => panic!("bytes are not counted"),
    };
    assert_eq!(error.into_message().tag, tag, "the message comes back");
    outcome
}

fn outcome_of_call(tag: u64, answer: Answer) -> Outcome {
    match answer {
        Ok(count) => Outcome::Replied(count),
        Err(CallError::Undelivered(error)) => outcome_of_cast(tag, error),
        Err(CallError::Exited { reason, .. }) => Outcome::Exited(reason),
        Err(other) => panic!("call {tag}: {other}"),
    }
}

impl Real {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut config = Config::default();
        config.max_agents = MAX_AGENTS;
        config.lendable = Duration::MAX;
        config.call_deadline = NEVER;
        config.init_deadline = NEVER;
        config.exit_deadline = NEVER;
        let system = runtime.block_on(async { System::new(config).unwrap() });
        Self {
            actors: Vec::new(),
            outcomes: BTreeMap::new(),
            calls: BTreeMap::new(),
            gates: BTreeMap::new(),
            monitors: BTreeMap::new(),
            letters: system.dead_letters(),
            system,
            runtime,
        }
    }

    pub(crate) fn take(&mut self, tag: u64, step: &Step) {
        match *step {
            Step::Spawn { init, is_bounded } => self.spawn(tag, init, is_bounded),
            Step::Cast(at, work) => {
                let task = self.task(tag, work);
                let outcome = match self.actors[at].handles[0].cast(task) {
                    Ok(()) => Outcome::Accepted,
                    Err(error) => outcome_of_cast(tag, error),
                };
                self.outcomes.insert(tag, outcome);
            }
            Step::Call(at, work) => {
                let (task, agent) = (self.task(tag, work), self.actors[at].handles[0].clone());
                let call = async move { agent.call(task).await };
                self.calls.insert(tag, Call::Here(Box::pin(call)));
                self.poll_calls();
            }
            Step::CallInTask(at, work) => {
                self.settle();
                let (task, agent) = (self.task(tag, work), self.actors[at].handles[0].clone());
                let call = self.runtime.spawn(async move { agent.call(task).await });
                self.calls.insert(tag, Call::InTask(call));
                self.settle();
            }
            Step::Cancel(tag) => {
                if matches!(self.calls[&tag], Call::InTask(_)) {
                    self.settle();
                }
                match self.calls.remove(&tag) {
                    // tokio drops the call when the task is next looked at.
                    Some(Call::InTask(call)) => {
                        call.abort();
                        self.settle();
                    }
                    Some(Call::Here(call)) => drop(call),
                    None => self.settle(),
                }
            }
            Step::Open(tag) => drop(self.gates.remove(&tag).unwrap().send(())),
            Step::Stop(at) => self.actors[at].handles[0].stop(Reason::Shutdown),
            Step::Kill(at) => self.actors[at].handles[0].kill(),
            Step::Monitor(at) => {
                let monitor = self.actors[at].handles[0].monitor();
                self.monitors.insert(tag, (monitor, Vec::new()));
            }
            Step::Demonitor(tag) => drop(self.monitors.remove(&tag)),
            Step::Clone(at) => {
                let handle = self.actors[at].handles[0].clone();
                self.actors[at].handles.push(handle);
            }
            Step::Drop(at) => drop(self.actors[at].handles.pop()),
            Step::Upgrade(at) => {
                let actor = &mut self.actors[at];
                let handle = actor.weak.as_ref().and_then(WeakRef::upgrade);
                actor.handles.extend(handle);
            }
            Step::Settle => self.settle(),
        }
    }

    fn task(&mut self, tag: u64, work: Work) -> Task {
        let gate = work.is_gated.then(|| {
            let (open, gate) = oneshot::channel();
            self.gates.insert(tag, open);
            gate
        });
        Task { tag, then: work.then, gate }
    }

    fn spawn(&mut self, tag: u64, init: Init, is_bounded: bool) {
        self.settle();
        let journal = Journal::default();
        let subject = Subject { init, count: 0, journal: Arc::clone(&journal) };
        let limit = u32::try_from(PLACES).unwrap();
        let mailbox = Mailbox::bounded(limit).when_full(WhenFull::Reject);
        let mailbox = if is_bounded { mailbox } else { Mailbox::unbounded() };
        let spawn = self.system.spawn(subject).mailbox(mailbox);
        let spawned = self.runtime.block_on(spawn.into_future());
        let mut actor =
            Actor { id: None, handles: Vec::new(), weak: None, journal, letters: Vec::new() };
        let outcome = match spawned {
            Ok(handle) => {
                (actor.id, actor.weak) = (Some(handle.id()), Some(handle.downgrade()));
                actor.handles.push(handle);
                Outcome::Spawned
            }
            Err(SpawnError::Init { reason, .. }) => Outcome::FailedInit(reason),
            Err(SpawnError::Full { agent, limit }) => {
                assert_eq!((limit, agent.init), (MAX_AGENTS, init), "it comes back");
                assert_eq!(*agent.journal.lock().unwrap(), []);
                Outcome::TooMany
            }
            Err(other) => panic!("spawn {tag}: {other}"),
        };
        if outcome != Outcome::TooMany {
            self.actors.push(actor);
        }
        self.outcomes.insert(tag, outcome);
        self.settle();
    }

    /// Lets everything run until nothing changes: a yield on a runtime of one thread comes back when
    /// its queue is worked off, or after 61 tasks.
    fn settle(&mut self) {
        let look = |real: &Self| {
            let seen = real.actors.iter().map(|actor| actor.journal.lock().unwrap().len());
            (
                seen.sum::<usize>(),
                real.system.agents(),
                real.system.dead_letter_count(),
                real.calls.len(),
            )
        };
        loop {
            let before = look(self);
            self.runtime.block_on(async {
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            });
            self.poll_calls();
            if look(self) == before {
                return;
            }
        }
    }

    /// Polls each call once, outside of the runtime, so that none is lent this thread; drops those that
    /// are answered, each with its handle.
    fn poll_calls(&mut self) {
        let context = &mut std::task::Context::from_waker(Waker::noop());
        self.calls.retain(|tag, call| {
            let answer = match call {
                Call::Here(call) => call.as_mut().poll(context),
                Call::InTask(call) => Pin::new(call).poll(context).map(Result::unwrap),
            };
            let Poll::Ready(answer) = answer else { return true };
            self.outcomes.insert(*tag, outcome_of_call(*tag, answer));
            false
        });
    }

    pub(crate) fn compare(&mut self, model: &Model) {
        assert_eq!(self.outcomes, model.outcomes);
        let calls = |keys: Vec<&u64>| keys.into_iter().copied().collect::<Vec<_>>();
        assert_eq!(calls(self.calls.keys().collect()), calls(model.calls.keys().collect()));
        assert_eq!(self.system.agents(), model.living());
        while let Some(letter) = self.letters.try_next().unwrap() {
            let actor = self.actors.iter_mut().find(|actor| actor.id == Some(letter.agent));
            actor.unwrap().letters.push(letter.reason);
        }
        let letters: usize = model.agents.iter().map(|life| life.letters.len()).sum();
        assert_eq!(self.system.dead_letter_count(), letters as u64);
        assert_eq!(self.actors.len(), model.agents.len());
        for (at, (actor, life)) in self.actors.iter().zip(&model.agents).enumerate() {
            assert_eq!(*actor.journal.lock().unwrap(), life.seen, "agent {at}");
            assert_eq!(actor.letters, life.letters, "agent {at}");
            assert_eq!(actor.handles.len(), life.kept, "agent {at}");
            assert!(actor.handles.iter().all(|handle| handle.has_ended() == life.is_ended));
        }
        for (tag, (monitor, heard)) in &mut self.monitors {
            heard.extend(monitor.try_down().map(|down| down.reason));
            let expected: Vec<_> = model.monitors[tag].1.iter().cloned().collect();
            assert_eq!(*heard, expected, "monitor {tag}");
        }
    }

    /// Everything is let go: every agent ends, and no mail is left.
    pub(crate) fn end(mut self) {
        self.gates.clear();
        self.calls.clear();
        self.actors.iter_mut().for_each(|actor| actor.handles.clear());
        self.settle();
        assert_eq!(self.system.agents(), 0);
        for actor in &self.actors {
            let journal = actor.journal.lock().unwrap();
            let drops = journal.iter().filter(|seen| **seen == Seen::Dropped).count();
            assert_eq!((drops, journal.last()), (1, Some(&Seen::Dropped)));
            assert_eq!(Arc::strong_count(&actor.journal), 1);
        }
        for (monitor, heard) in self.monitors.values_mut() {
            heard.extend(monitor.try_down().map(|down| down.reason));
            assert_eq!(heard.len(), 1, "exactly one");
        }
    }
}

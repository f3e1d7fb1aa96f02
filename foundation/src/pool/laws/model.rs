//! The pool against a plain model: a list of idle lines, a list of used ones and a queue.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use tokio::runtime::{Builder, Runtime};

use super::super::*;
use super::server::{Line, Mood, Refused, Server};

const GET_MS: u64 = 30;
const LIFETIME_MS: u64 = 60;
const IDLE_MS: u64 = 20;
const ATTEMPTS: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Get,
    GiveBack(usize),
    Discard(usize),
    Detach(usize),
    Cancel(usize),
    /// A used line is found broken by its user.
    Break(usize),
    /// An idle or used line dies unnoticed.
    Kill(usize),
    /// The server goes down and all lines die.
    Down,
    Up,
    Advance(u64),
    Maintain,
    Close,
}

/// How a call of `get` ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Got(usize),
    Closed,
    Exhausted,
    Refused,
    TimedOut,
}

#[derive(Clone, Debug)]
struct Known {
    id: usize,
    dead: bool,
    broken: bool,
    born: u64,
    idle_since: u64,
}

#[derive(Clone, Debug)]
struct Model {
    settings: PoolSettings,
    idle: Vec<Known>,
    used: Vec<Known>,
    /// The deadlines of those who wait.
    queue: VecDeque<u64>,
    detached: usize,
    made: usize,
    now: u64,
    down: bool,
    closed: bool,
    counts: Status,
    outcomes: Vec<Outcome>,
}

impl Model {
    fn get(&mut self) {
        if self.closed {
            self.outcomes.push(Outcome::Closed);
        } else if self.used.len() < self.settings.max_connections() {
            self.take_slot(false);
        } else if self.queue.len() < self.settings.max_waiting {
            self.queue.push_back(self.now + GET_MS);
        } else {
            self.counts.rejected += 1;
            self.outcomes.push(Outcome::Exhausted);
        }
    }

    /// A free slot goes to somebody, perhaps the first in the queue.
    fn take_slot(&mut self, from_queue: bool) {
        let found = match self.settings.reuse {
            Reuse::Newest => self.idle.pop(),
            Reuse::Oldest if self.idle.is_empty() => None,
            Reuse::Oldest => Some(self.idle.remove(0)),
        };
        if from_queue {
            self.queue.pop_front();
            self.trim(1);
        }
        if let Some(line) = found {
            if self.is_expired(&line) {
                self.counts.expired += 1;
            } else if line.dead {
                self.counts.failed_checks += 1;
            } else {
                self.outcomes.push(Outcome::Got(line.id));
                self.used.push(line);
                return;
            }
            self.counts.closed += 1;
        }
        if self.down {
            self.counts.failed_connects += ATTEMPTS as u64;
            self.outcomes.push(Outcome::Refused);
            return;
        }
        let (id, now) = (self.made, self.now);
        self.made += 1;
        self.counts.created += 1;
        self.outcomes.push(Outcome::Got(id));
        self.used.push(Known { id, dead: false, broken: false, born: now, idle_since: now });
    }

    fn is_expired(&self, line: &Known) -> bool {
        self.now - line.born >= LIFETIME_MS || self.now - line.idle_since >= IDLE_MS
    }

    fn give_back(&mut self, at: usize, keep: bool) {
        let mut line = self.used.remove(at);
        if keep && !self.closed && !line.broken {
            line.idle_since = self.now;
            self.idle.push(line);
        } else {
            self.counts.closed += 1;
        }
        self.trim(0);
    }

    /// Closes what is idle and above `size` while nobody waits; `held` slots are being filled.
    fn trim(&mut self, held: usize) {
        while self.queue.is_empty()
            && !self.idle.is_empty()
            && self.used.len() + held + self.idle.len() > self.settings.size
        {
            self.idle.remove(0);
            self.counts.closed += 1;
        }
    }

    fn serve(&mut self) {
        while !self.queue.is_empty() && self.used.len() < self.settings.max_connections() {
            self.take_slot(true);
        }
    }

    fn status(&self) -> Status {
        let open = self.used.len() + self.idle.len();
        Status {
            in_use: self.used.len(),
            idle: self.idle.len(),
            overflow: open.saturating_sub(self.settings.size),
            waiting: self.queue.len(),
            ..self.counts
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Get => self.get(),
            Step::GiveBack(at) => self.give_back(at, true),
            Step::Discard(at) => self.give_back(at, false),
            Step::Detach(at) => {
                self.give_back(at, false);
                self.detached += 1;
            }
            Step::Cancel(at) => {
                self.queue.remove(at);
                self.trim(0);
            }
            Step::Break(at) => self.used[at].broken = true,
            Step::Kill(at) => {
                let idle = self.idle.len();
                let line = if at < idle { &mut self.idle[at] } else { &mut self.used[at - idle] };
                line.dead = true;
            }
            Step::Down => {
                self.down = true;
                self.idle.iter_mut().chain(&mut self.used).for_each(|line| line.dead = true);
            }
            Step::Up => self.down = false,
            Step::Advance(ms) => {
                self.now += ms;
                let before = self.queue.len();
                self.queue.retain(|deadline| *deadline > self.now);
                let late = before - self.queue.len();
                self.counts.timeouts += late as u64;
                self.outcomes.extend(vec![Outcome::TimedOut; late]);
            }
            Step::Maintain => {
                let (kept, expired): (Vec<_>, Vec<_>) =
                    self.idle.clone().into_iter().partition(|line| !self.is_expired(line));
                self.idle = kept;
                self.counts.expired += expired.len() as u64;
                self.counts.closed += expired.len() as u64;
            }
            Step::Close => {
                self.closed = true;
                self.counts.closed += self.idle.len() as u64;
                self.idle.clear();
                self.outcomes.extend(vec![Outcome::Closed; self.queue.len()]);
                self.queue.clear();
            }
        }
        self.serve();
    }
}

struct Machine;

impl ReferenceStateMachine for Machine {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let reuse = prop_oneof![Just(Reuse::Newest), Just(Reuse::Oldest)];
        let limits = (1_usize..4, 0_usize..3, 0_usize..4, reuse);
        let state = limits.prop_map(|(size, max_overflow, max_waiting, reuse)| Model {
            settings: PoolSettings {
                size,
                max_overflow,
                max_waiting,
                get_timeout: Duration::from_millis(GET_MS),
                check_timeout: Duration::from_secs(1),
                connect_attempts: ATTEMPTS,
                max_lifetime: Some(Duration::from_millis(LIFETIME_MS)),
                idle_timeout: Some(Duration::from_millis(IDLE_MS)),
                reuse,
            },
            idle: Vec::new(),
            used: Vec::new(),
            queue: VecDeque::new(),
            detached: 0,
            made: 0,
            now: 0,
            down: false,
            closed: false,
            counts: Status::default(),
            outcomes: Vec::new(),
        });
        state.boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let any = 0_usize..8;
        let (used, queue) = (model.used.len().max(1), model.queue.len().max(1));
        let lines = (model.used.len() + model.idle.len()).max(1);
        prop_oneof![
            12 => Just(Step::Get),
            8 => any.clone().prop_map(move |at| Step::GiveBack(at % used)),
            1 => any.clone().prop_map(move |at| Step::Discard(at % used)),
            1 => any.clone().prop_map(move |at| Step::Detach(at % used)),
            2 => any.clone().prop_map(move |at| Step::Cancel(at % queue)),
            1 => any.clone().prop_map(move |at| Step::Break(at % used)),
            2 => any.prop_map(move |at| Step::Kill(at % lines)),
            1 => Just(Step::Down),
            2 => Just(Step::Up),
            3 => (1_u64..25).prop_map(Step::Advance),
            1 => Just(Step::Maintain),
            // A closed pool has little left to show.
            1 => Just(if model.made > 9 { Step::Close } else { Step::Get }),
        ]
        .boxed()
    }

    fn preconditions(model: &Model, step: &Step) -> bool {
        match *step {
            Step::GiveBack(at) | Step::Discard(at) | Step::Detach(at) | Step::Break(at) => {
                at < model.used.len()
            }
            Step::Cancel(at) => at < model.queue.len(),
            Step::Kill(at) => at < model.idle.len() + model.used.len(),
            _ => true,
        }
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        model.step(step);
        model
    }
}

type Got = Result<Pooled<Server>, GetError<Refused>>;

/// The pool, polled by hand on a runtime whose time stands still.
struct Real {
    runtime: Runtime,
    pool: Pool<Server>,
    server: Server,
    used: Vec<Pooled<Server>>,
    queue: Vec<Pin<Box<dyn Future<Output = Got>>>>,
    detached: Vec<Line>,
    /// The switch that kills a line, by its id.
    switches: Vec<Arc<AtomicBool>>,
    outcomes: Vec<Outcome>,
}

impl Real {
    fn poll(&self, future: &mut Pin<Box<dyn Future<Output = Got>>>) -> Poll<Got> {
        let mut context = Context::from_waker(Waker::noop());
        self.runtime.block_on(poll_fn(|_| Poll::Ready(future.as_mut().poll(&mut context))))
    }

    fn get(&mut self) {
        let pool = self.pool.clone();
        let mut future: Pin<Box<dyn Future<Output = Got>>> =
            Box::pin(async move { pool.get().await });
        match self.poll(&mut future) {
            Poll::Ready(got) => self.note(got),
            Poll::Pending => self.queue.push(future),
        }
    }

    fn note(&mut self, got: Got) {
        self.outcomes.push(match got {
            Ok(line) => {
                let id = line.id;
                if id == self.switches.len() {
                    self.switches.push(Arc::clone(&line.dead));
                }
                self.used.push(line);
                Outcome::Got(id)
            }
            Err(GetError::Closed) => Outcome::Closed,
            Err(GetError::Exhausted { waiting, limit, in_use }) => {
                assert_eq!((waiting, limit), (self.queue.len(), self.queue.len()));
                assert_eq!(in_use, self.used.len());
                Outcome::Exhausted
            }
            Err(GetError::Connect { attempts: ATTEMPTS, source: Refused }) => Outcome::Refused,
            Err(GetError::Timeout { phase: Phase::Waiting, in_use, .. }) => {
                assert_eq!(in_use, self.used.len());
                Outcome::TimedOut
            }
            Err(other) => panic!("{other}"),
        });
    }

    /// Polls everybody in the queue until nobody moves.
    fn serve(&mut self) {
        let mut at = 0;
        while at < self.queue.len() {
            let mut future = self.queue.remove(at);
            if let Poll::Ready(got) = self.poll(&mut future) {
                self.note(got);
                at = 0;
            } else {
                self.queue.insert(at, future);
                at += 1;
            }
        }
    }
}

impl StateMachineTest for Machine {
    type SystemUnderTest = Real;
    type Reference = Machine;

    fn init_test(model: &Model) -> Real {
        let server = Server::default();
        Real {
            runtime: Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap(),
            pool: Pool::new(server.clone(), model.settings).unwrap(),
            server,
            used: Vec::new(),
            queue: Vec::new(),
            detached: Vec::new(),
            switches: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    fn apply(mut real: Real, model: &Model, step: Step) -> Real {
        match step {
            Step::Get => real.get(),
            Step::GiveBack(at) => {
                let line = real.used.remove(at);
                real.runtime.block_on(async { drop(line) });
            }
            Step::Discard(at) => Pooled::discard(real.used.remove(at)),
            Step::Detach(at) => real.detached.push(Pooled::detach(real.used.remove(at))),
            Step::Cancel(at) => drop(real.queue.remove(at)),
            Step::Break(at) => real.used[at].broken = true,
            // The model has marked the line by now: kill every line that it holds for dead.
            Step::Kill(_) | Step::Down => {
                for line in model.idle.iter().chain(&model.used).filter(|line| line.dead) {
                    real.switches[line.id].store(true, Ordering::SeqCst);
                }
                if matches!(step, Step::Down) {
                    real.server.set(Mood::Down);
                }
            }
            Step::Up => real.server.set(Mood::Willing),
            Step::Advance(ms) => {
                real.runtime.block_on(tokio::time::advance(Duration::from_millis(ms)));
            }
            Step::Maintain => {
                real.runtime.block_on(async { real.pool.maintain() });
            }
            Step::Close => real.pool.close(),
        }
        real.serve();
        real
    }

    fn check_invariants(real: &Real, model: &Model) {
        let status = real.pool.status();
        assert_eq!(real.outcomes, model.outcomes);
        assert_eq!(status, model.status());
        assert_eq!(real.pool.is_closed(), model.closed);
        let used = model.used.iter().map(|line| line.id);
        assert!(real.used.iter().map(|line| line.id).eq(used));

        let settings = &model.settings;
        let open = status.in_use + status.idle;
        assert!(open <= settings.size + settings.max_overflow);
        assert!(status.waiting <= settings.max_waiting);
        assert!(status.idle == 0 || open <= settings.size);
        assert_eq!(real.server.open(), open + model.detached);
        let mut ended = Box::pin(real.pool.closed());
        let ended = ended.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(ended.is_ready(), model.closed && open == 0);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_pool_behaves_like_a_list_with_a_queue(sequential 1..120 => Machine);
}

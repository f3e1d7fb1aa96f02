//! The test kit: schedules from a seed, probes, virtual time, and what fails a test.
#![cfg(feature = "testkit")]
#![expect(clippy::unwrap_used, reason = "in tests")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mabeam::testkit::{self, Failure, Kit, Problem};
use mabeam::{Agent, AgentRef, Config, Context, Handler, Message, Recipient};
use tokio::time::Instant;

type Trace = Arc<Mutex<Vec<(usize, u32)>>>;

/// Writes what it is sent into a trace.
struct Scribe(Trace);

/// Sends so many lines, one for each message to itself.
struct Author {
    number: usize,
    scribe: AgentRef<Scribe>,
}

struct Line(usize, u32);
struct Write(u32);

impl Agent for Scribe {}
impl Agent for Author {}

impl Message for Line {
    type Reply = ();
}

impl Message for Write {
    type Reply = ();
}

impl Handler<Line> for Scribe {
    async fn handle(&mut self, Line(author, line): Line, _: &mut Context<Self>) {
        self.0.lock().unwrap().push((author, line));
    }
}

impl Handler<Write> for Author {
    async fn handle(&mut self, Write(left): Write, context: &mut Context<Self>) {
        self.scribe.cast(Line(self.number, left)).unwrap();
        if left > 0 {
            context.handle().cast(Write(left - 1)).unwrap();
        }
    }
}

fn check<F: Future<Output = ()>>(seed: u64, body: impl FnOnce(Kit) -> F) -> Result<(), Failure> {
    testkit::check(Config::default(), seed, body)
}

/// In which order the lines of three authors are written.
fn written(seed: u64) -> Vec<(usize, u32)> {
    let written = Trace::default();
    let trace = Arc::clone(&written);
    testkit::run(seed, |kit| async move {
        let scribe = kit.spawn(Scribe(trace)).await.unwrap();
        for number in 0..3 {
            let author = kit.spawn(Author { number, scribe: scribe.clone() }).await.unwrap();
            author.cast(Write(3)).unwrap();
        }
    });
    std::mem::take(&mut *written.lock().unwrap())
}

#[test]
fn a_seed_has_one_schedule_and_seeds_have_many() {
    let mut traces = BTreeSet::new();
    for seed in 0..30 {
        let trace = written(seed);
        assert_eq!(trace, written(seed), "seed {seed}");
        assert_eq!(trace.len(), 12);
        for author in 0..3 {
            let lines: Vec<u32> =
                trace.iter().filter(|line| line.0 == author).map(|line| line.1).collect();
            assert_eq!(lines, [3, 2, 1, 0], "the mail of each sender stays in order");
        }
        traces.insert(trace);
    }
    assert!(traces.len() > 15, "{} different schedules", traces.len());
}

/// An account, which forgets what another writes between its own reading and writing.
struct Account(u64);
struct Read;
struct Set(u64);
struct Teller(AgentRef<Account>);
struct Deposit;

impl Agent for Account {}
impl Agent for Teller {}

impl Message for Read {
    type Reply = u64;
}

impl Message for Set {
    type Reply = ();
}

impl Message for Deposit {
    type Reply = ();
}

impl Handler<Read> for Account {
    async fn handle(&mut self, Read: Read, _: &mut Context<Self>) -> u64 {
        self.0
    }
}

impl Handler<Set> for Account {
    async fn handle(&mut self, Set(sum): Set, _: &mut Context<Self>) {
        self.0 = sum;
    }
}

impl Handler<Deposit> for Teller {
    async fn handle(&mut self, Deposit: Deposit, _: &mut Context<Self>) {
        let sum = self.0.call(Read).await.unwrap();
        self.0.call(Set(sum + 1)).await.unwrap();
    }
}

async fn deposits(kit: Kit) {
    let account = kit.spawn(Account(0)).await.unwrap();
    for _ in 0..2 {
        let teller = kit.spawn(Teller(account.clone())).await.unwrap();
        teller.cast(Deposit).unwrap();
    }
    kit.settle().await;
    assert_eq!(account.call(Read).await.unwrap(), 2, "a deposit was lost");
}

#[test]
fn of_the_schedules_some_lose_an_update_and_do_so_again() {
    let failures: Vec<Failure> = (0..50).filter_map(|seed| check(seed, deposits).err()).collect();
    assert!(!failures.is_empty() && failures.len() < 50, "{} of 50 fail", failures.len());
    for failure in failures {
        let again = check(failure.seed, deposits).unwrap_err();
        assert_eq!(again.to_string(), failure.to_string());
        assert!(failure.to_string().starts_with(&format!("failed with seed {}\n", failure.seed)));
        assert!(failure.to_string().contains("a deposit was lost"), "{failure}");
    }
}

#[test]
#[should_panic(expected = "failed with seed ")]
fn an_exploration_names_the_seed() {
    testkit::explore(0..50, deposits);
}

#[derive(Debug, PartialEq)]
struct Note(u32);

impl Message for Note {
    type Reply = ();
}

/// Sends a note later.
struct Clock(Recipient<Note>);
struct Wind(Duration, u32);

impl Agent for Clock {}

impl Message for Wind {
    type Reply = ();
}

impl Handler<Wind> for Clock {
    async fn handle(&mut self, Wind(after, note): Wind, context: &mut Context<Self>) {
        context.send_after(after, Note(note));
    }
}

impl Handler<Note> for Clock {
    async fn handle(&mut self, note: Note, _: &mut Context<Self>) {
        self.0.cast(note).unwrap();
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn hours_pass_at_once_and_what_is_due_comes_in_order() {
    testkit::explore(0..10, |kit| async move {
        let mut probe = kit.probe().await;
        let clock = kit.spawn(Clock(probe.recipient())).await.unwrap();
        let began = Instant::now();
        for hours in [3, 1, 2] {
            clock.call(Wind(hours * HOUR, hours)).await.unwrap();
        }
        probe.expect_none(HOUR / 2).await;
        let mut probe = probe.patience(2 * HOUR);
        probe.expect(Note(1)).await;
        probe.expect_that("the second", |note| note.0 == 2).await;
        kit.advance(2 * HOUR).await;
        assert_eq!(probe.take(), [Note(3)]);
        assert!(began.elapsed() >= 4 * HOUR);
    });
}

#[test]
fn a_probe_answers_and_says_what_it_missed() {
    struct Square(u32);
    impl Message for Square {
        type Reply = u32;
    }
    testkit::run(1, |kit| async move {
        let mut probe = kit.probe_with(|square: &Square| square.0 * square.0).await;
        assert_eq!(probe.recipient().call(Square(12)).await.unwrap(), 144);
        assert_eq!(probe.next().await.0, 12);
    });
    let nothing = check(2, |kit| async move { kit.probe().await.expect(Note(1)).await });
    let nothing = nothing.unwrap_err().to_string();
    assert!(nothing.contains("expected Note(1), and nothing came within 5s"), "{nothing}");
    let other = check(3, |kit| async move {
        let mut probe = kit.probe().await;
        probe.agent().cast(Note(2)).unwrap();
        probe.expect(Note(1)).await;
    });
    let other = other.unwrap_err().to_string();
    assert!(other.contains("expected Note(1), and Note(2) came"), "{other}");
    let some = check(4, |kit| async move {
        let mut probe = kit.probe().await;
        probe.agent().cast(Note(2)).unwrap();
        probe.expect_none(HOUR).await;
    });
    let some = some.unwrap_err().to_string();
    assert!(some.contains("expected no message within 3600s, and Note(2) came"), "{some}");
}

/// Panics when it is told to.
struct Nervous;

impl Agent for Nervous {}

impl Handler<Note> for Nervous {
    async fn handle(&mut self, Note(note): Note, _: &mut Context<Self>) {
        panic!("note {note} is too much");
    }
}

async fn frighten(kit: &Kit) {
    let nervous = kit.spawn(Nervous).named("nervous").await.unwrap();
    nervous.cast(Note(7)).unwrap();
}

#[test]
fn a_panic_fails_the_test_unless_it_is_expected() {
    let failure = check(1, |kit| async move { frighten(&kit).await }).unwrap_err().to_string();
    assert!(failure.contains("nervous panicked: note 7 is too much"), "{failure}");
    testkit::run(1, |kit| async move {
        kit.expect_panic("note 7");
        frighten(&kit).await;
    });
    let failure = check(1, |kit| async move {
        kit.expect_panic("note 8");
        frighten(&kit).await;
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.problems.len(), 2, "{failure}");
    assert!(failure.to_string().contains("no agent panicked with `note 8`"), "{failure}");
}

/// Keeps a handle of another.
struct Friend(Option<AgentRef<Friend>>);
struct Keep(AgentRef<Friend>);

impl Agent for Friend {}

impl Message for Keep {
    type Reply = ();
}

impl Handler<Keep> for Friend {
    async fn handle(&mut self, Keep(other): Keep, _: &mut Context<Self>) {
        self.0 = Some(other);
    }
}

#[test]
fn agents_that_keep_each_other_are_a_leak() {
    let failure = check(5, |kit| async move {
        let one = kit.spawn(Friend(None)).await.unwrap();
        let other = kit.spawn(Friend(Some(one.clone()))).await.unwrap();
        one.cast(Keep(other)).unwrap();
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.problems.len(), 2, "{failure}");
    for problem in &failure.problems {
        let Problem::Leaked(leak) = problem else { panic!("{problem}") };
        assert!(leak.type_name.ends_with("Friend") && leak.handles == 1 && leak.is_idle);
        assert!(leak.to_string().ends_with("did not end: there are 1 handles"), "{leak}");
    }
}

#[test]
fn a_name_that_is_left_and_a_handler_that_hangs_are_leaks() {
    /// Waits for ever.
    struct Stuck;
    impl Agent for Stuck {}
    impl Handler<Note> for Stuck {
        async fn handle(&mut self, _: Note, _: &mut Context<Self>) {
            std::future::pending::<()>().await;
        }
    }
    let failure = check(5, |kit| async move {
        kit.spawn(Friend(None)).named("friend").await.unwrap();
        kit.spawn(Stuck).await.unwrap().cast(Note(1)).unwrap();
    });
    let failure = failure.unwrap_err().to_string();
    assert!(failure.contains("Friend) did not end: its name keeps it; stop it"), "{failure}");
    assert!(failure.contains("Stuck) did not end: no handle is left, and it waits"), "{failure}");
}

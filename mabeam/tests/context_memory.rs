//! What an agent asked for and is done with leaves nothing behind.
//!
//! A test of its own because it needs the program's allocator; one test, so that nothing else
//! allocates beside it. Time is virtual.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::alloc::System as Allocator;
use std::future::ready;
use std::time::Duration;

use mabeam::{Agent, AgentRef, Config, Context, Down, Handler, Message, System};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<Allocator> = &INSTRUMENTED_SYSTEM;

/// In a round; each that left as much as a slot of 24 bytes would be seen.
const TIMES: usize = 20_000;
const TOLERATED_BYTES: isize = 100_000;

struct Worker;

impl Agent for Worker {}

#[derive(Clone, Copy)]
enum Do {
    Timers,
    Cancelled,
    Tasks,
    Ended,
    TakenBack,
}

struct Busy {
    other: AgentRef<Worker>,
    heard: usize,
}

impl Agent for Busy {
    async fn on_down(&mut self, _: Down, _: &mut Context<Self>) {
        self.heard += 1;
    }
}

impl Message for Do {
    type Reply = ();
}

impl Handler<Do> for Busy {
    async fn handle(&mut self, what: Do, context: &mut Context<Self>) {
        for _ in 0..100 {
            match what {
                Do::Timers => drop(context.send_after(Duration::from_millis(1), Fired)),
                Do::Cancelled => context.send_every(Duration::from_secs(1), || Fired).cancel(),
                Do::Tasks => drop(context.spawn(ready(()))),
                Do::Ended => {
                    let worker = context.spawn_agent(Worker).await.unwrap();
                    context.monitor(&worker);
                }
                Do::TakenBack => {
                    let monitor = context.monitor(&self.other);
                    assert!(context.demonitor(monitor));
                }
            }
        }
    }
}

struct Fired;

impl Message for Fired {
    type Reply = ();
}

impl Handler<Fired> for Busy {
    async fn handle(&mut self, Fired: Fired, _: &mut Context<Self>) {}
}

/// Passes virtual time: all that is under way ends.
async fn settle() {
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, std::future::pending::<()>()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_done_with_leaves_nothing_behind() {
    let system = System::new(Config::default()).unwrap();
    let other = system.spawn(Worker).await.unwrap();
    let busy = Busy { other: other.clone(), heard: 0 };
    let busy = system.spawn(busy).await.unwrap();
    let works = [
        ("timers that fired", Do::Timers),
        ("timers that were cancelled", Do::Cancelled),
        ("tasks that are done", Do::Tasks),
        ("monitors that heard", Do::Ended),
        ("monitors that were taken back", Do::TakenBack),
    ];
    let one_round = async |what: Do| {
        for _ in 0..TIMES / 100 {
            busy.call(what).await.unwrap();
            settle().await;
        }
    };
    for (name, what) in works {
        // The first round makes what is kept for reuse.
        one_round(what).await;
        let region = Region::new(ALLOCATOR);
        one_round(what).await;
        assert_small(name, &region);
    }

    // Monitors of agents that end go from those that they monitor.
    let monitoring = async || {
        for _ in 0..TIMES / 100 {
            let busy = Busy { other: other.clone(), heard: 0 };
            let busy = system.spawn(busy).await.unwrap();
            busy.call(Monitor).await.unwrap();
            drop(busy);
            settle().await;
        }
    };
    monitoring().await;
    let region = Region::new(ALLOCATOR);
    monitoring().await;
    assert_small("monitors of agents that ended", &region);
}

struct Monitor;

impl Message for Monitor {
    type Reply = ();
}

impl Handler<Monitor> for Busy {
    async fn handle(&mut self, Monitor: Monitor, context: &mut Context<Self>) {
        for _ in 0..100 {
            context.monitor(&self.other);
        }
    }
}

/// Both figures include what reallocations gained and gave back.
fn assert_small(name: &str, region: &Region<'_, Allocator>) {
    let change = region.change();
    let grown = change.bytes_allocated.cast_signed() - change.bytes_deallocated.cast_signed();
    assert!(grown < TOLERATED_BYTES, "{TIMES} {name} left {grown} bytes");
}

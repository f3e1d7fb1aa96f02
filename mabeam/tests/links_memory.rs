//! What a hub that outlives its links keeps of them: nothing.
//!
//! A test of its own because it needs the program's allocator; one test, so that nothing else
//! allocates beside it.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::alloc::System as Allocator;

use mabeam::{Agent, Config, Context, Handler, LinkedExit, Message, Reason, System};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<Allocator> = &INSTRUMENTED_SYSTEM;

const BATCH: usize = 1_000;
/// Rounds that make what is kept for reuse.
const WARM: usize = 10;
/// Less than a word for each link.
const TOLERATED_BYTES: isize = 50_000;

struct Worker;

impl Agent for Worker {}

struct Hub {
    heard: usize,
}

impl Agent for Hub {
    async fn on_linked_exit(&mut self, _: LinkedExit, _: &mut Context<Self>) {
        self.heard += 1;
    }
}

/// Begins so many, links each, and ends it so.
#[derive(Clone, Copy)]
enum Link {
    /// Its end is heard.
    Trapped,
    /// Its end is not heard.
    Ignored,
    /// It is undone.
    Undone,
}

impl Message for Link {
    type Reply = ();
}

impl Handler<Link> for Hub {
    async fn handle(&mut self, how: Link, context: &mut Context<Self>) {
        context.trap_exits(matches!(how, Link::Trapped));
        for _ in 0..BATCH {
            let worker = context.spawn_agent(Worker).await.unwrap();
            let link = context.link(&worker);
            match how {
                Link::Trapped => worker.kill(),
                Link::Ignored => worker.stop(Reason::Normal),
                Link::Undone => assert!(link.unlink()),
            }
            let end = worker.monitor();
            drop(worker);
            end.down().await.unwrap();
        }
    }
}

struct Heard;

impl Message for Heard {
    type Reply = usize;
}

impl Handler<Heard> for Hub {
    async fn handle(&mut self, Heard: Heard, _: &mut Context<Self>) -> usize {
        std::mem::take(&mut self.heard)
    }
}

#[tokio::test]
async fn a_hub_keeps_nothing_of_agents_that_it_was_linked_to() {
    let system = System::new(Config::default()).unwrap();
    let hub = system.spawn(Hub { heard: 0 }).await.unwrap();
    // Keeps its list of links from being empty.
    let lasting = system.spawn(Worker).await.unwrap();
    hub.call(Bind(lasting.clone())).await.unwrap();
    for (how, links) in [(Link::Trapped, 100_000), (Link::Ignored, 20_000), (Link::Undone, 20_000)]
    {
        let mut region = Region::new(ALLOCATOR);
        for round in 0..WARM + links / BATCH {
            if round == WARM {
                region = Region::new(ALLOCATOR);
            }
            hub.call(how).await.unwrap();
            let heard = hub.call(Heard).await.unwrap();
            assert_eq!(heard, if matches!(how, Link::Trapped) { BATCH } else { 0 });
        }
        let change = region.change();
        let grown = change.bytes_allocated.cast_signed() - change.bytes_deallocated.cast_signed();
        assert!(grown < TOLERATED_BYTES, "{links} links left {grown} bytes");
    }
    lasting.stop(Reason::Failed("out of paper".into()));
    let end = hub.monitor();
    assert_eq!(end.down().await.unwrap().reason, Reason::Failed("out of paper".into()));
}

struct Bind(mabeam::AgentRef<Worker>);

impl Message for Bind {
    type Reply = ();
}

impl Handler<Bind> for Hub {
    async fn handle(&mut self, Bind(to): Bind, context: &mut Context<Self>) {
        context.link(&to);
    }
}

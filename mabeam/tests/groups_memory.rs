//! What is left of groups and memberships that have ended: nothing.
//!
//! A test of its own because it needs the program's allocator; one test, so that nothing else
//! allocates beside it.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::alloc::System as Allocator;

use mabeam::{Agent, AgentRef, Config, Context, Group, Handler, Message, System};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<Allocator> = &INSTRUMENTED_SYSTEM;

/// In a round; each that left as much as a slot of 24 bytes would be seen.
const TIMES: usize = 20_000;
const TOLERATED_BYTES: isize = 100_000;

struct Note;

impl Message for Note {
    type Reply = ();
}

struct Member;

impl Agent for Member {}

impl Handler<Note> for Member {
    async fn handle(&mut self, _: Note, _: &mut Context<Self>) {}
}

/// What `work` leaves behind when it is done often. Once before, so that what is kept for reuse is there.
fn growth(mut work: impl FnMut()) -> isize {
    (0..TIMES / 10).for_each(|_| work());
    let region = Region::new(ALLOCATOR);
    (0..TIMES).for_each(|_| work());
    let change = region.change();
    let signed = |bytes| isize::try_from(bytes).unwrap();
    signed(change.bytes_allocated) - signed(change.bytes_deallocated)
}

#[test]
fn groups_and_memberships_that_have_ended_leave_nothing() {
    let system = System::new(Config::default()).unwrap();
    let spawn =
        || -> AgentRef<Member> { system.block_on(system.spawn(Member).into_future()).unwrap() };
    let (lives, group) = (spawn(), Group::<Note>::new());
    let left = growth(|| {
        group.join(&lives).unwrap();
        group.leave(lives.id());
    });
    assert!(left < TOLERATED_BYTES, "{left} bytes of memberships that were left");
    let left = growth(|| drop(Group::<Note>::new().join(&lives)));
    assert!(left < TOLERATED_BYTES, "{left} bytes of groups that are gone");
    let mut number = 0;
    let left = growth(|| {
        number += 1;
        let group = system.group::<Note>(&format!("group/{number:09}")).unwrap();
        group.join(&lives).unwrap();
        group.leave(lives.id());
    });
    assert!(left < TOLERATED_BYTES, "{left} bytes of named groups that are gone");
    let left = growth(|| {
        let agent = spawn();
        let down = agent.monitor();
        group.join(&agent).unwrap();
        drop(agent);
        system.block_on(down.down());
    });
    assert!(left < TOLERATED_BYTES, "{left} bytes of members that have ended");
    assert!(group.is_empty());
}

//! Those that trap exits.

use mabeam::{LocalAgent, Pinned};

use super::*;

#[tokio::test(start_paused = true)]
async fn one_that_traps_hears_of_every_reason_and_goes_on() {
    let system = system();
    let (one, mut seen) = probe(&system).await;
    trap(&one).await;
    for reason in [Reason::Normal, Reason::Shutdown, failed()] {
        let (other, _) = probe(&system).await;
        link(&one, &other).await;
        other.stop(reason.clone());
        assert_eq!(next(&mut seen).await, Seen::Exit(other.id(), reason));
    }
    let (other, _) = probe(&system).await;
    link(&other, &one).await;
    other.kill();
    assert_eq!(
        next(&mut seen).await,
        Seen::Exit(other.id(), Reason::Killed),
        "also if linked by it"
    );
    link(&one, &other).await;
    assert_eq!(next(&mut seen).await, Seen::Exit(other.id(), Reason::NoProc));
    assert_eq!(soon(one.call(Say(1))).await.unwrap(), 1);
    assert_eq!(next(&mut seen).await, Seen::Said(1));
}

#[tokio::test(start_paused = true)]
async fn trapping_counts_for_what_ends_from_then_on() {
    let system = system();
    let (one, mut seen) = probe(&system).await;
    let [two, three] = [probe(&system).await.0, probe(&system).await.0];
    link(&one, &two).await;
    link(&one, &three).await;
    trap(&one).await;
    two.kill();
    assert_eq!(next(&mut seen).await, Seen::Exit(two.id(), Reason::Killed));
    run(&one, |context| context.trap_exits(false)).await;
    three.kill();
    assert_eq!(end_of(&one).await, Reason::Killed);
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_when_trapping_ended_is_heard() {
    let system = system();
    let (one, mut seen) = probe(&system).await;
    let (two, _) = probe(&system).await;
    link(&one, &two).await;
    trap(&one).await;
    let hold = hold(&one).await;
    two.kill();
    end_of(&two).await;
    assert!(hold.send(Box::new(|context| context.trap_exits(false))).is_ok());
    assert_eq!(next(&mut seen).await, Seen::Exit(two.id(), Reason::Killed));
}

#[tokio::test(start_paused = true)]
async fn an_exit_needs_no_place_and_overtakes_mail() {
    let system = system();
    let (one, mut seen) = with_mailbox(&system, Mailbox::bounded(1)).await;
    let (two, _) = probe(&system).await;
    trap(&one).await;
    link(&one, &two).await;
    let hold = hold(&one).await;
    one.cast(Say(1)).unwrap();
    assert!(one.cast(Say(2)).is_err(), "full");
    two.kill();
    end_of(&two).await;
    drop(hold);
    assert_eq!(next(&mut seen).await, Seen::Exit(two.id(), Reason::Killed));
    assert_eq!(next(&mut seen).await, Seen::Said(1));
}

#[tokio::test(start_paused = true)]
async fn each_link_between_two_is_heard_once() {
    let system = system();
    let (one, mut seen) = probe(&system).await;
    let (two, _) = probe(&system).await;
    trap(&one).await;
    link(&one, &two).await;
    link(&two, &one).await;
    two.kill();
    for _ in 0..2 {
        assert_eq!(next(&mut seen).await, Seen::Exit(two.id(), Reason::Killed));
    }
    assert_eq!(soon(one.call(Say(1))).await.unwrap(), 1);
    assert_eq!(next(&mut seen).await, Seen::Said(1), "and no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_are_killed_at_once_each_is_heard_once() {
    const OTHERS: usize = 2_000;
    let system = system();
    let (hub, mut seen) = with_mailbox(&system, Mailbox::bounded(1)).await;
    trap(&hub).await;
    let mut others = Vec::new();
    for number in 0..OTHERS {
        let (other, _) = probe(&system).await;
        if number % 2 == 0 {
            link(&hub, &other).await;
        } else {
            link(&other, &hub).await;
        }
        others.push(other);
    }
    others.iter().for_each(AgentRef::kill);
    let mut heard = Vec::new();
    for _ in 0..OTHERS {
        match next(&mut seen).await {
            Seen::Exit(agent, Reason::Killed) => heard.push(agent),
            other => panic!("{other:?}"),
        }
    }
    heard.sort();
    assert!(heard.iter().eq(others.iter().map(AgentRef::id).collect::<Vec<_>>().iter()));
    assert_eq!(soon(hub.call(Say(1))).await.unwrap(), 1);
    assert_eq!(next(&mut seen).await, Seen::Said(1));
}

/// A pinned one that traps, and is linked at its start.
struct Local(AnyAgent, UnboundedSender<Seen>);

impl LocalAgent for Local {
    async fn init(&mut self, context: &mut Context<Pinned<Self>>) -> Result<(), Reason> {
        context.trap_exits(true);
        context.link(&self.0);
        Ok(())
    }

    async fn on_linked_exit(&mut self, exit: LinkedExit, _: &mut Context<Pinned<Self>>) {
        let _ = self.1.send(Seen::Exit(exit.agent, exit.reason));
    }
}

#[tokio::test]
async fn a_pinned_agent_traps_as_others_do() {
    let system = system();
    let (two, _) = probe(&system).await;
    let (sender, mut seen) = unbounded_channel();
    let other = two.any();
    let pinned = system.spawn_pinned(move || Local(other, sender)).await.unwrap();
    two.kill();
    assert_eq!(next(&mut seen).await, Seen::Exit(two.id(), Reason::Killed));
    assert!(!pinned.has_ended());
}

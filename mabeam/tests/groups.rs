//! Groups of agents: who is a member, and who gets what.

#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "support/keeper.rs"]
mod keeper;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use keeper::{Held, Keeper, LONG, Put, Seen, Wakes, hold};
use mabeam::{
    Agent, AgentRef, CallError, CastError, Config, Context, Dispatch, Group, GroupCallError,
    GroupError, Handler, JoinError, Mailbox, Message, Reason, System,
};
use tokio::time::timeout;

#[derive(Clone, Debug, PartialEq)]
struct Note(u64);

impl Message for Note {
    type Reply = usize;
}

impl Handler<Note> for Keeper {
    async fn handle(&mut self, Note(number): Note, context: &mut Context<Self>) -> usize {
        self.handle(Put(number), context).await
    }
}

/// Another agent that takes the same message.
struct Other(tokio::sync::mpsc::UnboundedSender<u64>);

impl Agent for Other {}

impl Handler<Note> for Other {
    async fn handle(&mut self, Note(number): Note, _: &mut Context<Self>) -> usize {
        let _ = self.0.send(number);
        0
    }
}

fn system() -> System {
    System::new(Config::default()).unwrap()
}

async fn members<const N: usize>(
    system: &System,
    group: &Group<Note>,
    mailbox: Mailbox,
) -> [AgentRef<Keeper>; N] {
    let mut agents = Vec::new();
    for _ in 0..N {
        let agent = system.spawn(Keeper::default()).mailbox(mailbox).await.unwrap();
        assert_eq!(group.join(&agent), Ok(true));
        agents.push(agent);
    }
    agents.try_into().unwrap()
}

/// Members that are held up, each with so many messages in its mailbox.
async fn loaded<const N: usize>(
    system: &System,
    group: &Group<Note>,
    waiting: [u64; N],
) -> [(AgentRef<Keeper>, Held); N] {
    let mut agents = Vec::new();
    for (agent, waiting) in
        members::<N>(system, group, Mailbox::bounded(15)).await.into_iter().zip(waiting)
    {
        let held = hold(&agent).await;
        (0..waiting).for_each(|_| agent.cast(Put(0)).unwrap());
        agents.push((agent, held));
    }
    agents.try_into().unwrap_or_else(|_| unreachable!("there are N"))
}

/// What each has seen since it was held up, without the filling.
async fn seen<const N: usize>(agents: [(AgentRef<Keeper>, Held); N]) -> [Vec<u64>; N] {
    let mut all = Vec::new();
    for (agent, held) in agents {
        held.let_go();
        let mut seen = agent.call(Seen).await.unwrap();
        seen.retain(|number| *number > 0);
        all.push(seen);
    }
    all.try_into().unwrap()
}

async fn ended(agent: AgentRef<Keeper>) {
    let monitor = agent.monitor();
    agent.kill();
    timeout(LONG, monitor.down()).await.unwrap().unwrap();
}

// ---- members ----

#[tokio::test]
async fn a_membership_has_ended_when_the_agents_down_is_delivered() {
    let (system, group) = (system(), Group::<Note>::new());
    let [agent, other] = members(&system, &group, Mailbox::default()).await;
    let id = agent.id();
    ended(agent.clone()).await;
    assert!(!group.contains(id) && group.contains(other.id()));
    assert_eq!(group.len(), 1);
    assert_eq!(group.join(&agent), Err(JoinError::Ended { agent: id }));
    assert!(!group.leave(id));
    // One that never had anything that ends with it.
    let agent = system.spawn(Keeper::default()).await.unwrap();
    agent.stop(Reason::Normal);
    while !matches!(agent.call(Seen).await, Err(CallError::Undelivered(CastError::Ended { .. }))) {}
    let joined = group.join(&agent);
    timeout(LONG, agent.monitor().down()).await.unwrap().unwrap();
    assert!(!group.contains(agent.id()), "{joined:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_joins_as_it_ends_is_no_member_afterwards() {
    let (system, group) = (system(), Group::<Note>::new());
    for _ in 0..300 {
        let agent = system.spawn(Keeper::default()).await.unwrap();
        let monitor = agent.monitor();
        let (joins, joined) = (agent.clone(), group.clone());
        let joins = thread::spawn(move || joined.join(&joins));
        agent.kill();
        timeout(LONG, monitor.down()).await.unwrap().unwrap();
        let was_member = joins.join().unwrap().is_ok();
        assert!(group.is_empty() && !group.contains(agent.id()), "joined: {was_member}");
    }
}

#[tokio::test]
async fn an_agent_is_a_member_once_until_it_leaves_and_may_come_back() {
    let (system, group) = (system(), Group::<Note>::new());
    let [agent] = members(&system, &group, Mailbox::default()).await;
    assert_eq!(group.join(agent.recipient()), Ok(false));
    assert_eq!(group.publish(&Note(1)).delivered, 1);
    assert!(group.leave(agent.id()) && !group.leave(agent.id()));
    assert!(group.is_empty());
    assert_eq!(group.publish(&Note(2)).delivered, 0);
    assert_eq!(group.join(agent.recipient()), Ok(true));
    assert_eq!(group.members(), [agent.recipient()]);
    assert_eq!(group.publish(&Note(3)).delivered, 1);
    assert_eq!(agent.call(Seen).await.unwrap(), [1, 3]);
    // The second membership ends with the agent, too.
    ended(agent).await;
    assert!(group.is_empty());
}

#[tokio::test]
async fn a_group_keeps_nobody_alive() {
    let (system, group) = (system(), Group::<Note>::new());
    let [agent] = members(&system, &group, Mailbox::default()).await;
    let monitor = agent.monitor();
    let _ = group.publish(&Note(1));
    drop(agent);
    let down = timeout(LONG, monitor.down()).await.unwrap().unwrap();
    assert_eq!(down.reason, Reason::Normal);
    assert!(group.is_empty() && group.members().is_empty());
}

#[tokio::test]
async fn a_group_has_as_many_members_as_its_limit_and_no_more() {
    let (system, group) = (system(), Group::<Note>::with_limit(2));
    let [one, _two] = members(&system, &group, Mailbox::default()).await;
    let third = system.spawn(Keeper::default()).await.unwrap();
    assert_eq!(group.join(&third), Err(JoinError::Full { limit: 2 }));
    assert_eq!(group.join(&one), Ok(false));
    assert!(group.leave(one.id()));
    assert_eq!(group.join(&third), Ok(true));
    assert_eq!(group.join(&one), Err(JoinError::Full { limit: 2 }));
}

// ---- publish ----

#[tokio::test]
async fn what_is_published_reaches_every_member_once_in_order_and_none_that_left() {
    let (system, group) = (system(), Group::<Note>::new());
    let [one, two, three] = members(&system, &group, Mailbox::default()).await;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let other = system.spawn(Other(sender)).await.unwrap();
    group.join(&other).unwrap();
    for number in 1..=9 {
        if number == 5 {
            group.leave(two.id());
        }
        let published = group.publish(&Note(number));
        assert_eq!(published.delivered, if number < 5 { 4 } else { 3 });
        assert!(published.refused.is_empty());
    }
    let all: Vec<u64> = (1..=9).collect();
    assert_eq!(one.call(Seen).await.unwrap(), all);
    assert_eq!(two.call(Seen).await.unwrap(), all[..4]);
    assert_eq!(three.call(Seen).await.unwrap(), all);
    for number in all {
        assert_eq!(timeout(LONG, receiver.recv()).await.unwrap(), Some(number));
    }
}

#[tokio::test]
async fn a_member_that_refuses_holds_up_nobody_and_is_reported_with_its_message() {
    let (system, group) = (system(), Group::<Note>::new());
    let [(full, full_held), (free, free_held), (gone, gone_held)] =
        loaded(&system, &group, [15, 0, 0]).await;
    // It ends when its handler does: nobody can get a handle any more.
    let gone_id = gone.id();
    drop(gone);
    let published = group.publish(&Note(7));
    assert_eq!(published.delivered, 1);
    let refused = published.refused;
    assert!(matches!(
        &refused[..],
        [
            CastError::Full { message: Note(7), agent: one, limit: 15 },
            CastError::Ended { message: Note(7), agent: two, .. },
        ] if *one == full.id() && *two == gone_id
    ));
    gone_held.let_go();
    assert_eq!(seen([(full, full_held), (free, free_held)]).await, [vec![], vec![7]]);
}

// ---- dispatch ----

#[tokio::test]
async fn round_robin_gives_each_member_its_turn() {
    let (system, group) = (system(), Group::<Note>::new());
    let agents: [_; 3] = members(&system, &group, Mailbox::default()).await;
    for number in 1..=7 {
        group.dispatch(Note(number), Dispatch::RoundRobin).unwrap();
    }
    let expected = [vec![1, 4, 7], vec![2, 5], vec![3, 6]];
    for (agent, expected) in agents.iter().zip(expected) {
        assert_eq!(agent.call(Seen).await.unwrap(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_robin_is_fair_whoever_dispatches_at_once() {
    let (system, group) = (system(), Group::<Note>::new());
    let agents: [_; 5] = members(&system, &group, Mailbox::default()).await;
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let group = group.clone();
            thread::spawn(move || {
                for number in 0..5_000 {
                    group.dispatch(Note(number), Dispatch::RoundRobin).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    for agent in &agents {
        assert_eq!(agent.call(Seen).await.unwrap().len(), 4_000);
    }
}

#[tokio::test]
async fn a_full_member_is_passed_over_and_its_neighbour_gets_no_more_for_it() {
    let (system, group) = (system(), Group::<Note>::new());
    let agents = loaded(&system, &group, [15, 0, 0]).await;
    for number in 1..=4 {
        group.dispatch(Note(number), Dispatch::RoundRobin).unwrap();
    }
    assert_eq!(seen(agents).await, [vec![], vec![1, 3], vec![2, 4]]);
}

#[tokio::test]
async fn least_loaded_picks_the_emptiest() {
    let (system, group) = (system(), Group::<Note>::new());
    let agents = loaded(&system, &group, [3, 1, 2]).await;
    // The second has the least; then it and the third, in turn; then all have three.
    for number in 1..=6 {
        group.dispatch(Note(number), Dispatch::LeastLoaded).unwrap();
    }
    assert_eq!(seen(agents).await, [vec![5], vec![1, 3, 6], vec![2, 4]]);
}

#[tokio::test]
async fn least_loaded_prefers_a_place_to_none_and_rest_to_work() {
    let (system, group) = (system(), Group::<Note>::new());
    let full = system.spawn(Keeper::default()).mailbox(Mailbox::bounded(1)).await.unwrap();
    group.join(&full).unwrap();
    let full_held = hold(&full).await;
    full.cast(Put(0)).unwrap();
    let [heavy, light] = loaded(&system, &group, [5, 3]).await;
    let unlimited = system.spawn(Keeper::default()).mailbox(Mailbox::unbounded()).await.unwrap();
    group.join(&unlimited).unwrap();
    group.dispatch(Note(1), Dispatch::LeastLoaded).unwrap();
    // Nothing waits for either; one is at work.
    let [busy] = loaded(&system, &group, [0]).await;
    let [rests] = members(&system, &group, Mailbox::bounded(15)).await;
    group.dispatch(Note(2), Dispatch::LeastLoaded).unwrap();
    assert_eq!(rests.call(Seen).await.unwrap(), [2]);
    assert_eq!(unlimited.call(Seen).await.unwrap(), [0; 0]);
    let seen = seen([(full, full_held), heavy, light, busy]).await;
    assert_eq!(seen, [vec![], vec![], vec![1], vec![]]);
}

#[tokio::test]
async fn a_message_that_nobody_takes_comes_back() {
    let (system, group) = (system(), Group::<Note>::new());
    for how in [Dispatch::RoundRobin, Dispatch::LeastLoaded] {
        let refused = group.dispatch(Note(1), how).unwrap_err();
        assert_eq!((refused.message, refused.full, refused.ended), (Note(1), 0, 0));
    }
    let [one, two, (gone, _held)] = loaded(&system, &group, [15, 15, 0]).await;
    drop(gone);
    for how in [Dispatch::RoundRobin, Dispatch::LeastLoaded] {
        let refused = group.dispatch(Note(2), how).unwrap_err();
        assert_eq!((refused.full, refused.ended), (2, 1));
        assert_eq!(refused.message, Note(2));
        let refused = group.call(Note(3), how).await.unwrap_err();
        assert!(matches!(&refused, GroupCallError::Undispatched(_)), "{refused}");
        assert_eq!(refused.into_message(), Some(Note(3)));
    }
    assert_eq!(seen([one, two]).await, [Vec::<u64>::new(), Vec::new()]);
}

// ---- call ----

#[tokio::test]
async fn a_call_is_answered_by_the_next_that_has_a_place() {
    let (system, group) = (system(), Group::<Note>::new());
    let [full] = loaded(&system, &group, [15]).await;
    let [one, two] = members(&system, &group, Mailbox::default()).await;
    one.call(Put(0)).await.unwrap();
    let mut answers = Vec::new();
    for number in 1..=4 {
        answers.push(group.call(Note(number), Dispatch::RoundRobin).await.unwrap());
    }
    assert_eq!(answers, [2, 1, 3, 2]);
    assert_eq!(two.call(Seen).await.unwrap(), [2, 4]);
    assert_eq!(seen([full]).await, [Vec::<u64>::new()]);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_by_its_deadline_or_with_its_member() {
    let (system, group) = (system(), Group::<Note>::new());
    let [(agent, held)] = loaded(&system, &group, [0]).await;
    let (began, deadline) = (tokio::time::Instant::now(), Duration::from_millis(250));
    let late = group.call(Note(1), Dispatch::RoundRobin).deadline(deadline).await.unwrap_err();
    assert!(matches!(
        late,
        GroupCallError::Call(CallError::Deadline { agent: id, after })
            if id == agent.id() && after == deadline
    ));
    assert_eq!(began.elapsed(), deadline);
    let late = group.call(Note(2), Dispatch::RoundRobin).await.unwrap_err();
    assert!(matches!(late, GroupCallError::Call(CallError::Deadline { .. })));
    assert_eq!(began.elapsed(), deadline + Config::default().call_deadline);
    // One that nobody waits for any more is skipped.
    held.let_go();
    assert_eq!(agent.call(Seen).await.unwrap(), [0; 0]);
    let _held = hold(&agent).await;
    let mut call = group.call(Note(3), Dispatch::RoundRobin).into_future();
    assert!(Wakes::new().poll(std::pin::Pin::new(&mut call)).is_pending());
    agent.kill();
    let gone = call.await.unwrap_err();
    assert!(matches!(gone, GroupCallError::Call(CallError::Exited { reason: Reason::Killed, .. })));
}

#[tokio::test]
async fn a_call_of_an_idle_member_is_lent() {
    let mut config = Config::default();
    config.lendable = Duration::MAX;
    let (system, group) = (System::new(config).unwrap(), Group::<Note>::new());
    let [_agent] = members(&system, &group, Mailbox::default()).await;
    let calls = async {
        loop {
            let mut call = group.call(Note(1), Dispatch::RoundRobin).into_future();
            match Wakes::new().poll(std::pin::Pin::new(&mut call)) {
                Poll::Ready(answer) => return answer.unwrap(),
                Poll::Pending => drop(call.await.unwrap()),
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, calls).await.unwrap();
}

// ---- names ----

#[tokio::test]
async fn a_name_leads_all_to_one_group_of_one_message() {
    let system = system();
    let group = system.group::<Note>("jobs/learners").unwrap();
    let [agent] = members(&system, &group, Mailbox::default()).await;
    assert!(system.group::<Note>("jobs/learners").unwrap().contains(agent.id()));
    assert!(system.group::<Note>("jobs/others").unwrap().is_empty());
    let wrong = system.group::<Put>("jobs/learners").unwrap_err();
    let GroupError::WrongType { name, expected, found } = &wrong else { panic!("{wrong}") };
    assert_eq!(name, "jobs/learners");
    assert!(expected.ends_with("Put") && found.ends_with("Note"), "{wrong}");
    assert!(matches!(system.group::<Put>(""), Err(GroupError::Name(_))));
    let elsewhere = System::new(Config::default()).unwrap();
    assert!(elsewhere.group::<Note>("jobs/learners").unwrap().is_empty());
}

#[tokio::test]
async fn a_named_group_lives_while_it_has_a_handle_or_a_member() {
    let system = system();
    let group = system.group::<Note>("g").unwrap();
    let [agent] = members(&system, &group, Mailbox::default()).await;
    drop(group);
    assert_eq!(system.group::<Note>("g").unwrap().publish(&Note(1)).delivered, 1);
    assert!(system.group::<Put>("g").is_err());
    // Without members and handles the name is free for another message.
    ended(agent).await;
    let group = system.group::<Put>("g").unwrap();
    let agent = system.spawn(Keeper::default()).await.unwrap();
    group.join(&agent).unwrap();
    assert!(system.group::<Note>("g").is_err());
    assert!(group.leave(agent.id()));
    drop(group);
    let group = system.group::<Note>("g").unwrap();
    assert!(group.is_empty());
    // A handle alone keeps it, too.
    assert!(system.group::<Put>("g").is_err());
}

// ---- all at once ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_leaves_and_publishing_at_once_end_in_one_state_and_keep_each_order() {
    const ROUNDS: usize = 200;
    let (system, group) = (system(), Group::<Note>::new());
    let mut agents = Vec::new();
    for _ in 0..16 {
        let agent = system.spawn(Keeper::default()).mailbox(Mailbox::unbounded()).await.unwrap();
        agents.push(agent);
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let publishes = {
        let (group, is_over) = (group.clone(), Arc::clone(&is_over));
        thread::spawn(move || {
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                number += 1;
                assert!(group.publish(&Note(number)).refused.is_empty());
            }
            number
        })
    };
    // Several have to do with each agent. Whoever made it a member, or no member, counts that.
    let moves: Vec<_> = (0..4)
        .map(|part| {
            let (group, agents) = (group.clone(), agents.clone());
            thread::spawn(move || {
                let mut count = 0_isize;
                for step in 0..ROUNDS * 8 {
                    let agent = &agents[(part * 4 + step % 8) % agents.len()];
                    count += isize::from(group.join(agent).unwrap());
                    if step < ROUNDS * 8 - 4 {
                        count -= isize::from(group.leave(agent.id()));
                    }
                }
                count
            })
        })
        .collect();
    let count: isize = moves.into_iter().map(|mover| mover.join().unwrap()).sum();
    assert_eq!(group.len(), usize::try_from(count).unwrap());
    assert_eq!(group.members().len(), group.len());
    is_over.store(true, Ordering::Relaxed);
    let last = publishes.join().unwrap();
    for agent in &agents {
        let seen = agent.call(Seen).await.unwrap();
        assert!(seen.is_sorted_by(|one, two| one < two) && seen.iter().all(|n| *n <= last));
    }
    for (index, agent) in agents.iter().enumerate() {
        if index % 2 == 0 {
            group.join(agent).unwrap();
        } else {
            group.leave(agent.id());
        }
    }
    assert_eq!(group.len(), 8);
    assert_eq!(group.publish(&Note(u64::MAX)).delivered, 8);
    for (index, agent) in agents.iter().enumerate() {
        let seen = agent.call(Seen).await.unwrap();
        let finals = seen.iter().filter(|number| **number == u64::MAX).count();
        assert_eq!(finals, usize::from(index % 2 == 0));
    }
}

//! One agent never runs in two places; messages stay in order for each sender; a cast runs nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use mabeam::{AgentRef, System};
use tokio::sync::oneshot;

use crate::support::{
    Do, Doer, does, is_marked, join, learn, lender, lends, mark, on_both, on_two_workers, park,
};

/// Work that notices if other work of its kind runs at the same time.
fn alone(busy: &Arc<AtomicBool>, clashes: &Arc<AtomicUsize>, waits: bool) -> Do<()> {
    let (busy, clashes) = (Arc::clone(busy), Arc::clone(clashes));
    does(async move {
        if busy.swap(true, Ordering::Relaxed) {
            clashes.fetch_add(1, Ordering::Relaxed);
        }
        if waits {
            tokio::task::yield_now().await;
        }
        busy.store(false, Ordering::Relaxed);
    })
}

#[test]
fn one_agent_never_runs_in_two_places() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let (busy, clashes) = (Arc::default(), Arc::default());
        let callers = (0..4_usize).map(|caller| {
            let (agent, busy, clashes) = (agent.clone(), Arc::clone(&busy), Arc::clone(&clashes));
            tokio::spawn(async move {
                for step in caller..caller + 500 {
                    let work = alone(&busy, &clashes, step % 3 == 0);
                    if step % 5 == 0 {
                        agent.cast(work).unwrap();
                    } else {
                        agent.call(work).await.unwrap();
                    }
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        agent.call(does(async {})).await.unwrap();
        assert_eq!(clashes.load(Ordering::Relaxed), 0);
    });
}

/// Sends `count` numbered messages, every seventh as a call.
async fn send(agent: AgentRef<Doer>, sender: usize, count: usize, seen: Seen) {
    for number in 0..count {
        let seen = Arc::clone(&seen);
        let work = does(async move { seen.lock().unwrap()[sender].push(number) });
        if number % 7 == 6 {
            agent.call(work).await.unwrap();
        } else {
            agent.cast(work).unwrap();
        }
    }
}

type Seen = Arc<Mutex<Vec<Vec<usize>>>>;

#[test]
fn messages_of_each_of_many_senders_stay_in_order() {
    const TASKS: usize = 6;
    const THREADS: usize = 2;
    const COUNT: usize = 1_000;
    on_two_workers(async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let seen: Seen = Arc::new(Mutex::new(vec![Vec::new(); TASKS + THREADS]));
        let threads: Vec<_> = (TASKS..TASKS + THREADS)
            .map(|sender| {
                let (agent, seen) = (agent.clone(), Arc::clone(&seen));
                let (ended, end) = oneshot::channel();
                let thread = thread::spawn(move || {
                    park(send(agent, sender, COUNT, seen));
                    ended.send(()).unwrap();
                });
                (thread, end)
            })
            .collect();
        let tasks: Vec<_> = (0..TASKS)
            .map(|sender| tokio::spawn(send(agent.clone(), sender, COUNT, Arc::clone(&seen))))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        for (thread, end) in threads {
            end.await.unwrap();
            join(thread);
        }
        agent.call(does(async {})).await.unwrap();
        let seen = seen.lock().unwrap();
        for sender in seen.iter() {
            assert_eq!(*sender, (0..COUNT).collect::<Vec<_>>());
        }
    });
}

#[test]
fn casts_and_calls_of_one_sender_stay_in_order_also_if_it_does_not_wait_in_between() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = |number: usize| {
            let seen = Arc::clone(&seen);
            does(async move { seen.lock().unwrap().push(number) })
        };
        for round in 0..100 {
            let at = round * 5;
            agent.cast(notes(at)).unwrap();
            let (first, second, third) =
                tokio::join!(agent.call(notes(at + 1)), agent.call(notes(at + 2)), async {
                    agent.cast(notes(at + 3)).unwrap();
                    agent.call(notes(at + 4)).await
                });
            first.and(second).and(third).unwrap();
        }
        assert_eq!(*seen.lock().unwrap(), (0..500).collect::<Vec<_>>());
    });
}

#[test]
fn a_cast_never_runs_a_handler_on_the_senders_stack() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let on_its_stack = Arc::new(AtomicUsize::new(0));
        for _ in 0..200 {
            let noted = Arc::clone(&on_its_stack);
            let notes = async move {
                noted.fetch_add(usize::from(is_marked()), Ordering::Relaxed);
            };
            mark(|| agent.cast(does(notes))).unwrap();
            agent.call(does(async {})).await.unwrap();
        }
        assert_eq!(on_its_stack.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_cast_within_a_handler_runs_nothing_on_its_stack_either() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (from, to) = (system.spawn(Doer).await.unwrap(), system.spawn(Doer).await.unwrap());
        learn::<()>(&from).await;
        let (noted, note) = oneshot::channel();
        let target = to.clone();
        let casts = async move {
            let notes = async move { noted.send(is_marked()).unwrap() };
            mark(|| target.cast(does(notes))).unwrap();
        };
        from.call(does(casts)).await.unwrap();
        assert!(!note.await.unwrap());
    });
}

//! Monitors: one `Down` each, in order, unless taken back.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_monitor_hears_once_why_also_of_agents_of_any_type() {
    let mut bench = Bench::new().await;
    let other = bench.other().await;
    let (handle, any) = (other.clone(), other.any());
    let [one, two] =
        bench.run(move |_, context| [context.monitor(&handle), context.monitor(&any)]).await;
    assert_ne!(one, two);
    let reason = Reason::Failed("out of paper".into());
    other.stop(reason.clone());
    assert_eq!(bench.next().await, Seen::Down(one, reason.clone()));
    assert_eq!(bench.next().await, Seen::Down(two, reason));
    bench.expect_nothing().await;
    let is_there = bench.run(move |_, context| context.demonitor(one)).await;
    assert!(!is_there, "it was heard");
}

#[tokio::test(start_paused = true)]
async fn of_an_agent_that_has_ended_it_hears_at_once() {
    let mut bench = Bench::new().await;
    let other = bench.other().await;
    other.kill();
    other.monitor().down().await.unwrap();
    let [one, two] =
        bench.run(move |_, context| [context.monitor(&other), context.monitor(&other)]).await;
    assert_ne!(one, two);
    assert_eq!(bench.next().await, Seen::Down(one, Reason::NoProc));
    assert_eq!(bench.next().await, Seen::Down(two, Reason::NoProc));
    bench.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_down_needs_no_place_and_overtakes_mail() {
    let mut bench = Bench::with(Mailbox::bounded(1)).await;
    let others = [bench.other().await, bench.other().await];
    let [first, second] = others.clone();
    let [first, second] =
        bench.run(move |_, context| [context.monitor(&first), context.monitor(&second)]).await;
    let hold = hold(&bench.probe).await;
    others[0].kill();
    others[0].monitor().down().await.unwrap();
    bench.probe.cast(Say(1)).unwrap();
    assert!(bench.probe.cast(Say(2)).is_err(), "full");
    others[1].kill();
    others[1].monitor().down().await.unwrap();
    drop(hold);
    assert_eq!(bench.next().await, Seen::Down(first, Reason::Killed));
    assert_eq!(bench.next().await, Seen::Down(second, Reason::Killed));
    assert_eq!(bench.next().await, Seen::Said(1));
}

#[tokio::test(start_paused = true)]
async fn a_monitor_that_was_taken_back_is_silent() {
    let mut bench = Bench::new().await;
    let other = bench.other().await;
    let handle = other.clone();
    let early = bench.run(move |_, context| context.monitor(&handle)).await;
    assert!(bench.run(move |_, context| context.demonitor(early)).await);
    assert!(!bench.run(move |_, context| context.demonitor(early)).await);
    let handle = other.clone();
    let [late, stays] =
        bench.run(move |_, context| [context.monitor(&handle), context.monitor(&handle)]).await;
    let hold = hold(&bench.probe).await;
    other.kill();
    other.monitor().down().await.unwrap();
    let last = move |context: &mut Context<Probe>| assert!(context.demonitor(late), "on its way");
    assert!(hold.send(Box::new(move |_, context| last(context))).is_ok());
    assert_eq!(bench.next().await, Seen::Down(stays, Reason::Killed));
    bench.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn agents_may_monitor_each_other_and_themselves() {
    let mut bench = Bench::new().await;
    let (other, mut seen) = probe(&bench.system, Mailbox::default()).await;
    let (one, two) = (bench.probe.downgrade(), other.downgrade());
    bench
        .run(move |_, context| {
            let own = context.handle();
            context.monitor(&own);
            context.monitor(&two.upgrade().unwrap());
        })
        .await;
    let id =
        other.call(run(move |_, context| context.monitor(&one.upgrade().unwrap()))).await.unwrap();
    assert_eq!(end_of(bench.probe).await, Reason::Normal);
    assert_eq!(seen.recv().await.unwrap().0, Seen::Down(id, Reason::Normal));
    assert_eq!(bench.seen.recv().await, None, "it told nothing before it ended");
    assert_eq!(end_of(other).await, Reason::Normal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_are_killed_at_once_every_one_is_heard() {
    const OTHERS: usize = 2_000;
    let mut bench = Bench::with(Mailbox::bounded(1)).await;
    let mut others = Vec::new();
    for _ in 0..OTHERS {
        others.push(bench.other().await);
    }
    let handles = others.clone();
    let mut ids: Vec<_> = bench
        .run(move |_, context| {
            handles.iter().map(|other| context.monitor(other)).collect::<Vec<_>>()
        })
        .await;
    others.iter().for_each(AgentRef::kill);
    let mut heard = Vec::new();
    for _ in 0..OTHERS {
        match bench.next().await {
            Seen::Down(id, Reason::Killed) => heard.push(id),
            other => panic!("{other:?}"),
        }
    }
    ids.sort();
    heard.sort();
    assert_eq!(heard, ids);
}

//! Streams: order, waiting for a place, and their ends.

use super::*;

#[tokio::test(start_paused = true)]
async fn items_come_in_order_and_wait_for_a_place_each() {
    for when_full in [WhenFull::Wait, WhenFull::Reject] {
        let mut bench = Bench::with(Mailbox::bounded(2).when_full(when_full)).await;
        let items = Items::new(0..100);
        let taken = Arc::clone(&items.taken);
        let attach = |_: &mut Probe, context: &mut Context<Probe>| context.attach(items, Say);
        let (hold, task) = hold_after(&bench.probe, attach).await;
        pass(1000).await;
        assert_eq!(taken.load(Ordering::Relaxed), 3, "two have a place and one waits");
        assert!(!task.is_finished());
        drop(hold);
        for number in 0..100 {
            assert_eq!(bench.next().await, Seen::Said(number));
        }
        pass(1).await;
        assert!(task.is_finished(), "with the stream");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_agent_or_when_it_is_detached() {
    for is_detached in [false, true] {
        let bench = Bench::new().await;
        let (held, gone) = held();
        // What the stream holds beside its items.
        let items = Items { is_endless: true, ..Items::new([1]) };
        let task = bench
            .run(|_, context| {
                context.attach(items, move |number| {
                    let _held = &held;
                    Say(number)
                })
            })
            .await;
        pass(1).await;
        assert!(!task.is_finished());
        if is_detached {
            task.abort();
        } else {
            bench.probe.kill();
        }
        gone.await;
        pass(1).await;
        assert!(task.is_finished());
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_waits_for_a_place_goes_with_the_agent() {
    let bench = Bench::with(Mailbox::bounded(1)).await;
    let (first, first_gone) = held();
    let (second, second_gone) = held();
    let (_hold, task) = hold_after(&bench.probe, |_, context| {
        context.attach(Items::new([first, second]), |held| held)
    })
    .await;
    pass(100).await;
    assert!(!task.is_finished(), "the second one waits");
    bench.probe.kill();
    first_gone.await;
    second_gone.await;
}

#[tokio::test]
async fn a_stream_that_is_always_ready_lets_others_run() {
    const ITEMS: u32 = 100_000;
    let mut bench = Bench::with(Mailbox::unbounded()).await;
    let items = Items::new(0..ITEMS);
    let taken = Arc::clone(&items.taken);
    bench.run(|_, context| context.attach(items, Say)).await;
    assert_eq!(bench.next().await, Seen::Said(0));
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < ITEMS, "the agent ran before all were taken");
}

#[tokio::test]
async fn a_panic_where_items_become_messages_ends_the_stream_alone() {
    let mut bench = Bench::new().await;
    let (held, gone) = held();
    bench
        .run(|_, context| {
            context.attach(Items::new(0..3), move |number| {
                let _held = &held;
                assert!(number < 1, "as it should");
                Say(number)
            })
        })
        .await;
    gone.await;
    assert_eq!(bench.next().await, Seen::Said(0));
    assert_eq!(bench.probe.call(Say(9)).await.unwrap(), 9);
    assert_eq!(bench.next().await, Seen::Said(9));
}

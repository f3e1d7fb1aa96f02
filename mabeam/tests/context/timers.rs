//! Timers: when they fire, that they can be cancelled, and how they end.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_message_comes_after_its_delay_also_if_the_timer_is_dropped() {
    let mut bench = Bench::new().await;
    let timer = bench
        .run(|_, context| {
            context.send_after(ms(700), Say(7));
            drop(context.send_after(ms(300), Say(3)));
            context.send_after(ms(500), Say(5))
        })
        .await;
    assert!(!timer.is_finished());
    for number in [3_u32, 5, 7] {
        let (seen, at) = bench.next_at().await;
        assert_eq!(seen, Seen::Said(number));
        let due = u128::from(number) * 100;
        assert!((due..due + 5).contains(&at), "{number} at {at} ms");
    }
    assert!(timer.is_finished());
    bench.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_dies_with_its_agent() {
    for is_killed in [false, true] {
        let bench = Bench::new().await;
        let (held, gone) = held();
        let (after, every) = bench
            .run(|_, context| {
                let every = context.send_every(ms(50_000_000), || Say(1));
                (context.send_after(ms(50_000_000), held), every)
            })
            .await;
        if is_killed {
            bench.probe.kill();
        } else {
            bench.probe.stop(Reason::Shutdown);
        }
        gone.await;
        pass(1).await;
        assert!(after.is_finished() && every.is_finished());
    }
}

/// Sets two timers, lets both fire into the mailbox while it is busy, and cancels one.
struct CancelLate;

impl Message for CancelLate {
    type Reply = ();
}

impl Handler<CancelLate> for Probe {
    async fn handle(&mut self, _: CancelLate, context: &mut Context<Self>) {
        let timers = [1, 2].map(|number| context.send_after(ms(1), Say(number)));
        let often = context.send_every(ms(1), || Say(3));
        pass(10).await;
        assert!(timers.iter().all(Timer::is_finished), "both have fired");
        timers[0].cancel();
        often.cancel();
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_is_silent_even_if_its_message_waits_already() {
    let mut bench = Bench::new().await;
    bench.probe.call(CancelLate).await.unwrap();
    assert_eq!(bench.next().await, Seen::Said(2));
    bench.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_drops_its_message_and_never_fires() {
    let mut bench = Bench::new().await;
    let (held, gone) = held();
    let timer = bench.run(|_, context| context.send_after(ms(60_000), held)).await;
    timer.cancel();
    gone.await;
    bench.expect_nothing().await;
    assert!(timer.is_finished());
}

#[tokio::test(start_paused = true)]
async fn ticks_come_at_multiples_of_the_period_and_missed_ones_are_skipped() {
    let mut bench = Bench::new().await;
    let timer = bench.run(|_, context| context.send_every(ms(100), || Say(1))).await;
    let mut at = vec![bench.next_at().await.1];
    tokio::time::advance(ms(250)).await;
    for _ in 0..3 {
        at.push(bench.next_at().await.1);
    }
    // Timers round up to the next millisecond.
    let close = |at: &u128, due: u128| (due..due + 5).contains(at);
    assert!(close(&at[0], 100) && close(&at[1], 350), "{at:?}");
    assert!(close(&at[2], 400) && close(&at[3], 500), "{at:?}");
    timer.cancel();
    bench.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_finds_the_mailbox_full_is_skipped() {
    let mut bench = Bench::with(Mailbox::bounded(1)).await;
    let mut made = 0;
    let message = move || {
        made += 1;
        Say(made)
    };
    bench.run(move |_, context| context.send_every(ms(100), message)).await;
    let hold = hold(&bench.probe).await;
    pass(550).await;
    drop(hold);
    assert_eq!(bench.next().await, Seen::Said(1));
    assert_eq!(bench.next().await, Seen::Said(6), "those between found it full");
    assert_eq!(bench.next().await, Seen::Said(7));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_finds_the_mailbox_full_waits_whatever_others_do() {
    let mut bench = Bench::with(Mailbox::bounded(1).when_full(WhenFull::Reject)).await;
    bench.run(|_, context| context.send_after(ms(100), Say(2))).await;
    let hold = hold(&bench.probe).await;
    bench.probe.cast(Say(1)).unwrap();
    pass(500).await;
    assert!(bench.probe.cast(Say(3)).is_err(), "full");
    drop(hold);
    assert_eq!(bench.next().await, Seen::Said(1));
    assert_eq!(bench.next().await, Seen::Said(2));
}

#[tokio::test(start_paused = true)]
async fn the_shortest_and_the_longest_times_are_taken() {
    let mut bench = Bench::new().await;
    bench
        .run(|_, context| {
            context.send_after(Duration::MAX, Say(0));
            context.send_every(Duration::MAX, || Say(0));
            context.send_after(Duration::ZERO, Say(1));
        })
        .await;
    assert_eq!(bench.next().await, Seen::Said(1));
    bench.expect_nothing().await;
    bench.run(|_, context| context.send_every(Duration::ZERO, || Say(2))).await;
    for _ in 0..3 {
        assert_eq!(bench.next().await, Seen::Said(2));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_an_agent_has_keeps_it_alive() {
    let bench = Bench::new().await;
    let other = bench.other().await;
    bench
        .run(move |_, context| {
            context.send_after(ms(50_000_000), Say(1));
            context.send_every(ms(100), || Say(1));
            context.spawn(pending());
            context.attach(Items { is_endless: true, ..Items::new([]) }, Say);
            context.monitor(&other);
        })
        .await;
    assert_eq!(end_of(bench.probe).await, Reason::Normal);
}

//! Forwarded messages: who answers, and who is told when nobody can.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_caller_is_answered_by_the_target_and_the_forwarder_goes_on() {
    let bench = Bench::new().await;
    let target = bench.other().await;
    // The first calls are queued, later ones lent.
    for number in 0..100 {
        assert_eq!(bench.probe.call(Pass(target.clone(), number)).await.unwrap(), number);
    }
    let hold = hold(&target).await;
    let waits = tokio::spawn({
        let (probe, target) = (bench.probe.clone(), target.clone());
        async move { probe.call(Pass(target, 7)).await.unwrap() }
    });
    pass(10).await;
    assert_eq!(bench.probe.call(Say(8)).await.unwrap(), 8, "the target is still held");
    assert!(!waits.is_finished());
    drop(hold);
    assert_eq!(waits.await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_told_that_the_target_has_ended_or_ends() {
    let bench = Bench::new().await;
    let target = bench.other().await;
    let hold = hold(&target).await;
    let reason = Reason::Failed("out of paper".into());
    let waits = tokio::spawn({
        let (probe, target) = (bench.probe.clone(), target.clone());
        async move { probe.call(Pass(target, 7)).await }
    });
    pass(10).await;
    target.stop(reason.clone());
    drop(hold);
    let is_told = |answer: Result<u32, CallError<Pass>>| matches!(answer, Err(CallError::Exited { reason: why, .. }) if why == reason);
    assert!(is_told(waits.await.unwrap()), "ended before it began");
    target.monitor().down().await.unwrap();
    assert!(is_told(bench.probe.call(Pass(target, 8)).await), "had ended");
    assert_eq!(bench.probe.call(Say(9)).await.unwrap(), 9, "the forwarder goes on");
}

#[tokio::test(start_paused = true)]
async fn an_ended_target_whose_mailbox_was_full_has_ended_and_is_not_full() {
    let bench = Bench::new().await;
    let (target, _seen) = probe(&bench.system, Mailbox::bounded(1)).await;
    let _hold = hold(&target).await;
    target.cast(Say(1)).unwrap();
    target.kill();
    target.monitor().down().await.unwrap();
    let answer = bench.probe.call(Pass(target, 8)).await;
    assert!(matches!(answer, Err(CallError::Exited { reason: Reason::Killed, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_full_target_leaves_the_caller_without_an_answer_at_once() {
    let bench = Bench::new().await;
    let (target, mut seen) = probe(&bench.system, Mailbox::bounded(1)).await;
    let hold = hold(&target).await;
    target.cast(Say(1)).unwrap();
    let before = Instant::now();
    let answer = bench.probe.call(Pass(target.clone(), 7)).await;
    assert!(matches!(answer, Err(CallError::NoReply { agent }) if agent == bench.probe.id()));
    assert_eq!(before.elapsed(), Duration::ZERO);
    drop(hold);
    assert_eq!(seen.recv().await.unwrap().0, Seen::Said(1));
    assert_eq!(bench.probe.call(Pass(target, 8)).await.unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_cast_that_cannot_be_passed_on_is_a_dead_letter() {
    let bench = Bench::new().await;
    let (target, _seen) = probe(&bench.system, Mailbox::bounded(1)).await;
    let mut letters = bench.system.dead_letters();
    let hold = hold(&target).await;
    target.cast(Say(1)).unwrap();
    bench.probe.cast(Pass(target.clone(), 2)).unwrap();
    let full = letters.next().await.unwrap();
    assert_eq!((full.agent, bench.system.dead_letter_count()), (target.id(), 1));
    assert!(full.message.ends_with("Say"), "{full:?}");
    assert!(full.reason.to_string().contains("full"), "{full:?}");
    drop(hold);
    assert_eq!(target.call(Say(2)).await.unwrap(), 2);
    target.kill();
    target.monitor().down().await.unwrap();
    bench.probe.cast(Pass(target.clone(), 3)).unwrap();
    let ended = letters.next().await.unwrap();
    assert_eq!((ended.agent, ended.reason.clone()), (target.id(), Reason::Killed));
}

#[tokio::test(start_paused = true)]
async fn when_the_callers_deadline_passes_the_target_skips_the_message() {
    let bench = Bench::new().await;
    let (target, mut seen) = probe(&bench.system, Mailbox::default()).await;
    let hold = hold(&target).await;
    let call = bench.probe.call(Pass(target.clone(), 7)).deadline(ms(50));
    assert!(matches!(call.await, Err(CallError::Deadline { .. })));
    drop(hold);
    assert_eq!(target.call(Say(8)).await.unwrap(), 8);
    assert_eq!(seen.recv().await.unwrap().0, Seen::Said(8), "7 was skipped");
}

#[tokio::test(start_paused = true)]
async fn a_message_can_be_passed_on_to_oneself() {
    let bench = Bench::new().await;
    let own = bench.probe.clone();
    assert_eq!(bench.probe.call(Pass(own, 1)).await.unwrap(), 1);
}

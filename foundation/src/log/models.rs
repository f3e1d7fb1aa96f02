//! Every interleaving of small programs on a log, explored by loom.
//!
//! `RUSTFLAGS="--cfg foundation_loom" cargo test -p foundation --lib --release loom_`

use std::task::{Context, Waker};

use loom::future::block_on;
use loom::thread;

use super::{Log, NextError, Retention, Start};

fn log() -> Log<u32> {
    Log::new(Retention::default())
}

#[test]
fn loom_a_waiting_subscriber_is_woken_by_an_append() {
    loom::model(|| {
        let log = log();
        let mut subscription = log.subscribe(Start::Next);
        let appender = thread::spawn(move || {
            log.append(1);
            log.append(2);
            log
        });
        assert_eq!(block_on(subscription.next()), Ok(1));
        assert_eq!(block_on(subscription.next()), Ok(2));
        appender.join().unwrap();
    });
}

#[test]
fn loom_two_appenders_make_one_order_without_gaps() {
    loom::model(|| {
        let log = log();
        let mut live = log.subscribe(Start::Next);
        let other = log.clone();
        let appender = thread::spawn(move || other.append(2).get());
        let own = log.append(1).get();
        let seen = [block_on(live.next()), block_on(live.next())];
        let others = appender.join().unwrap();
        let mut numbers = [own, others];
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2]);
        let mut late = log.subscribe(Start::Oldest);
        assert_eq!(seen, [block_on(late.next()), block_on(late.next())]);
        assert_eq!(seen[0], Ok(if own == 1 { 1 } else { 2 }));
    });
}

#[test]
fn loom_closing_ends_a_wait_after_the_last_entry() {
    loom::model(|| {
        let log = log();
        let mut subscription = log.subscribe(Start::Next);
        let writer = thread::spawn(move || {
            log.append(7);
            drop(log);
        });
        assert_eq!(block_on(subscription.next()), Ok(7));
        assert_eq!(block_on(subscription.next()), Err(NextError::Closed));
        writer.join().unwrap();
    });
}

#[test]
fn loom_a_subscriber_that_leaves_disturbs_neither_writer_nor_reader() {
    loom::model(|| {
        let log = log();
        let mut leaves = log.subscribe(Start::Next);
        let mut stays = log.subscribe(Start::Next);
        assert!(leaves.poll_next(&mut Context::from_waker(Waker::noop())).is_pending());
        let quitter = thread::spawn(move || drop(leaves));
        let writer = thread::spawn(move || {
            log.append(1);
        });
        assert_eq!(block_on(stays.next()), Ok(1));
        quitter.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn loom_the_last_subscriber_takes_unwanted_entries_with_it() {
    loom::model(|| {
        let retention = Retention { only_while_subscribed: true, ..Retention::default() };
        let log = Log::new(retention);
        let subscription = log.subscribe(Start::Next);
        let quitter = thread::spawn(move || drop(subscription));
        log.append(1);
        quitter.join().unwrap();
        assert_eq!(log.first_kept(), log.next_sequence());
    });
}

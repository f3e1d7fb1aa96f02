//! What OTP does not have: backoff, and children without number.

use super::*;

fn exact() -> Backoff {
    Backoff { jitter_percent: 0, ..Backoff::default() }
}

fn delays(rig: &mut Rig, id: ChildId, times: usize) -> Vec<Duration> {
    (0..times)
        .map(|_| {
            rig.crash(id);
            let (incarnation, delay) = rig.timers.pop().unwrap();
            rig.engine.backoff_over(incarnation);
            rig.settle();
            delay
        })
        .collect()
}

#[test]
fn a_wait_grows_to_its_limit_and_starts_over_after_a_long_run() {
    let ms = Duration::from_millis;
    let backoff = Some(Backoff { limit: ms(700), ..exact() });
    let specs = [Spec { backoff, ..Spec::default() }];
    let (mut rig, ids) = Rig::begun(flags(Strategy::OneForOne), &specs);
    assert_eq!(delays(&mut rig, ids[0], 5), [100, 200, 400, 700, 700].map(ms));
    rig.now = Duration::from_nanos(59_999_999_999);
    assert_eq!(delays(&mut rig, ids[0], 1), [ms(700)]);
    rig.now += 60 * S;
    assert_eq!(delays(&mut rig, ids[0], 2), [100, 200].map(ms));
}

#[test]
fn jitter_shortens_a_wait_by_its_share_at_most_and_comes_from_the_seed() {
    let backoff = Backoff { first: S, factor: 1, jitter_percent: 20, ..Backoff::default() };
    let delay =
        |seed, child, number| backoff.delay(seed, Incarnation { child: ChildId(child), number }, 0);
    let all: Vec<_> = (0..1_000).map(|n| delay(1, n, 1)).collect();
    assert!(all.iter().all(|&it| it > S * 8 / 10 && it <= S), "{all:?}");
    assert!(all.iter().min() < Some(&(S * 81 / 100)) && all.iter().max() > Some(&(S * 99 / 100)));
    assert_eq!(delay(1, 7, 3), delay(1, 7, 3));
    for other in [delay(2, 7, 3), delay(1, 8, 3), delay(1, 7, 4)] {
        assert_ne!(delay(1, 7, 3), other);
    }
}

#[test]
fn the_longest_waits_do_not_overflow() {
    let whole = Duration::from_nanos(u64::MAX);
    for jitter_percent in [0, 100, u8::MAX] {
        let backoff = Backoff {
            first: Duration::MAX,
            factor: u32::MAX,
            limit: Duration::MAX,
            jitter_percent,
            ..Backoff::default()
        };
        for number in 0..100 {
            let it = Incarnation { child: ChildId(0), number };
            let delay = backoff.delay(0, it, u32::MAX);
            assert!(delay <= whole && (jitter_percent > 0 || delay == whole));
        }
    }
}

#[test]
fn siblings_are_stopped_at_once_and_started_when_the_wait_is_over() {
    let waits = Spec { backoff: Some(exact()), ..Spec::default() };
    let (mut rig, ids) = Rig::begun(flags(Strategy::RestForOne), &[waits; 3]);
    assert_eq!(steps(&rig.crash(ids[1])), "-2");
    assert_eq!(steps(&rig.crash(ids[0])), "");
    let [(second, _), (first, _)] = rig.timers[..] else { panic!("{:?}", rig.timers) };
    rig.engine.backoff_over(second);
    assert_eq!(steps(&rig.settle()), "");
    rig.engine.backoff_over(first);
    assert_eq!(steps(&rig.settle()), "+0 +1 +2");
}

#[test]
fn one_for_all_waits_for_the_last_as_for_the_first() {
    let waits = Spec { backoff: Some(exact()), ..Spec::default() };
    let (mut rig, ids) = Rig::begun(flags(Strategy::OneForAll), &[waits; 3]);
    assert_eq!(steps(&rig.crash(ids[2])), "-1 -0");
    rig.engine.backoff_over(rig.timers[0].0);
    assert_eq!(steps(&rig.settle()), "+0 +1 +2");
}

#[test]
fn a_hundred_thousand_children_come_and_go_one_by_one() {
    let dynamic = Flags {
        end_order: EndOrder::Together,
        intensity: Intensity { max_restarts: u32::MAX, period: S },
        ..Flags::default()
    };
    let mut engine = Engine::new(dynamic);
    engine.start();
    assert_eq!(engine.next_action(), Some(Action::Ready));
    let now = Duration::ZERO;
    let ids: Vec<_> = (0..100_000).map(|_| engine.add(Spec::default()).unwrap()).collect();
    let lives = |number| ids.iter().map(move |&child| Incarnation { child, number });
    for life in lives(1) {
        assert_eq!(engine.next_action(), Some(Action::Start(life)));
        engine.started(life, now);
    }
    for (first, second) in lives(1).zip(lives(2)) {
        engine.exited(first, Exit::Abnormal, now);
        assert_eq!(engine.next_action(), Some(Action::Start(second)));
        engine.started(second, now);
        engine.stop_child(second.child).unwrap();
        assert_eq!(engine.next_action(), Some(Action::Stop(second, Shutdown::default())));
        engine.exited(second, Exit::Normal, now);
        engine.delete_child(second.child).unwrap();
        assert_eq!(engine.next_action(), Some(Action::Forget(second.child)));
        assert_eq!(engine.next_action(), None);
    }
    assert_eq!(engine.children().count(), 0);
}

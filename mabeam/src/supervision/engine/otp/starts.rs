//! Starting: in order, and when it fails.

use super::*;

#[test]
fn children_start_in_order_each_after_the_one_before_and_then_it_is_ready() {
    let mut rig = Rig::new(Flags::default());
    let ids: Vec<_> = (0..3).map(|_| rig.engine.add(Spec::default()).unwrap()).collect();
    rig.hear();
    assert_eq!(steps(&rig.take()), "");
    rig.engine.start();
    for (n, &id) in ids.iter().enumerate() {
        rig.hear();
        assert_eq!(steps(&rig.take()), format!("+{n}"));
        rig.report_started(id);
    }
    assert_eq!(steps(&rig.take()), "ready");
    rig.engine.start();
    assert_eq!(steps(&rig.settle()), "");
}

#[test]
fn a_supervisor_without_children_is_ready_at_once() {
    let mut rig = Rig::new(Flags::default());
    rig.engine.start();
    assert_eq!(steps(&rig.settle()), "ready");
}

#[test]
fn it_is_ready_without_those_that_are_added_or_restarted_meanwhile() {
    let mut rig = Rig::new(flags(Strategy::OneForOne));
    let ids: Vec<_> = (0..2).map(|_| rig.engine.add(Spec::default()).unwrap()).collect();
    rig.engine.start();
    rig.hear();
    for _ in 0..2 {
        rig.engine.add(Spec::default()).unwrap();
    }
    rig.report_started(ids[0]);
    rig.exit(ids[0], Exit::Abnormal);
    assert_eq!(steps(&rig.take()), "+0 +1");
    rig.report_started(ids[1]);
    assert_eq!(steps(&rig.take()), "ready +0 +2 +3");
}

#[test]
fn one_that_fails_at_first_stops_those_before_it_in_reverse_and_ends() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        let mut rig = Rig::new(Flags::default());
        for restart in [Restart::Permanent, Restart::Permanent, restart, Restart::Permanent] {
            rig.engine.add(spec(restart)).unwrap();
        }
        let third = ChildId(2);
        rig.broken.insert(third);
        rig.engine.start();
        let said: Vec<_> =
            rig.settle().into_iter().filter(|it| !matches!(it, Action::Forget(_))).collect();
        assert_eq!(steps(&said), "+0 +1 +2 -1 -0 StartFailed(ChildId(2))");
    }
}

#[test]
fn one_that_is_added_and_fails_is_forgotten() {
    let (mut rig, _) = Rig::begun(flags(Strategy::OneForAll), &permanent(1));
    let added = rig.engine.add(Spec::default()).unwrap();
    rig.broken.insert(added);
    assert_eq!(steps(&rig.settle()), "+1 x1");
    assert_eq!(rig.engine.status(added), None);
}

#[test]
fn one_that_fails_in_a_restart_is_tried_again_and_counted() {
    let three =
        Flags { intensity: Intensity { max_restarts: 3, period: S }, ..flags(Strategy::OneForOne) };
    let (mut rig, ids) = Rig::begun(three, &permanent(2));
    rig.broken.insert(ids[0]);
    assert_eq!(steps(&rig.crash(ids[0])), "+0 +0 +0 -1 RestartIntensity(ChildId(0))");
}

#[test]
fn one_that_fails_in_a_restart_of_all_begins_that_anew() {
    let (mut rig, ids) = Rig::begun(flags(Strategy::OneForAll), &permanent(3));
    rig.exit(ids[0], Exit::Abnormal);
    while rig.alive.get(&ids[1]).is_none_or(|life| life.up) {
        assert!(rig.answer_one());
    }
    assert_eq!(steps(&rig.take()), "-2 -1 +0 +1");
    rig.report_start_failed(ids[1]);
    assert_eq!(steps(&rig.settle()), "-0 +0 +1 +2");
}

#[test]
fn an_ignored_child_keeps_its_spec_unless_it_is_temporary() {
    let mut rig = Rig::new(flags(Strategy::OneForAll));
    let kept = rig.engine.add(spec(Restart::Permanent)).unwrap();
    let dropped = rig.engine.add(spec(Restart::Temporary)).unwrap();
    rig.engine.start();
    for child in [kept, dropped] {
        rig.hear();
        let life = rig.alive.remove(&child).unwrap();
        rig.engine.ignored(life.incarnation);
    }
    assert_eq!(steps(&rig.settle()), "+0 +1 x1 ready");
    assert_eq!(rig.engine.status(kept), Some(Status::Stopped));
    rig.engine.restart_child(kept).unwrap();
    assert_eq!(steps(&rig.settle()), "+0");
}

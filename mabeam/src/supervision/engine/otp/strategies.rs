//! One for one, one for all, rest for one.

use super::*;

#[test]
fn one_for_one_restarts_the_child_alone() {
    let (mut rig, ids) = Rig::begun(flags(Strategy::OneForOne), &permanent(3));
    assert_eq!(steps(&rig.crash(ids[1])), "+1");
}

#[test]
fn one_for_all_stops_the_others_in_reverse_and_starts_all_in_order() {
    let (mut rig, ids) = Rig::begun(flags(Strategy::OneForAll), &permanent(4));
    assert_eq!(steps(&rig.crash(ids[1])), "-3 -2 -0 +0 +1 +2 +3");
}

#[test]
fn rest_for_one_stops_and_starts_those_that_come_after() {
    let (mut rig, ids) = Rig::begun(flags(Strategy::RestForOne), &permanent(4));
    assert_eq!(steps(&rig.crash(ids[1])), "-3 -2 +1 +2 +3");
    assert_eq!(steps(&rig.crash(ids[3])), "+3");
}

#[test]
fn a_child_added_later_is_the_last_in_start_order() {
    let (mut rig, ids) = Rig::begun(flags(Strategy::OneForAll), &permanent(2));
    rig.engine.add(Spec::default()).unwrap();
    assert_eq!(steps(&rig.settle()), "+2");
    assert_eq!(steps(&rig.crash(ids[0])), "-2 -1 +0 +1 +2");
}

#[test]
fn an_exit_of_a_child_that_is_to_be_stopped_is_not_counted() {
    let once = Flags { intensity: Intensity::default(), ..flags(Strategy::OneForAll) };
    let (mut rig, ids) = Rig::begun(once, &permanent(3));
    rig.exit(ids[0], Exit::Abnormal);
    rig.exit(ids[1], Exit::Abnormal);
    assert_eq!(steps(&rig.settle()), "-2 +0 +1 +2");
}

#[test]
fn a_failure_while_the_rest_starts_anew_widens_what_is_restarted() {
    let (mut rig, ids) = Rig::begun(flags(Strategy::RestForOne), &permanent(4));
    rig.exit(ids[2], Exit::Abnormal);
    rig.exit(ids[0], Exit::Abnormal);
    assert_eq!(steps(&rig.settle()), "-3 -1 +0 +1 +2 +3");

    rig.exit(ids[0], Exit::Abnormal);
    while rig.up() != [ids[0]] {
        assert!(rig.answer_one());
    }
    rig.take();
    rig.exit(ids[0], Exit::Abnormal);
    // The second was starting, the others had not begun.
    assert_eq!(steps(&rig.settle()), "-1 +0 +1 +2 +3");
}

#[test]
fn one_for_one_children_start_and_stop_side_by_side() {
    let (mut rig, ids) = Rig::begun(flags(Strategy::OneForOne), &permanent(4));
    rig.engine.stop_child(ids[0]).unwrap();
    rig.engine.stop_child(ids[2]).unwrap();
    rig.exit(ids[1], Exit::Abnormal);
    rig.exit(ids[3], Exit::Abnormal);
    rig.engine.add(Spec::default()).unwrap();
    rig.hear();
    assert_eq!(steps(&rig.take()), "-0 -2 +1 +3 +4");
}

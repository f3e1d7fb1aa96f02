//! Permanent, transient, temporary.

use super::*;

/// The whole table: who is restarted after which exit.
#[test]
fn permanent_always_transient_after_failure_temporary_never() {
    for (restart, exit, expected) in [
        (Restart::Permanent, Exit::Normal, "+0"),
        (Restart::Permanent, Exit::Abnormal, "+0"),
        (Restart::Transient, Exit::Normal, ""),
        (Restart::Transient, Exit::Abnormal, "+0"),
        (Restart::Temporary, Exit::Normal, "x0"),
        (Restart::Temporary, Exit::Abnormal, "x0"),
    ] {
        let (mut rig, ids) = Rig::begun(flags(Strategy::OneForOne), &[spec(restart)]);
        rig.exit(ids[0], exit);
        assert_eq!(steps(&rig.settle()), expected, "{restart:?} {exit:?}");
    }
}

#[test]
fn a_temporary_child_is_stopped_with_its_siblings_and_not_restarted() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let specs = [spec(Restart::Permanent), spec(Restart::Temporary)];
        let (mut rig, ids) = Rig::begun(flags(strategy), &specs);
        assert_eq!(steps(&rig.crash(ids[0])), "-1 x1 +0");
        assert_eq!(rig.engine.status(ids[1]), None);
    }
}

#[test]
fn a_transient_child_that_ended_normally_keeps_its_spec_and_comes_back_with_its_siblings() {
    let specs = [spec(Restart::Permanent), spec(Restart::Transient)];
    let (mut rig, ids) = Rig::begun(flags(Strategy::OneForAll), &specs);
    assert_eq!(steps(&rig.finish(ids[1])), "");
    assert_eq!(rig.engine.status(ids[1]), Some(Status::Stopped));
    assert_eq!(steps(&rig.crash(ids[0])), "+0 +1");
}

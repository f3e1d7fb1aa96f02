//! `start_child`, `terminate_child`, `restart_child` and `delete_child`: OTP's results.

use super::*;

#[test]
fn a_stopped_child_keeps_its_spec_and_can_be_restarted_or_deleted() {
    let (mut rig, ids) = Rig::begun(Flags::default(), &permanent(2));
    let engine = &mut rig.engine;
    assert_eq!(engine.restart_child(ids[0]), Err(ChildError::Running(ids[0])));
    assert_eq!(engine.delete_child(ids[0]), Err(ChildError::Running(ids[0])));
    assert_eq!(engine.stop_child(ids[0]), Ok(()));
    assert_eq!(engine.delete_child(ids[0]), Err(ChildError::Running(ids[0])));
    assert_eq!(steps(&rig.settle()), "-0");
    assert_eq!(rig.engine.status(ids[0]), Some(Status::Stopped));
    assert_eq!(rig.engine.stop_child(ids[0]), Ok(()));
    assert_eq!(rig.engine.restart_child(ids[0]), Ok(()));
    assert_eq!(steps(&rig.settle()), "+0");
    rig.engine.stop_child(ids[0]).unwrap();
    rig.settle();
    assert_eq!(rig.engine.delete_child(ids[0]), Ok(()));
    assert_eq!(steps(&rig.settle()), "x0");
    for refused in [
        rig.engine.stop_child(ids[0]),
        rig.engine.restart_child(ids[0]),
        rig.engine.delete_child(ids[0]),
    ] {
        assert_eq!(refused, Err(ChildError::NotFound(ids[0])));
    }
}

#[test]
fn a_temporary_child_that_is_stopped_is_forgotten() {
    let (mut rig, ids) = Rig::begun(Flags::default(), &[spec(Restart::Temporary)]);
    rig.engine.stop_child(ids[0]).unwrap();
    assert_eq!(steps(&rig.settle()), "-0 x0");
    assert_eq!(rig.engine.restart_child(ids[0]), Err(ChildError::NotFound(ids[0])));
}

#[test]
fn one_that_waits_for_its_restart_says_so_and_can_be_stopped() {
    let waits = Spec { backoff: Some(Backoff::default()), ..Spec::default() };
    let (mut rig, ids) = Rig::begun(Flags::default(), &[waits]);
    rig.crash(ids[0]);
    assert_eq!(rig.engine.status(ids[0]), Some(Status::Restarting));
    assert_eq!(rig.engine.restart_child(ids[0]), Err(ChildError::Restarting(ids[0])));
    assert_eq!(rig.engine.delete_child(ids[0]), Err(ChildError::Restarting(ids[0])));
    assert_eq!(rig.engine.stop_child(ids[0]), Ok(()));
    rig.engine.backoff_over(rig.timers[0].0);
    assert_eq!(steps(&rig.settle()), "");
    assert_eq!(rig.engine.delete_child(ids[0]), Ok(()));
}

#[test]
fn one_that_fails_to_start_by_command_stays_stopped() {
    let (mut rig, ids) = Rig::begun(Flags::default(), &permanent(1));
    rig.engine.stop_child(ids[0]).unwrap();
    rig.settle();
    rig.broken.insert(ids[0]);
    rig.engine.restart_child(ids[0]).unwrap();
    assert_eq!(steps(&rig.settle()), "+0");
    assert_eq!(rig.engine.status(ids[0]), Some(Status::Stopped));
}

#[test]
fn a_stopped_child_can_be_restarted_later_by_the_supervisor() {
    let (mut rig, ids) = Rig::begun(flags(Strategy::RestForOne), &permanent(3));
    rig.engine.stop_child(ids[2]).unwrap();
    rig.engine.stop_child(ids[0]).unwrap();
    rig.settle();
    assert_eq!(steps(&rig.crash(ids[1])), "+1 +2");
    // Before it in start order: not concerned.
    assert_eq!(rig.engine.status(ids[0]), Some(Status::Stopped));
}

#[test]
fn one_that_is_starting_is_stopped_without_waiting_for_it() {
    let (mut rig, ids) = Rig::begun(Flags::default(), &permanent(1));
    rig.exit(ids[0], Exit::Abnormal);
    assert_eq!(steps(&rig.take()), "+0");
    rig.engine.stop_child(ids[0]).unwrap();
    rig.hear();
    assert_eq!(steps(&rig.take()), "-0");
    rig.report_start_failed(ids[0]);
    assert_eq!(rig.engine.status(ids[0]), Some(Status::Stopped));
}

#[test]
fn one_that_others_wait_for_can_be_stopped_and_they_are_started() {
    let waits = Spec { backoff: Some(Backoff::default()), ..Spec::default() };
    let specs = [Spec::default(), waits, Spec::default()];
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let (mut rig, ids) = Rig::begun(flags(strategy), &specs);
        rig.crash(ids[1]);
        rig.engine.stop_child(ids[1]).unwrap();
        rig.settle();
        assert_eq!(rig.up(), [ids[0], ids[2]]);
    }
}

#[test]
fn there_are_never_more_children_than_allowed() {
    let two = Flags { max_children: 2, ..Flags::default() };
    let (mut rig, ids) = Rig::begun(two, &permanent(2));
    assert_eq!(rig.engine.add(Spec::default()), Err(AddError::Full { max_children: 2 }));
    rig.engine.stop_child(ids[0]).unwrap();
    rig.settle();
    rig.engine.delete_child(ids[0]).unwrap();
    assert_eq!(rig.engine.add(Spec::default()), Ok(ChildId(2)));
}

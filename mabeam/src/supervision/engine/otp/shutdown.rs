//! The end of a supervisor.

use super::*;

#[test]
fn children_are_stopped_in_reverse_each_after_the_one_before_as_their_specs_say() {
    let ways = [Shutdown::Within(S), Shutdown::Kill, Shutdown::Wait];
    let specs = ways.map(|shutdown| Spec { shutdown, ..Spec::default() });
    let (mut rig, ids) = Rig::begun(Flags::default(), &specs);
    rig.engine.shut_down();
    for n in [2, 1, 0] {
        rig.hear();
        let incarnation = Incarnation { child: ids[n], number: 1 };
        assert_eq!(rig.take(), [Action::Stop(incarnation, ways[n])]);
        rig.exit(ids[n], Exit::Normal);
    }
    assert_eq!(rig.take(), [Action::End(End::Asked)]);
}

#[test]
fn children_that_end_before_their_turn_are_passed_over() {
    let (mut rig, ids) = Rig::begun(Flags::default(), &permanent(3));
    rig.engine.shut_down();
    rig.hear();
    rig.exit(ids[1], Exit::Abnormal);
    assert_eq!(steps(&rig.settle()), "-2 -0 Asked");
}

#[test]
fn together_means_all_at_once() {
    let together = Flags { end_order: EndOrder::Together, ..Flags::default() };
    let (mut rig, ids) = Rig::begun(together, &permanent(3));
    rig.engine.shut_down();
    rig.hear();
    assert_eq!(steps(&rig.take()), "-2 -1 -0");
    rig.exit(ids[0], Exit::Normal);
    rig.exit(ids[2], Exit::Normal);
    assert_eq!(steps(&rig.take()), "");
    rig.exit(ids[1], Exit::Normal);
    assert_eq!(steps(&rig.take()), "Asked");
}

#[test]
fn it_can_be_ended_at_any_moment_and_the_first_reason_stands() {
    let mut rig = Rig::new(Flags::default());
    rig.engine.add(Spec::default()).unwrap();
    rig.engine.shut_down();
    assert_eq!(steps(&rig.settle()), "Asked");

    let mut rig = Rig::new(Flags::default());
    let first = rig.engine.add(Spec::default()).unwrap();
    rig.engine.add(Spec::default()).unwrap();
    rig.engine.start();
    rig.hear();
    rig.engine.shut_down();
    rig.hear();
    assert_eq!(steps(&rig.take()), "+0 -0");
    // Its start fails because it was stopped: that is not why the supervisor ends.
    rig.report_start_failed(first);
    rig.engine.shut_down();
    assert_eq!(steps(&rig.settle()), "Asked");
    assert_eq!(rig.engine.add(Spec::default()), Err(AddError::Ending));
    assert_eq!(rig.engine.restart_child(first), Err(ChildError::Ending));
    assert_eq!(rig.engine.delete_child(first), Err(ChildError::Ending));
}

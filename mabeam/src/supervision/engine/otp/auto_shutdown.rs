//! Significant children and auto-shutdown.

use super::*;

fn with(auto_shutdown: AutoShutdown) -> Flags {
    Flags { auto_shutdown, ..flags(Strategy::OneForOne) }
}

#[test]
fn a_significant_child_is_refused_if_it_is_permanent_or_would_mean_nothing() {
    for auto_shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
        let mut engine = Engine::new(with(auto_shutdown));
        let refused = engine.add(significant(Restart::Permanent));
        assert_eq!(refused, Err(AddError::SignificantPermanent));
        engine.add(significant(Restart::Transient)).unwrap();
        engine.add(significant(Restart::Temporary)).unwrap();
    }
    let mut engine = Engine::new(with(AutoShutdown::Never));
    for restart in [Restart::Transient, Restart::Temporary] {
        assert_eq!(engine.add(significant(restart)), Err(AddError::SignificantNever));
    }
}

#[test]
fn any_ends_it_when_one_ends_that_is_not_restarted() {
    for (restart, exit, ends) in [
        (Restart::Transient, Exit::Normal, true),
        (Restart::Transient, Exit::Abnormal, false),
        (Restart::Temporary, Exit::Normal, true),
        (Restart::Temporary, Exit::Abnormal, true),
    ] {
        let specs = [significant(restart), significant(restart), spec(Restart::Permanent)];
        let (mut rig, ids) = Rig::begun(with(AutoShutdown::AnySignificant), &specs);
        rig.exit(ids[1], exit);
        rig.settle();
        let why = ends.then_some(End::AutoShutdown(ids[1]));
        assert_eq!(rig.ended, why, "{restart:?} {exit:?}");
    }
}

#[test]
fn all_ends_it_with_the_last_active_significant_child() {
    let specs = [
        significant(Restart::Transient),
        significant(Restart::Temporary),
        spec(Restart::Transient),
    ];
    let (mut rig, ids) = Rig::begun(with(AutoShutdown::AllSignificant), &specs);
    assert_eq!(steps(&rig.finish(ids[0])), "");
    assert_eq!(steps(&rig.crash(ids[1])), "x1 -2 AutoShutdown(ChildId(1))");
}

#[test]
fn an_insignificant_child_ends_nothing() {
    for auto_shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
        let (mut rig, ids) = Rig::begun(with(auto_shutdown), &[spec(Restart::Transient)]);
        assert_eq!(steps(&rig.finish(ids[0])), "");
    }
}

#[test]
fn one_that_waits_for_its_restart_counts_as_active() {
    let backoff = Some(Backoff::default());
    let specs =
        [Spec { backoff, ..significant(Restart::Transient) }, significant(Restart::Transient)];
    let (mut rig, ids) = Rig::begun(with(AutoShutdown::AllSignificant), &specs);
    rig.crash(ids[0]);
    assert_eq!(steps(&rig.finish(ids[1])), "");
    let (incarnation, _) = rig.timers[0];
    rig.engine.backoff_over(incarnation);
    assert_eq!(steps(&rig.settle()), "+0");
    assert_eq!(steps(&rig.finish(ids[0])), "AutoShutdown(ChildId(0))");
}

#[test]
fn a_child_that_the_supervisor_stopped_ends_nothing() {
    for auto_shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
        let one_for_all = Flags { auto_shutdown, ..flags(Strategy::OneForAll) };
        let specs = [spec(Restart::Permanent), significant(Restart::Temporary)];
        let (mut rig, ids) = Rig::begun(one_for_all, &specs);
        assert_eq!(steps(&rig.crash(ids[0])), "-1 x1 +0");

        let (mut rig, ids) = Rig::begun(one_for_all, &specs);
        rig.engine.stop_child(ids[1]).unwrap();
        assert_eq!(steps(&rig.settle()), "-1 x1");
    }
}

#[test]
fn one_that_is_being_stopped_for_good_counts_as_active_no_more() {
    let specs = [significant(Restart::Transient), significant(Restart::Transient)];
    let (mut rig, ids) = Rig::begun(with(AutoShutdown::AllSignificant), &specs);
    rig.engine.stop_child(ids[0]).unwrap();
    rig.hear();
    assert_eq!(steps(&rig.finish(ids[1])), "-0 AutoShutdown(ChildId(1))");
}

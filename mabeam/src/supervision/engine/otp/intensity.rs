//! The restart intensity: how many restarts are allowed, and what happens then.

use super::*;

fn limited(max_restarts: u32) -> Flags {
    let intensity = Intensity { max_restarts, period: 5 * S };
    Flags { intensity, ..Flags::default() }
}

#[test]
fn it_defaults_to_one_restart_in_five_seconds() {
    assert_eq!(Flags::default().intensity, Intensity { max_restarts: 1, period: 5 * S });
}

#[test]
fn as_many_as_allowed_are_restarted_and_one_more_ends_all_in_reverse_order() {
    let (mut rig, ids) = Rig::begun(limited(3), &permanent(3));
    for (n, &id) in ids.iter().enumerate() {
        assert_eq!(steps(&rig.crash(id)), format!("+{n}"));
    }
    assert_eq!(steps(&rig.crash(ids[1])), "-2 -0 RestartIntensity(ChildId(1))");
}

#[test]
fn none_allowed_means_the_first_failure_ends_it() {
    let (mut rig, ids) = Rig::begun(limited(0), &permanent(2));
    assert_eq!(steps(&rig.crash(ids[0])), "-1 RestartIntensity(ChildId(0))");
}

#[test]
fn the_window_slides_and_a_restart_counts_to_the_last_nanosecond_of_the_period() {
    for (last, expected) in [(5 * S, "RestartIntensity(ChildId(0))"), (5 * S + NS, "+0")] {
        let (mut rig, ids) = Rig::begun(limited(2), &permanent(1));
        rig.crash(ids[0]);
        rig.now = 3 * S;
        rig.crash(ids[0]);
        rig.now = last;
        assert_eq!(steps(&rig.crash(ids[0])), expected);
    }
}

#[test]
fn a_steady_rate_below_the_limit_goes_on_for_ever() {
    let (mut rig, ids) = Rig::begun(limited(2), &permanent(1));
    for n in 1..1_000 {
        rig.now = n * (5 * S / 2 + NS);
        assert_eq!(steps(&rig.crash(ids[0])), "+0");
    }
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let specs = [spec(Restart::Permanent), spec(Restart::Temporary)];
    let (mut rig, ids) = Rig::begun(limited(1), &specs);
    rig.now = 100 * S;
    rig.finish(ids[1]);
    rig.now = 50 * S;
    assert_eq!(steps(&rig.crash(ids[0])), "+0");
    rig.now = 104 * S;
    assert_eq!(steps(&rig.crash(ids[0])), "RestartIntensity(ChildId(0))");
}

#[test]
fn ends_that_are_not_restarted_are_not_counted() {
    let specs = [spec(Restart::Transient), spec(Restart::Temporary), spec(Restart::Permanent)];
    let (mut rig, ids) = Rig::begun(limited(0), &specs);
    assert_eq!(steps(&rig.finish(ids[0])), "");
    assert_eq!(steps(&rig.crash(ids[1])), "x1");
    rig.engine.stop_child(ids[2]).unwrap();
    rig.engine.restart_child(ids[2]).unwrap_err();
    assert_eq!(steps(&rig.settle()), "-2");
    rig.engine.restart_child(ids[2]).unwrap();
    assert_eq!(steps(&rig.settle()), "+2");
}

#[test]
fn any_number_is_allowed_by_the_largest_limit() {
    let (mut rig, ids) = Rig::begun(limited(u32::MAX), &permanent(1));
    for _ in 0..1_000 {
        assert_eq!(steps(&rig.crash(ids[0])), "+0");
    }
}

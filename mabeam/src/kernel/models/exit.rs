//! Who hears of an agent's end: each monitor, once, after the state is gone.

use std::sync::{Arc, Mutex};

use foundation::owner::{MonitorRef, Reason};

use super::world::{DROPPED, World, explore_agent};
use super::{pause, start};

/// As [`AgentRef::monitor`](crate::AgentRef::monitor), and lets others in between its steps.
fn monitor(world: &World) -> MonitorRef {
    match world.agent.cell.owner() {
        Some(owner) => {
            pause();
            owner.monitor()
        }
        None => world.agent.monitor(),
    }
}

/// Why the agent ended, as a monitor heard it: once.
fn heard(mut monitor: MonitorRef) -> Reason {
    let down = monitor.try_down().unwrap();
    assert_eq!(monitor.try_down(), None, "it heard twice");
    down.reason
}

#[test]
fn loom_each_monitor_hears_once_whenever_it_came() {
    explore_agent(3, |world| {
        let early = monitor(&world);
        let watchers = [(), ()].map(|()| {
            let other = world.share();
            start(move || monitor(&other))
        });
        world.agent.kill();
        world.run();
        let late = monitor(&world);
        assert_eq!(heard(early), Reason::Killed);
        assert_eq!(heard(late), Reason::NoProc);
        for watcher in watchers {
            let reason = heard(watcher.join().unwrap());
            assert!(matches!(reason, Reason::Killed | Reason::NoProc), "{reason:?}");
        }
    });
}

#[test]
fn loom_who_hears_of_the_end_finds_the_agent_gone() {
    explore_agent(3, |world| {
        let other = world.share();
        let watcher = start(move || {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let (told, state) = (Arc::clone(&heard), Arc::clone(&other.state));
            let cell = Arc::clone(&other.agent.cell);
            if let Some(owner) = cell.owner() {
                pause();
                owner.monitor_with(move |down| {
                    // Who comes too late hears on its own thread, which may not look at the state.
                    let is_late = down.reason == Reason::NoProc;
                    let is_gone = is_late || state.count(DROPPED) == 1;
                    // Nothing more can be given to it.
                    let is_over = cell.owner().is_none_or(|owner| owner.has_ended());
                    told.lock().unwrap().push(is_gone && cell.is_closed() && is_over);
                });
            }
            heard
        });
        world.agent.stop(Reason::Shutdown);
        world.run();
        let heard = watcher.join().unwrap();
        assert_eq!(world.end(), Reason::Shutdown);
        let heard = heard.lock().unwrap();
        assert!(matches!(heard[..], [] | [true]), "{heard:?}");
    });
}

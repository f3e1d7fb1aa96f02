//! Who is told of an end: each monitor, once, whenever it came.

use std::thread;
use std::time::Instant;

use foundation::owner::{MonitorRef, Reason};
use mabeam::{Agent, System};
use tokio::sync::oneshot;

use crate::support::{BOUND, Doer, join, lender, lends, on_both, on_two_workers, reason};

#[test]
fn every_monitor_gets_its_one_down() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        let any = agent.any();
        let mut monitors: Vec<_> = (0..100).map(|_| agent.monitor()).collect();
        monitors.extend((0..100).map(|_| any.monitor()));
        // One that is taken back hears nothing and disturbs nobody.
        drop(monitors.swap_remove(50));
        let (last, mut rest) = (monitors.pop().unwrap(), monitors);
        agent.kill();
        assert_eq!(reason(last).await, Reason::Killed);
        for monitor in &mut rest {
            let down = monitor.down_blocking(Instant::now() + BOUND).unwrap();
            assert_eq!((down.monitor, down.owner), (monitor.id(), monitor.owner()));
            assert_eq!(down.reason, Reason::Killed);
        }
        agent.kill();
        agent.stop(Reason::Normal);
        drop((agent, any));
        assert!(rest.iter_mut().all(|monitor| monitor.try_down().is_none()), "once");
    });
}

#[test]
fn a_monitor_that_comes_too_late_gets_no_proc_at_once() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        let monitor = agent.monitor();
        agent.stop(Reason::Shutdown);
        assert_eq!(reason(monitor).await, Reason::Shutdown);
        for mut late in [agent.monitor(), agent.any().monitor()] {
            assert_eq!(late.try_down().unwrap().reason, Reason::NoProc);
            assert_eq!(late.try_down(), None);
        }
    });
}

#[test]
fn a_monitor_that_comes_too_late_to_an_agent_that_was_never_monitored_gets_no_proc() {
    on_both(|| async {
        let (system, agent) = lender().await;
        agent.stop(Reason::Shutdown);
        while system.agents() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(agent.monitor().try_down().unwrap().reason, Reason::NoProc);
    });
}

#[test]
fn a_monitor_from_within_the_exit_hook_gets_its_down() {
    struct Last(Option<oneshot::Sender<MonitorRef>>);
    impl Agent for Last {
        async fn on_exit(&mut self, _: &Reason, context: &mut mabeam::Context<Self>) {
            if let Some(tell) = self.0.take() {
                tell.send(context.handle().monitor()).unwrap();
            }
        }
    }
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (tell, monitor) = oneshot::channel();
        let agent = system.spawn(Last(Some(tell))).await.unwrap();
        agent.stop(Reason::Shutdown);
        assert_eq!(reason(monitor.await.unwrap()).await, Reason::Shutdown);
    });
}

#[test]
fn monitors_that_race_with_the_end_each_hear_once() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        for _ in 0..100 {
            let agent = system.spawn(Doer).await.unwrap();
            let watched = agent.clone();
            let (go, start) = std::sync::mpsc::channel::<()>();
            let thread = thread::spawn(move || {
                start.recv().unwrap();
                let mut heard = Vec::new();
                for _ in 0..20 {
                    let mut monitor = watched.monitor();
                    heard.push(monitor.down_blocking(Instant::now() + BOUND).unwrap().reason);
                }
                heard
            });
            go.send(()).unwrap();
            agent.kill();
            let heard = tokio::task::spawn_blocking(|| join(thread)).await.unwrap();
            // Whoever comes in time is told why; whoever is too late, that there is nobody.
            let (first, rest) = heard.split_first().unwrap();
            assert!(matches!(first, Reason::Killed | Reason::NoProc), "{first}");
            assert_eq!(rest, [const { Reason::NoProc }; 19]);
        }
    });
}

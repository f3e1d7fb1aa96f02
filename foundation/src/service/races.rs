//! Laws of services in races: a start is decided once, and everybody hears of the same decision.

use std::sync::Barrier;
use std::thread;

use super::laws::{far, name};
use super::*;

const ROUNDS: usize = 400;

#[test]
fn of_ready_failure_deadline_and_stop_one_decides_the_start() {
    let services = Services::default();
    for round in 0..ROUNDS {
        // Every combination: what the service does, whether it is stopped, and whether the deadline
        // has passed already.
        let (says, stops, is_late) = (round % 3, round / 3 % 2 == 0, round / 6 % 2 == 0);
        let (service, start) = services.begin(name("race/one")).unwrap();
        let together = Barrier::new(3);
        let (ready, stopped, outcome) = thread::scope(|scope| {
            let service = scope.spawn(|| {
                let service = service;
                together.wait();
                match says {
                    0 => return Some((service.ready().is_ok(), service)),
                    1 => service.failed("no port"),
                    _ => drop(service),
                }
                None
            });
            let stop = scope.spawn(|| {
                together.wait();
                let stopped =
                    stops.then(|| services.stop_blocking(&name("race/one"), Instant::now()));
                // One that ended by itself in time was stopped as well.
                matches!(stopped, Some(Ok(_) | Err(StopError::Deadline { .. })))
            });
            together.wait();
            let outcome = start.wait_blocking(if is_late { Instant::now() } else { far() });
            (service.join().unwrap(), stop.join().unwrap(), outcome)
        });
        match &outcome {
            Ok(owner) => {
                assert!(ready.as_ref().is_some_and(|(ready, _)| *ready), "started, not ready");
                assert_eq!(services.owner(&name("race/one")).as_ref(), Some(owner));
            }
            Err(StartError::Stopped { .. }) => assert!(stopped),
            Err(StartError::Deadline { .. }) => {
                assert!(services.owner(&name("race/one")).is_none(), "the name is not free");
            }
            Err(StartError::Ended { reason, .. }) => {
                let said = [Reason::Failed("no port".into()), Reason::Normal];
                assert_eq!(Some(reason), says.checked_sub(1).map(|says| &said[says]));
            }
            Err(other) => panic!("{other}"),
        }
        if let (Err(_), Some((ready, _))) = (&outcome, &ready) {
            assert!(!ready, "ready, but not started: {outcome:?}");
        }
        drop(ready);
        assert!(services.owner(&name("race/one")).is_none());
    }
}

#[test]
fn of_racing_starts_one_has_the_name_and_the_limit_is_exact() {
    const THREADS: usize = 4;
    let services = Services::new(Limits { max_services: 2, ..Limits::default() });
    let together = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (services, together) = (&services, &together);
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    together.wait();
                    let one = services.begin(name("race/one"));
                    let own = services.begin(name(&format!("race/own{thread}")));
                    together.wait();
                    let living = services
                        .list()
                        .into_iter()
                        .filter(|listing| !matches!(listing.report.health, Health::Stopped(_)));
                    assert_eq!(living.count(), 2);
                    together.wait();
                    drop((one, own));
                }
            });
        }
    });
}

#[test]
fn after_a_stop_has_returned_the_name_is_free() {
    let services = Services::default();
    for _ in 0..ROUNDS {
        let (service, start) = services.begin(name("race/one")).unwrap();
        service.ready().unwrap();
        start.wait_blocking(far()).unwrap();
        thread::scope(|scope| {
            // One ends by itself while it is being stopped.
            scope.spawn(|| drop(service));
            match services.stop_blocking(&name("race/one"), far()) {
                Ok(reason) => assert_eq!(reason, Reason::Normal),
                Err(error) => assert_eq!(error, StopError::Unknown { name: name("race/one") }),
            }
            drop(services.begin(name("race/one")).unwrap());
        });
    }
}

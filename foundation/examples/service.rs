//! Two services, of which one needs the other: started without a pause that is guessed, stopped in
//! the right order.
//!
//! Run with `cargo run -p foundation --example service --features service`.

use std::thread;
use std::time::{Duration, Instant};

use foundation::registry::Name;
use foundation::service::{ServiceGuard, Services};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let services = Services::default();
    let (store, index) = (Name::new("app/store")?, Name::new("app/index")?);

    // The index is started first and waits for the store, whenever that comes.
    let (guard, indexing) = services.begin(index.clone())?;
    let directory = services.clone();
    let needed = store.clone();
    let index_thread = thread::spawn(move || match directory.ready_blocking(&needed, soon()) {
        Ok(_) => serve(&guard),
        Err(problem) => guard.failed(&problem.to_string()),
    });
    let mut store_thread = None;
    services.start_blocking(store.clone(), soon(), |guard| {
        store_thread = Some(thread::spawn(move || serve(&guard)));
    })?;
    indexing.wait_blocking(soon())?;
    for service in services.list() {
        println!("{} is {}", service.name, service.report.health);
    }

    // One that cannot start says why, and nobody waits for a deadline.
    let refused = services.start_blocking(Name::new("app/web")?, soon(), |guard| {
        guard.failed("port 80 is taken");
    });
    if let Err(problem) = refused {
        println!("{problem}");
    }

    let report = services.stop_all_blocking(soon());
    for (name, reason) in report.stopped {
        println!("{name} stopped: {reason}");
    }
    drop((index_thread.join(), store_thread.map(thread::JoinHandle::join)));
    Ok(())
}

/// The life of a service that works until it is asked to stop.
fn serve(guard: &ServiceGuard) {
    let mut stop = guard.stop_signal();
    if guard.ready().is_ok() {
        while !stop.requested_blocking(soon()) {
            println!("{} still works", guard.name());
        }
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

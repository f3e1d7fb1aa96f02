//! Where the tasks that drive a workload run: one tokio runtime of two workers for all subjects that
//! do not bring a thread of their own.

use std::sync::{Arc, Barrier, LazyLock};

use tokio::runtime::{Builder, Runtime};

/// As many as the smallest machine that this is measured on has processors.
pub const WORKERS: usize = 2;

/// The runtime of the agents and of the plain tasks beside them.
pub fn workers() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(WORKERS).enable_time().build().expect("two threads can be started")
    });
    &RUNTIME
}

/// Runs `driver` as a task on a worker.
pub fn on_a_worker<T: Send + 'static>(driver: impl Future<Output = T> + Send + 'static) -> T {
    let task = workers().spawn(driver);
    workers().block_on(task).expect("a driver that panics ends the measurement")
}

/// Runs `driver` on the calling thread, which is no worker.
pub fn beside_the_workers<T>(driver: impl Future<Output = T>) -> T {
    workers().block_on(driver)
}

/// Keeps every worker busy, so that mail stays where it was put, until it is dropped.
pub struct Hold(Arc<Barrier>);

impl Hold {
    /// Returns when every worker is held.
    pub fn every_worker() -> Self {
        let (arrived, released) =
            (Arc::new(Barrier::new(WORKERS + 1)), Arc::new(Barrier::new(WORKERS + 1)));
        for _ in 0..WORKERS {
            let (arrived, released) = (Arc::clone(&arrived), Arc::clone(&released));
            drop(workers().spawn(async move {
                arrived.wait();
                released.wait();
            }));
        }
        arrived.wait();
        Self(released)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.wait();
    }
}

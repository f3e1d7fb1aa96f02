//! Waiting for a future on a plain thread, until a deadline.
//!
//! Owns the wait and nothing else: there is no executor behind it and no timer, so it works on any
//! thread, also where no runtime is or where it is gone.
//!
//! ```
//! use std::future::{pending, ready};
//! use std::time::{Duration, Instant};
//!
//! use foundation::park;
//!
//! let deadline = Instant::now() + Duration::from_millis(1);
//! assert_eq!(park::until(deadline, ready(7)), Some(7));
//! assert_eq!(park::until(deadline, pending::<u8>()), None);
//! ```

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

/// Polls `future` on this thread until it is ready; `None`, and the future dropped, if `deadline`
/// passes before. A future that is ready when it is first polled is returned whatever the deadline.
///
/// Costs one allocation, for the waker. The deadline is real time, whatever
/// [`Clock`](crate::clock::Clock) the program uses, and bounds the wait only: a poll that does not
/// return is waited for. Blocks the thread, so it is not for async code. May consume an
/// [`unpark`](Thread::unpark) that was meant for other code on this thread.
///
/// # Panics
///
/// If the future panics.
pub fn until<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

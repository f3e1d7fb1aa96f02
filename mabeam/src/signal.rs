//! The signal to end: SIGTERM, as process managers send it, and the interrupt of a terminal.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use mabeam::{Config, System};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let system = System::new(Config::default())?;
//!     // Spawn what the service is made of.
//!     let drained = system.run_until_terminated(Duration::from_secs(20)).await?;
//!     println!("{drained}");
//!     Ok(())
//! }
//! ```

use std::io;
use std::time::Duration;

use crate::{Drained, System};

/// Which signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// SIGTERM: a process manager asks.
    Terminate,
    /// SIGINT, or ctrl-c: a person asks.
    Interrupt,
}

/// Waits for a signal to end, from the first poll on. That keeps it from ending the process, for the rest
/// of the process's life. Needs a runtime with `enable_io` or `enable_all`, as a system's own has it.
///
/// # Errors
///
/// If the operating system refuses.
///
/// # Panics
///
/// Outside of a tokio runtime, or in one without I/O.
#[cfg(unix)]
pub async fn terminated() -> io::Result<Signal> {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let signal = poll_fn(|context| {
        if terminate.poll_recv(context).is_ready() {
            return Poll::Ready(Signal::Terminate);
        }
        interrupt.poll_recv(context).map(|_| Signal::Interrupt)
    });
    Ok(signal.await)
}

/// Waits for ctrl-c, from the first poll on. That keeps it from ending the process, for the rest of the
/// process's life.
///
/// # Errors
///
/// If the operating system refuses.
#[cfg(not(unix))]
pub async fn terminated() -> io::Result<Signal> {
    tokio::signal::ctrl_c().await.map(|()| Signal::Interrupt)
}

impl System {
    /// Waits for the [signal to end](terminated), then [drains](Self::drain). A process manager should
    /// wait longer than `deadline` and [`Config::exit_deadline`](crate::Config::exit_deadline) together
    /// before it kills the process.
    ///
    /// # Errors
    ///
    /// If the operating system refuses; then nothing was drained.
    pub async fn run_until_terminated(&self, deadline: Duration) -> io::Result<Drained> {
        let signal = terminated().await?;
        tracing::info!(?signal, "the system drains");
        Ok(self.drain(deadline).await)
    }
}

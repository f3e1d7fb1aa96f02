//! What a pool has to know about connections: how one is made and how to tell that it is dead.

use std::error::Error;
use std::future::Future;

/// Makes connections and checks them. `async fn` is enough for an implementation whose futures are
/// `Send`.
///
/// The futures are dropped when their deadline comes, when the pool closes or when the caller stops
/// waiting. A connection whose check was cut short is closed, not used again. A panic in here goes
/// on in the caller of [`Pool::get`](super::Pool::get) and costs the pool no slot.
pub trait Connect: Send + Sync + 'static {
    /// What is pooled. Its destructor closes it and must not panic.
    type Connection: Send + 'static;
    /// Why a connection could not be made, or is not fit for use.
    type Error: Error + Send + Sync + 'static;

    /// Makes a connection that is ready for use: it is handed out without a check.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Self::Error>> + Send;

    /// Tells whether an idle connection still works, before it is handed out again.
    ///
    /// An error goes to [`check_failed`](Self::check_failed) and closes the connection; a new one takes
    /// its place. The default finds every connection fit.
    fn check(
        &self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = connection;
        async { Ok(()) }
    }

    /// Is told why a check failed, or `None` if it took longer than
    /// [`PoolSettings::check_timeout`](super::PoolSettings::check_timeout): to log it, since the caller
    /// of [`Pool::get`](super::Pool::get) gets a new connection and learns nothing of it.
    ///
    /// Runs in that caller's poll, before the connection is closed. The default does nothing;
    /// [`Status::failed_checks`](super::Status::failed_checks) counts in any case.
    fn check_failed(&self, error: Option<Self::Error>) {
        let _ = error;
    }

    /// Tells, without waiting, whether a connection that is given back is known to be unusable: in
    /// the middle of an exchange, or failed. Such a one is closed at once.
    ///
    /// Runs in the destructor of [`Pooled`](super::Pooled) and must not panic. The default keeps
    /// every connection.
    fn is_broken(&self, connection: &Self::Connection) -> bool {
        let _ = connection;
        false
    }
}

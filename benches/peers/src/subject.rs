//! A subject: one way of running agents, behind the operations that the workloads need.
//!
//! Owns the trait and the list of subjects. Each subject does what its own documentation shows; its
//! file says what that is.

mod actix;
mod bare_tokio;
mod kameo;
#[cfg(feature = "mabeam")]
mod mabeam;
mod ractor;
mod xtra;

use futures_util::future::BoxFuture;

pub use self::actix::Actix;
pub use self::bare_tokio::BareTokio;
pub use self::kameo::Kameo;
#[cfg(feature = "mabeam")]
pub use self::mabeam::Mabeam;
pub use self::ractor::Ractor;
pub use self::xtra::Xtra;
use crate::host;
use crate::work::Work;

/// Whether the peers have the features that they have by default.
pub const PEERS_HAVE_DEFAULT_FEATURES: bool = cfg!(feature = "peers-default-features");

/// One way of running agents. Whatever must live as long as the process is started when it is first
/// needed, so there is no value to pass around.
pub trait Subject: 'static {
    /// As the tables show it.
    const NAME: &'static str;
    /// What a sender holds.
    type Agent: Clone + Send + Sync + 'static;

    /// Runs the task that drives a workload where this subject's agents run, and returns its result.
    fn host<T: Send + 'static>(driver: impl Future<Output = T> + Send + 'static) -> T {
        host::on_a_worker(driver)
    }

    /// Runs a driver beside the workers instead of on one, with every worker kept busy until `hold`
    /// is dropped. A subject whose agents run on the driver's own thread has nothing to hold.
    fn host_beside<T, F>(driver: impl FnOnce(Option<host::Hold>) -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        host::beside_the_workers(driver(Some(host::Hold::every_worker())))
    }

    /// Starts an agent. It may be called at once; whether it has started to run is up to the library.
    fn spawn() -> impl Future<Output = Self::Agent> + Send;

    /// Starts agent number `n` of some that are to use every processor, where a library has to be
    /// told.
    fn spawn_spread(n: usize) -> impl Future<Output = Self::Agent> + Send {
        let _ = n;
        Self::spawn()
    }

    /// Sends a message and waits for its reply.
    fn call(agent: &Self::Agent, work: Work) -> impl Future<Output = u64> + Send;

    /// Sends a message that nobody answers; waits only where a full mailbox makes the sender wait.
    fn cast(agent: &Self::Agent, work: Work) -> impl Future<Output = ()> + Send;

    /// Sends a message to each and waits for all replies; returns their number.
    fn call_all(agents: &[Self::Agent], work: Work) -> impl Future<Output = usize> + Send;

    /// Asks an agent to stop; what that returns waits until it has.
    fn stop(
        agent: Self::Agent,
    ) -> impl Future<Output = impl Future<Output = ()> + Send + 'static> + Send;

    /// Starts agents whose deaths are reported one by one; nothing if the library has no such thing.
    fn watched(count: usize) -> impl Future<Output = Option<Watched>> + Send;
}

/// Agents whose deaths are reported.
pub struct Watched {
    /// Kills them all; returns when each was told, or earlier.
    pub kill: BoxFuture<'static, ()>,
    /// Waits for a notice of each death and returns how many there were.
    pub notices: BoxFuture<'static, usize>,
}

/// Something to be done with every subject.
pub trait Visitor {
    /// Does it with `S`.
    fn visit<S: Subject>(&mut self);
}

/// Shows every subject of this build to `visitor`, in the order of the tables.
pub fn visit(visitor: &mut impl Visitor) {
    if PEERS_HAVE_DEFAULT_FEATURES {
        #[cfg(feature = "mabeam")]
        {
            visitor.visit::<Mabeam<false>>();
            visitor.visit::<Mabeam<true>>();
        }
        visitor.visit::<BareTokio>();
        visitor.visit::<Xtra>();
        visitor.visit::<Actix>();
    }
    visitor.visit::<Kameo<false>>();
    if PEERS_HAVE_DEFAULT_FEATURES {
        visitor.visit::<Kameo<true>>();
    }
    visitor.visit::<Ractor>();
}

//! What a system in a test is told, and what it tells.

use std::sync::Arc;

use crate::sync::{Mutex, lock};

/// Makes a system's schedule a matter of a seed, and sees its agents' panics.
#[derive(Debug)]
pub(crate) struct Witness {
    pub(crate) seed: u64,
    panics: Mutex<Vec<Panicked>>,
}

/// A panic in code of an agent's.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "testkit"), expect(dead_code, reason = "read in tests"))]
pub(crate) struct Panicked {
    /// Its name, or its id if it has none.
    pub(crate) agent: String,
    pub(crate) message: Arc<str>,
}

impl Witness {
    #[cfg(feature = "testkit")]
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, panics: Mutex::default() }
    }

    pub(crate) fn note(&self, agent: &str, message: &Arc<str>) {
        let panicked = Panicked { agent: agent.to_owned(), message: Arc::clone(message) };
        lock(&self.panics).push(panicked);
    }

    /// The panics until now.
    #[cfg(feature = "testkit")]
    pub(crate) fn panics(&self) -> Vec<Panicked> {
        lock(&self.panics).clone()
    }
}

//! The guard that holds a name.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use super::shared::Shared;
use super::{Name, RegistrationId};

/// Holds a name; dropping it gives the name back.
///
/// It keeps the registry's storage alive and a clone of the handle. It must not be owned by that
/// handle, nor live in a thread-local; see the
/// [module's page](super#when-a-handles-destructor-runs).
#[must_use = "dropping a registration gives its name back at once"]
pub struct Registration<H, S = foldhash::fast::RandomState>
where
    H: Clone,
    S: BuildHasher,
{
    shared: Arc<Shared<H, S>>,
    name: Name,
    id: RegistrationId,
    handle: H,
}

impl<H: Clone, S: BuildHasher> Registration<H, S> {
    pub(super) fn new(
        shared: Arc<Shared<H, S>>,
        name: Name,
        id: RegistrationId,
        handle: H,
    ) -> Self {
        Self { shared, name, id, handle }
    }

    /// The name that is held.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Which registration this is.
    pub fn id(&self) -> RegistrationId {
        self.id
    }

    /// The registered handle.
    pub fn handle(&self) -> &H {
        &self.handle
    }

    /// Gives the name back and returns the handle.
    ///
    /// A lookup that begins after this returned does not find the registration.
    pub fn unregister(self) -> H {
        self.handle.clone()
    }
}

impl<H: Clone, S: BuildHasher> Drop for Registration<H, S> {
    fn drop(&mut self) {
        // The name may have been given back already, by whoever took it from its owner.
        let guard = self.shared.map.guard();
        let rest = self.shared.remove(&self.name, self.id, &guard);
        drop(rest);
    }
}

impl<H: Clone, S: BuildHasher> fmt::Debug for Registration<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

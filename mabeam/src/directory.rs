//! Finding agents by name and by property.
//!
//! Owns the way from a name to a typed handle; names themselves are [`foundation::registry`]'s. Promises
//! that a lookup that begins after an agent's [`Down`](crate::Down) was delivered does not find it, that
//! no lookup waits for a spawn or an end, and that one that finds its agent allocates nothing.
//!
//! An agent that it returns may be about to end, as any handle's: it holds its names until its state
//! is dropped.

use foundation::registry::{Name, Namespace, Registry};
use thiserror::Error;

use crate::system::Shared;
use crate::{Agent, AgentId, AgentRef, AnyAgent, Context, System, WeakAny};

/// Failed to look an agent up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LookupError {
    /// Nobody holds the name, or the text is none.
    #[error("no agent is named `{name}`")]
    NotFound {
        /// The name.
        name: String,
    },
    /// The agent that holds the name is of another type.
    #[error("`{name}` is held by {id}, a `{found}`, not by a `{expected}`")]
    WrongType {
        /// The name.
        name: String,
        /// Who holds it.
        id: AgentId,
        /// The type that was asked for.
        expected: &'static str,
        /// The type of the agent.
        found: &'static str,
    },
}

impl System {
    /// The agent of type `A` that holds `name`, `namespace/name`.
    ///
    /// Costs one lookup in a concurrent map, without a lock, and the handle's reference counts.
    ///
    /// ```
    /// use mabeam::{Agent, Config, LookupError, System};
    ///
    /// struct Counter;
    /// impl Agent for Counter {}
    /// struct Printer;
    /// impl Agent for Printer {}
    ///
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let counter = system.spawn(Counter).named("jobs/counter").await?;
    /// assert_eq!(system.lookup::<Counter>("jobs/counter")?, counter);
    /// assert!(matches!(
    ///     system.lookup::<Printer>("jobs/counter"),
    ///     Err(LookupError::WrongType { id, .. }) if id == counter.id()
    /// ));
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn lookup<A: Agent>(&self, name: &str) -> Result<AgentRef<A>, LookupError> {
        self.shared().lookup(name)
    }

    /// The agent that holds `name`, of whatever type.
    pub fn lookup_any(&self, name: &str) -> Option<AnyAgent> {
        self.shared().lookup_any(name)
    }

    /// At most `limit` agents in `namespace` whose [properties](crate::Spawn::properties) have all of
    /// these keys with these values, in the order in which they were named. Nobody is in a namespace
    /// whose text is none.
    ///
    /// Costs what the rarest of the properties costs, however many agents there are; without any
    /// property, a scan of all names. See [`Registry::find`].
    ///
    /// ```
    /// use mabeam::{Agent, Config, System};
    ///
    /// struct Reader;
    /// impl Agent for Reader {}
    ///
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let reads = [("vision", "yes"), ("model", "small")];
    /// let reader = system.spawn(Reader).named("prod/reader").properties(reads).await?;
    /// let found = system.find("prod", &[("vision", "yes")], 10);
    /// assert_eq!(found.iter().map(|agent| agent.id()).collect::<Vec<_>>(), [reader.id()]);
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn find(
        &self,
        namespace: &str,
        properties: &[(&str, &str)],
        limit: usize,
    ) -> Vec<AnyAgent> {
        self.shared().find(namespace, properties, limit)
    }

    /// The names in `namespace`, in no particular order. Scans all names: for tools, and for catching
    /// up with a [watch](Registry::watch_namespace).
    pub fn names_in(&self, namespace: &str) -> Vec<Name> {
        let names = |namespace| self.registry().names_in(&namespace);
        Namespace::new(namespace).map(names).unwrap_or_default()
    }

    /// The registry behind the names, for watches, groups and monitors of names. What is registered
    /// in it does not keep an agent alive; a [name](crate::Spawn::named) does besides.
    pub fn registry(&self) -> &Registry<WeakAny> {
        &self.shared().registry
    }
}

impl<A: Agent> Context<A> {
    /// As [`System::lookup`].
    pub fn lookup<B: Agent>(&self, name: &str) -> Result<AgentRef<B>, LookupError> {
        self.cell().system.lookup(name)
    }

    /// As [`System::lookup_any`].
    pub fn lookup_any(&self, name: &str) -> Option<AnyAgent> {
        self.cell().system.lookup_any(name)
    }

    /// As [`System::find`].
    pub fn find(
        &self,
        namespace: &str,
        properties: &[(&str, &str)],
        limit: usize,
    ) -> Vec<AnyAgent> {
        self.cell().system.find(namespace, properties, limit)
    }
}

impl Shared {
    fn lookup_any(&self, name: &str) -> Option<AnyAgent> {
        self.registry.lookup_with(name, |entry| entry.handle.upgrade())?
    }

    fn lookup<A: Agent>(&self, name: &str) -> Result<AgentRef<A>, LookupError> {
        let found = self.lookup_any(name);
        let typed =
            |agent: AnyAgent| agent.downcast::<A>().ok_or_else(|| (agent.id(), agent.type_name()));
        match found.map(typed) {
            Some(Ok(agent)) => Ok(agent),
            Some(Err((id, found))) => Err(LookupError::WrongType {
                name: name.to_owned(),
                id,
                expected: std::any::type_name::<A>(),
                found,
            }),
            None => Err(LookupError::NotFound { name: name.to_owned() }),
        }
    }

    fn find(&self, namespace: &str, properties: &[(&str, &str)], limit: usize) -> Vec<AnyAgent> {
        let Ok(namespace) = Namespace::new(namespace) else { return Vec::new() };
        let found = self.registry.find(&namespace, properties, limit);
        found.into_iter().filter_map(|entry| entry.handle.upgrade()).collect()
    }
}

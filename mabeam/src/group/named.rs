//! Groups that are found by a name.
//!
//! Owns which name leads to which group. Promises that all who ask for a name at the same time get the
//! same group, and that nothing is left of one that nobody holds and nobody is a member of.

use std::any::{Any, type_name};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use foldhash::fast::RandomState;
use foundation::registry::{Name, NameError};
use thiserror::Error;

use super::{Core, Group};
use crate::sync::{Mutex, lock};
use crate::system::Shared;
use crate::{Agent, Context, Message, System};

/// Failed to find a group by a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The name is none.
    #[error("failed to find a group: {0}")]
    Name(#[from] NameError),
    /// The group is of another type of message.
    #[error("the group `{name}` is of `{found}`, not of `{expected}`")]
    WrongType {
        /// The name.
        name: String,
        /// The type of message that was asked for.
        expected: &'static str,
        /// The group's.
        found: &'static str,
    },
}

/// The groups of a system that have a name. A name takes room here while it has a group, and each group
/// has a handle or a member.
#[derive(Default)]
pub(crate) struct Groups {
    /// No group is dropped under this lock: its end takes it.
    by_name: Mutex<HashMap<Name, Listed, RandomState>>,
}

struct Listed {
    /// A [`Core`].
    core: Weak<dyn Any + Send + Sync>,
    message: &'static str,
}

/// Where a group is listed.
pub(super) struct Listing {
    groups: Arc<Groups>,
    name: Name,
}

impl System {
    /// The group of messages `M` with this name, `namespace/name`; an empty one if there was none. Names
    /// of groups and of agents are apart.
    ///
    /// It is forgotten when it has no members and nobody has a handle of it. Takes a lock for a moment:
    /// who sends often keeps the handle.
    ///
    /// ```
    /// use mabeam::{Agent, Config, Context, Handler, Message, System};
    ///
    /// # #[derive(Clone)] struct Line(&'static str);
    /// # impl Message for Line { type Reply = (); }
    /// struct Printer;
    /// impl Agent for Printer {
    ///     async fn init(&mut self, context: &mut Context<Self>) -> Result<(), mabeam::Reason> {
    ///         let log = context.group::<Line>("app/log").map_err(|error| error.to_string());
    ///         // …
    /// #       drop(log.map(|log| log.join(context.handle())));
    ///         Ok(())
    ///     }
    /// }
    /// # impl Handler<Line> for Printer {
    /// #     async fn handle(&mut self, _: Line, _: &mut Context<Self>) {}
    /// # }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let printer = system.spawn(Printer).await?;
    /// assert!(system.group::<Line>("app/log")?.contains(printer.id()));
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn group<M: Message>(&self, name: &str) -> Result<Group<M>, GroupError> {
        self.shared().group(name)
    }
}

impl<A: Agent> Context<A> {
    /// As [`System::group`].
    pub fn group<M: Message>(&self, name: &str) -> Result<Group<M>, GroupError> {
        self.cell().system.group(name)
    }
}

impl Shared {
    fn group<M: Message>(&self, name: &str) -> Result<Group<M>, GroupError> {
        let name = Name::new(name)?;
        let listing = Listing { groups: Arc::clone(&self.groups), name: name.clone() };
        // Dropped behind the lock, if it is not needed; and so is what was found, if it is the last.
        let made = Group::<M>::listed(Group::<M>::DEFAULT_LIMIT, Some(listing));
        let known = |listed: &Listed| Some((listed.core.upgrade()?, listed.message));
        let (found, message) = {
            let mut by_name = lock(&self.groups.by_name);
            if let Some(found) = by_name.get(&name).and_then(known) {
                found
            } else {
                let core: Weak<Core<M>> = Arc::downgrade(&made.core);
                by_name.insert(name, Listed { core, message: type_name::<M>() });
                return Ok(made);
            }
        };
        match found.downcast::<Core<M>>() {
            Ok(core) => Ok(Group { core }),
            Err(_) => Err(GroupError::WrongType {
                name: name.as_str().to_owned(),
                expected: type_name::<M>(),
                found: message,
            }),
        }
    }
}

impl Listing {
    /// Takes the name from the list, unless it leads to another group by now.
    pub(super) fn forget(&self) {
        let mut by_name = lock(&self.groups.by_name);
        if by_name.get(&self.name).is_some_and(|listed| listed.core.strong_count() == 0) {
            by_name.remove(&self.name);
        }
    }
}

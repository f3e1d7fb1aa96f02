//! The index of properties: which names of a namespace have a certain value under a metadata key.

use std::sync::Arc;

use papaya::LocalGuard;

use super::postings::{List, Postings};
use super::{Metadata, Name, RegistrationId};

/// A metadata key with its value, in one namespace.
#[derive(PartialEq, Eq, Hash)]
struct Property {
    namespace: Box<str>,
    key: Box<str>,
    value: Box<str>,
}

/// The names by property. Changed by one thread at a time, read by anyone. Holds no code of a user.
pub(super) struct Properties(Postings<Arc<Property>, Name>);

impl Property {
    fn new(namespace: &str, key: &str, value: &str) -> Self {
        Self { namespace: namespace.into(), key: key.into(), value: value.into() }
    }
}

impl Properties {
    pub(super) fn new() -> Self {
        Self(Postings::new())
    }

    pub(super) fn guard(&self) -> LocalGuard<'_> {
        self.0.guard()
    }

    /// Adds a registration under each of its properties. One thread at a time.
    pub(super) fn insert(&self, name: &Name, id: RegistrationId, metadata: &Metadata) {
        for property in properties(name, metadata) {
            self.0.insert(&property, id, name.clone(), &self.0.guard());
        }
    }

    /// Takes a registration from under each of its properties. One thread at a time.
    pub(super) fn remove(&self, name: &Name, id: RegistrationId, metadata: &Metadata) {
        for property in properties(name, metadata) {
            self.0.remove(&property, id, &self.0.guard());
        }
    }

    /// The registrations in `namespace` that have all of `wanted`, in the order of their ids; `None`
    /// if nothing is wanted, which the index cannot answer.
    ///
    /// Walks the shortest list and looks each of its entries up in the others.
    pub(super) fn having<'g>(
        &self,
        namespace: &str,
        wanted: &[(&str, &str)],
        guard: &'g LocalGuard<'_>,
    ) -> Option<impl Iterator<Item = (RegistrationId, &'g Name)> + use<'g>> {
        let list =
            |(key, value): &(&str, &str)| self.0.list(&Property::new(namespace, key, value), guard);
        let mut lists: Vec<Option<&'g List<Name>>> = wanted.iter().map(list).collect();
        // A list that is not there is the shortest of all.
        lists.sort_by_key(|list| list.map_or(0, List::size));
        let shortest = lists.first().copied()?;
        let others: Vec<&List<Name>> = lists.into_iter().skip(1).flatten().collect();
        let in_all = move |id: &RegistrationId| others.iter().all(|list| list.contains_key(id));
        let found = shortest.into_iter().flatten().filter(move |(id, _)| in_all(id));
        Some(found.map(|(id, name)| (*id, name)))
    }
}

/// Each pair of `metadata` as a property in the namespace of `name`.
fn properties(name: &Name, metadata: &Metadata) -> impl Iterator<Item = Arc<Property>> {
    let property = |(key, value)| Arc::new(Property::new(name.namespace(), key, value));
    metadata.iter().map(property)
}

//! The index of properties: which names of a namespace have a certain value under a metadata key.

use std::sync::Arc;

use papaya::LocalGuard;

use super::postings::{List, Postings};
use super::{Metadata, Name, RegistrationId};

/// A metadata key with its value, in one namespace.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Property {
    namespace: Box<str>,
    key: Box<str>,
    value: Box<str>,
}

/// The properties of one registration.
pub(super) type PropertySet = Box<[Arc<Property>]>;

/// The names by property. Changed by one thread at a time, read by anyone. Holds no code of a user.
pub(super) struct Properties(Postings<Arc<Property>, Name>);

impl Property {
    fn new(namespace: &str, key: &str, value: &str) -> Self {
        Self { namespace: namespace.into(), key: key.into(), value: value.into() }
    }

    /// Each pair of `metadata` as a property in the namespace of `name`.
    pub(super) fn of(name: &Name, metadata: &Metadata) -> PropertySet {
        let property = |(key, value)| Arc::new(Self::new(name.namespace(), key, value));
        metadata.iter().map(property).collect()
    }
}

impl Properties {
    pub(super) fn new() -> Self {
        Self(Postings::new())
    }

    pub(super) fn guard(&self) -> LocalGuard<'_> {
        self.0.guard()
    }

    /// Adds a registration under each of its properties. One thread at a time; costs nothing without
    /// properties.
    pub(super) fn insert(&self, properties: &PropertySet, id: RegistrationId, name: &Name) {
        if !properties.is_empty() {
            let guard = self.0.guard();
            for property in properties {
                self.0.insert(property, id, name.clone(), &guard);
            }
        }
    }

    /// Takes a registration from under each of its properties. One thread at a time.
    pub(super) fn remove(&self, properties: &PropertySet, id: RegistrationId) {
        if !properties.is_empty() {
            let guard = self.0.guard();
            for property in properties {
                self.0.remove(property, id, &guard);
            }
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

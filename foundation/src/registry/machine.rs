//! The whole registry against a model of plain maps: names, groups, owners, properties, monitors and
//! watches, over random sequences of calls.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;
use crate::owner::{Owner, Reason};

const OWNERS: usize = 3;
const NAMES: u8 = 6;
const GROUPS: u8 = 3;
const MAX_REGISTRATIONS: usize = 9;

#[derive(Clone, Debug)]
enum Call {
    Register {
        name: u8,
        owner: Option<usize>,
        properties: Vec<(u8, u8)>,
    },
    Join {
        group: u8,
        owner: Option<usize>,
    },
    /// Ends the registration or membership with this handle, be it by its guard or by its receipt.
    GiveBack(u64),
    /// Ends the owner; another takes its place.
    EndOwner(usize),
}

/// What is registered: the handle, which no other registration has, tells them apart.
#[derive(Clone, Debug)]
struct Held {
    /// A name, or a group.
    name: u8,
    is_member: bool,
    owner: Option<usize>,
    properties: BTreeMap<u8, u8>,
}

#[derive(Clone, Debug, Default)]
struct Model {
    held: BTreeMap<u64, Held>,
    /// The handle of the next call.
    next: u64,
    /// Whether the last call gave something back that was held.
    given_back: bool,
}

impl Model {
    fn holder(&self, name: u8) -> Option<u64> {
        let found = |(handle, held): (&u64, &Held)| {
            (!held.is_member && held.name == name).then_some(*handle)
        };
        self.held.iter().find_map(found)
    }

    fn has_room(&self) -> bool {
        self.held.len() < MAX_REGISTRATIONS
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Call;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Call> {
        let owner = || option::of(0..OWNERS);
        let properties = vec((0_u8..2, 0_u8..2), 0..3);
        let register = (0..NAMES, owner(), properties)
            .prop_map(|(name, owner, properties)| Call::Register { name, owner, properties });
        let join = (0..GROUPS, owner()).prop_map(|(group, owner)| Call::Join { group, owner });
        let give_back = (0..=state.next).prop_map(Call::GiveBack);
        let end = (0..OWNERS).prop_map(Call::EndOwner);
        prop_oneof![5 => register, 3 => join, 3 => give_back, 1 => end].boxed()
    }

    fn apply(mut state: Self, call: &Call) -> Self {
        let handle = state.next;
        state.next += 1;
        match call {
            Call::Register { name, owner, properties } => {
                if state.has_room() && state.holder(*name).is_none() {
                    let properties = properties.iter().copied().collect();
                    let held = Held { name: *name, is_member: false, owner: *owner, properties };
                    state.held.insert(handle, held);
                }
            }
            Call::Join { group, owner } if state.has_room() => {
                let properties = BTreeMap::new();
                let held = Held { name: *group, is_member: true, owner: *owner, properties };
                state.held.insert(handle, held);
            }
            Call::Join { .. } => {}
            Call::GiveBack(handle) => state.given_back = state.held.remove(handle).is_some(),
            Call::EndOwner(owner) => state.held.retain(|_, held| held.owner != Some(*owner)),
        }
        state
    }
}

/// What a caller holds of a registration.
enum Receipt {
    Name(Registration<u64>),
    Member(Membership<u64>),
    KeptName(KeptRegistration<u64>),
    KeptMember(KeptMembership<u64>),
}

struct Real {
    registry: Registry<u64>,
    owners: Vec<Owner>,
    receipts: BTreeMap<u64, Receipt>,
    /// One monitor a registered name, with its owner, by handle.
    monitors: BTreeMap<u64, (Option<usize>, MonitorRef)>,
    watches: [(Namespace, Watch, BTreeMap<RegistrationId, Name>); 2],
    everything: (Watch, BTreeMap<RegistrationId, Name>),
}

/// A name in one of two namespaces.
fn name(number: u8) -> Name {
    Name::new(&format!("space{}/{number}", number % 2)).unwrap()
}

fn text(number: u8) -> &'static str {
    ["zero", "one"][usize::from(number)]
}

/// Applies unread changes to what is known to be registered.
fn follow(watch: &mut Watch, known: &mut BTreeMap<RegistrationId, Name>) {
    while let Some(change) = watch.try_next().unwrap() {
        match change {
            Change::Registered { name, id, .. } | Change::Joined { group: name, id, .. } => {
                assert_eq!(known.insert(id, name), None);
            }
            Change::Unregistered { name, id } | Change::Left { group: name, id } => {
                assert_eq!(known.remove(&id), Some(name));
            }
        }
    }
}

impl Real {
    fn register(&mut self, handle: u64, number: u8, owner: Option<usize>, properties: &[(u8, u8)]) {
        let metadata = properties.iter().map(|(key, value)| (text(*key), text(*value))).collect();
        let receipt = match owner {
            None => self.registry.register(name(number), handle, metadata).map(Receipt::Name),
            Some(at) => {
                let owner = self.owners[at].handle();
                let kept = self.registry.register_for(&owner, name(number), handle, metadata);
                kept.map(Receipt::KeptName)
            }
        };
        match receipt {
            Ok(receipt) => {
                self.monitors.insert(handle, (owner, self.registry.monitor(&name(number))));
                self.receipts.insert(handle, receipt);
            }
            Err(refused) => assert_eq!(refused.into_handle(), handle),
        }
    }

    fn join(&mut self, handle: u64, group: u8, owner: Option<usize>) {
        let receipt = match owner {
            None => self.registry.join(name(group), handle, Metadata::new()).map(Receipt::Member),
            Some(at) => {
                let owner = self.owners[at].handle();
                let kept = self.registry.join_for(&owner, name(group), handle, Metadata::new());
                kept.map(Receipt::KeptMember)
            }
        };
        match receipt {
            Ok(receipt) => drop(self.receipts.insert(handle, receipt)),
            Err(refused) => assert_eq!(refused.into_handle(), handle),
        }
    }

    /// `held` says whether the model had it when it was given back.
    fn give_back(&mut self, handle: u64, held: bool) {
        match self.receipts.remove(&handle) {
            Some(Receipt::Name(registration)) => {
                assert_eq!(registration.unregister(), handle);
                let (_, mut monitor) = self.monitors.remove(&handle).unwrap();
                assert_eq!(monitor.try_down().unwrap().reason, Reason::Normal);
            }
            Some(Receipt::Member(membership)) => drop(membership),
            Some(Receipt::KeptName(kept)) => {
                assert_eq!(kept.unregister(), held.then_some(handle));
            }
            Some(Receipt::KeptMember(kept)) => assert_eq!(kept.leave(), held),
            None => {}
        }
    }

    fn end_owner(&mut self, at: usize) {
        let ended = std::mem::take(&mut self.owners[at]);
        ended.end(Reason::Shutdown);
        self.monitors.retain(|_, (owner, monitor)| {
            if *owner != Some(at) {
                return true;
            }
            assert_eq!(monitor.try_down().unwrap().reason, Reason::Shutdown);
            assert_eq!(monitor.try_down(), None);
            false
        });
    }
}

struct RegistryMachine;

impl StateMachineTest for RegistryMachine {
    type SystemUnderTest = Real;
    type Reference = Model;

    fn init_test(_: &Model) -> Real {
        let limits = Limits { max_names: MAX_REGISTRATIONS, ..Limits::default() };
        let registry = Registry::with_limits(limits);
        let watches = ["space0", "space1"].map(|text| {
            let space = Namespace::new(text).unwrap();
            (space.clone(), registry.watch_namespace(space), BTreeMap::new())
        });
        let everything = (registry.watch(), BTreeMap::new());
        Real {
            registry,
            owners: (0..OWNERS).map(|_| Owner::new()).collect(),
            receipts: BTreeMap::new(),
            monitors: BTreeMap::new(),
            watches,
            everything,
        }
    }

    fn apply(mut real: Real, model: &Model, call: Call) -> Real {
        // The model has made the call already.
        let handle = model.next - 1;
        match call {
            Call::Register { name, owner, properties } => {
                real.register(handle, name, owner, &properties);
            }
            Call::Join { group, owner } => real.join(handle, group, owner),
            Call::GiveBack(handle) => real.give_back(handle, model.given_back),
            Call::EndOwner(owner) => real.end_owner(owner),
        }
        real
    }

    fn check_invariants(real: &Real, model: &Model) {
        let registry = &real.registry;
        for number in 0..NAMES {
            assert_eq!(registry.lookup(&name(number)), model.holder(number));
        }
        for group in 0..GROUPS {
            let members: Vec<u64> =
                registry.members(&name(group)).iter().map(|member| member.handle).collect();
            let expected: Vec<u64> = model
                .held
                .iter()
                .filter(|(_, held)| held.is_member && held.name == group)
                .map(|(handle, _)| *handle)
                .collect();
            assert_eq!(members, expected);
        }
        let names = model.held.values().filter(|held| !held.is_member).count();
        assert_eq!(registry.len(), names);
        assert_eq!(registry.member_count(), model.held.len() - names);
        let groups: BTreeSet<u8> =
            model.held.values().filter(|held| held.is_member).map(|held| held.name).collect();
        for space in 0..2 {
            let namespace = Namespace::new(&format!("space{space}")).unwrap();
            let mut found = registry.groups_in(&namespace);
            found.sort();
            let inside = groups.iter().filter(|group| *group % 2 == space);
            assert_eq!(found, inside.map(|group| name(*group)).collect::<Vec<_>>());
        }
        for (space, wanted) in [(0, vec![(0, 0)]), (1, vec![(0, 1), (1, 0)]), (0, vec![])] {
            let namespace = Namespace::new(&format!("space{space}")).unwrap();
            let pairs: Vec<_> =
                wanted.iter().map(|(key, value)| (text(*key), text(*value))).collect();
            let mut found: Vec<u64> =
                registry.find(&namespace, &pairs, 100).iter().map(|entry| entry.handle).collect();
            if wanted.is_empty() {
                found.sort_unstable();
            }
            let has_all = |held: &Held| {
                wanted.iter().all(|(key, value)| held.properties.get(key) == Some(value))
            };
            let expected: Vec<u64> = model
                .held
                .iter()
                .filter(|(_, held)| !held.is_member && held.name % 2 == space && has_all(held))
                .map(|(handle, _)| *handle)
                .collect();
            assert_eq!(found, expected, "{pairs:?} in {namespace}");
        }
    }

    fn teardown(mut real: Real, model: Model) {
        let expected = |space: Option<&Namespace>| {
            let inside = |name: &Name| space.is_none_or(|space| space.contains(name));
            let mut names: Vec<Name> =
                model.held.values().map(|held| name(held.name)).filter(inside).collect();
            names.sort();
            names
        };
        let sorted = |known: &BTreeMap<RegistrationId, Name>| {
            let mut names: Vec<Name> = known.values().cloned().collect();
            names.sort();
            names
        };
        for (space, watch, known) in &mut real.watches {
            follow(watch, known);
            assert_eq!(sorted(known), expected(Some(space)));
        }
        follow(&mut real.everything.0, &mut real.everything.1);
        assert_eq!(sorted(&real.everything.1), expected(None));
        for (_, monitor) in real.monitors.values_mut() {
            assert_eq!(monitor.try_down(), None, "a down came early");
        }
    }
}

prop_state_machine! {
    #[test]
    fn a_registry_behaves_like_maps_with_owners(sequential 1..60 => RegistryMachine);
}

//! Lookups in a registry, beside the map that it is made of, and registrations that come and go.

use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use foldhash::fast::{FixedState, RandomState};
use foundation::owner::{Owner, Reason};
use foundation::registry::{Entry, Limits, Metadata, Name, Namespace, Registration, Registry};

/// Names in the usual registry.
pub const NAMES: usize = 1_000;
/// Names in one beside which something must cost no more than beside [`NAMES`].
pub const LARGE: usize = 100_000;
/// Names in the largest one.
pub const MANY_NAMES: usize = 1_000_000;

/// One random seed a process, for both sides of a comparison: with a seed each, one side would probe
/// longer than the other by chance.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// A filled registry and the names to look up.
pub struct Filled<S: BuildHasher = RandomState> {
    /// The registry.
    pub registry: Registry<u64, S>,
    /// What to look up; a power of two of them.
    pub names: Arc<[Name]>,
    _held: Vec<Registration<u64, S>>,
}

/// The peer's map: what the registry is made of, with the same keys and entries.
type Map = papaya::HashMap<Name, Entry<u64>, RandomState>;

impl Filled {
    /// A registry of `count` names, hashed as a user's registry is.
    pub fn new(count: usize) -> Self {
        Self::with_hasher(count, SEED.clone())
    }
}

impl Filled<FixedState> {
    /// A registry of `count` names whose hash seed is pinned, so that instructions are the same in
    /// every process.
    pub fn pinned(count: usize) -> Self {
        Self::with_hasher(count, FixedState::with_seed(0))
    }
}

impl<S: BuildHasher> Filled<S> {
    /// `count` further names that are free, each of which was held once, so that the map has grown as
    /// far as they make it grow: what is measured is what goes on, not the one time that it begins.
    fn settled(&self, count: usize) -> Arc<[Name]> {
        let others = self.registry.len();
        let names: Arc<[Name]> = (others..others + count).map(name).collect();
        for name in &*names {
            drop(self.registry.register(name.clone(), 0, Metadata::new()));
        }
        // A walk helps a resize of the map to its end.
        let namespace = Namespace::new("production").expect("a valid namespace");
        assert_eq!(self.registry.names_in(&namespace).len(), others);
        names
    }

    fn with_hasher(count: usize, hasher: S) -> Self {
        let registry = Registry::with_hasher(Limits::default(), hasher);
        let mut held = Vec::with_capacity(count);
        for number in 0..count {
            let registered = registry.register(name(number), number as u64, Metadata::new());
            held.push(registered.expect("names are unique and few enough"));
        }
        Self { registry, names: queries(count), _held: held }
    }
}

/// The peer: a bare map with the same names, the same entries, filled in the same order, so that its
/// memory lies as the registry's does.
fn bare_map(count: usize) -> Map {
    let registry = Registry::new();
    let held = registry.register(name(0), 0_u64, Metadata::new()).expect("the only name");
    let template = registry.entry(held.name()).expect("it is held");
    let map = Map::with_hasher(SEED.clone());
    for number in 0..count {
        let name = name(number);
        let entry = Entry { name: name.clone(), handle: number as u64, ..template.clone() };
        map.pin().insert(name, entry);
    }
    map
}

/// `count` names to look up, padded to a power of two so that walking them costs a mask, in an order
/// that no prefetcher guesses.
fn queries(count: usize) -> Arc<[Name]> {
    shuffled(count.next_power_of_two(), count).map(name).collect()
}

/// `service_discovery`: a lookup by name.
pub fn lookup(count: usize) -> impl FnMut(u64) -> Option<u64> + Clone + Send + 'static {
    let filled = Arc::new(Filled::new(count));
    let names = Arc::clone(&filled.names);
    move |n| filled.registry.lookup(nth(&names, n))
}

/// The peer of [`lookup`]: `get` of the bare map, with the same keys, entries and returned value.
pub fn papaya_get(count: usize) -> impl FnMut(u64) -> Option<u64> + Clone + Send + 'static {
    let (map, names) = (Arc::new(bare_map(count)), queries(count));
    move |n| map.pin().get(nth(&names, n)).map(|entry| entry.handle)
}

/// `registration`: a name is taken and given back beside those that are there; what was removed is
/// freed every 1,000 operations, so that live bytes can be compared.
///
/// Live bytes are compared with a [pinned](Filled::pinned) seed: with a random one the map meets,
/// now and then, a run of collisions that makes it double its table once.
pub fn register_and_unregister<S>(filled: Filled<S>) -> impl FnMut(u64) + Clone + Send + 'static
where
    S: BuildHasher + Send + Sync + 'static,
{
    let filled = Arc::new(filled);
    let names = filled.settled(1_024);
    move |n| {
        let held = filled.registry.register(nth(&names, n).clone(), n, Metadata::new());
        drop(held.expect("the name is free"));
        if n % 1_000 == 999 {
            filled.registry.reclaim();
        }
    }
}

/// `registration_of_one_name`: one and the same name is taken and given back beside those that are
/// there, as by an agent that is started again and again.
pub fn register_one_name(others: usize) -> impl FnMut(u64) + Clone + Send + 'static {
    let filled = Arc::new(Filled::new(others));
    let names = filled.settled(1);
    move |n| drop(filled.registry.register(names[0].clone(), n, Metadata::new()))
}

/// Registrations of the owner in [`owner_end`].
pub const OWNED: usize = 8;

/// `owner_end`: an owner is given [`OWNED`] names beside those that are there, and ends.
pub fn owner_end<S>(filled: Filled<S>) -> impl FnMut(u64) + Clone + Send + 'static
where
    S: BuildHasher + Send + Sync + 'static,
{
    let filled = Arc::new(filled);
    let names = filled.settled(OWNED);
    move |n| {
        let owner = Owner::new();
        let handle = owner.handle();
        for name in &*names {
            let kept = filled.registry.register_for(&handle, name.clone(), n, Metadata::new());
            kept.expect("the name is free and the owner alive");
        }
        owner.end(Reason::Normal);
        if n % 128 == 127 {
            filled.registry.reclaim();
        }
    }
}

/// How many names have the property that [`find`] asks for.
pub const CAPABLE: usize = 100;

/// `property_query`: the [`CAPABLE`] of `count` names with a capability.
pub fn find(count: usize) -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let registry = Registry::new();
    let mut held = Vec::with_capacity(count);
    for number in 0..count {
        let capability = if number % (count / CAPABLE) == 0 { "vision" } else { "text" };
        let metadata = Metadata::from([("capability", capability)]);
        let registered = registry.register(name(number), number as u64, metadata);
        held.push(registered.expect("names are unique and few enough"));
    }
    let held = Arc::new((registry, held));
    let namespace = Namespace::new("production").expect("a valid namespace");
    move |_| held.0.find(&namespace, &[("capability", "vision")], usize::MAX).len()
}

/// `group_members`: the handles of a group of [`CAPABLE`] members are summed up.
pub fn members() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let registry = Registry::new();
    let join = |number| registry.join(name(0), number as u64, Metadata::new());
    let held: Vec<_> = (0..CAPABLE).map(|at| join(at).expect("there is room")).collect();
    let held = Arc::new((registry, held));
    move |_| held.0.members("production/agent_0").iter().map(|member| member.handle).sum()
}

/// `monitor`: a monitor of an owner is set up and taken back.
pub fn monitor() -> impl FnMut(u64) + Clone + Send + 'static {
    let owner = Arc::new(Owner::new());
    move |_| drop(owner.handle().monitor())
}

/// The `n`th of `names`, whose number is a power of two, over and over.
#[inline]
pub fn nth(names: &[Name], n: u64) -> &Name {
    &names[usize::try_from(n).unwrap_or(0) & (names.len() - 1)]
}

/// A name as a user would choose it.
fn name(number: usize) -> Name {
    Name::new(&format!("production/agent_{number}")).expect("a valid name")
}

/// `length` numbers below `bound` in a fixed disorder: a full-period linear congruential sequence
/// (Knuth, TAOCP 2, 3.2.1.2, theorem A: odd increment, multiplier 1 modulo 4), folded into the bound.
fn shuffled(length: usize, bound: usize) -> impl Iterator<Item = usize> {
    let next = move |seen: &usize| Some((seen.wrapping_mul(4 * 1_234_567 + 1) + 12_345) % length);
    std::iter::successors(Some(0), next).take(length).map(move |number| number % bound)
}

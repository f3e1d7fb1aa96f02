//! Laws of a registry on record: with a backend that waits or fails when told to, and over restarts.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Limits, RegisterError};
use super::*;
use crate::owner::{Owner, Reason};

/// Records in memory behind a gate, and a switch that makes writes fail before or after the record
/// is made.
#[derive(Default)]
struct Moody {
    records: MemoryBackend,
    gate: tokio::sync::Notify,
    gated: AtomicBool,
    fails_before: AtomicBool,
    fails_after: AtomicBool,
}

#[async_trait]
impl Backend for Moody {
    async fn load(&self) -> Result<Vec<Record>, BackendError> {
        self.records.load().await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), BackendError> {
        if self.gated.load(Ordering::SeqCst) {
            self.gate.notified().await;
        }
        if self.fails_before.load(Ordering::SeqCst) {
            return Err("the disk is on fire".into());
        }
        self.records.write(writes).await?;
        if self.fails_after.load(Ordering::SeqCst) {
            return Err("the line went dead".into());
        }
        Ok(())
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

async fn open(backend: &Arc<Moody>) -> DurableRegistry<u32> {
    DurableRegistry::open(Registry::new(), Arc::clone(backend) as Arc<dyn Backend>).await.unwrap()
}

async fn on_record(backend: &Moody) -> Vec<String> {
    let records = backend.load().await.unwrap();
    records.iter().map(|record| record.name.to_string()).collect()
}

#[tokio::test]
async fn a_slow_backend_hides_the_name_and_holds_up_nobody_else() {
    let backend = Arc::new(Moody::default());
    let durable = open(&backend).await;
    let _there = durable.register(name("a/there"), 1, Metadata::new()).await.unwrap();
    backend.gated.store(true, Ordering::SeqCst);
    let mut slow = Box::pin(durable.register(name("a/slow"), 2, Metadata::new()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(slow.as_mut().poll(&mut context).is_pending());
    assert_eq!(durable.registry().lookup("a/there"), Some(1));
    assert_eq!(durable.registry().lookup("a/slow"), None);
    let refused = durable.register(name("a/slow"), 3, Metadata::new()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the name `a/slow` is just being registered");
    assert_eq!(refused.into_handle(), 3);
    backend.gate.notify_one();
    let held = slow.await.unwrap();
    assert_eq!(durable.registry().lookup("a/slow"), Some(2));
    assert_eq!(held.registration().handle(), &2);
}

#[tokio::test]
async fn a_dropped_registering_leaves_the_name_free_and_its_record_owed() {
    let backend = Arc::new(Moody::default());
    let durable = open(&backend).await;
    backend.gated.store(true, Ordering::SeqCst);
    {
        let mut slow = pin!(durable.register(name("a/b"), 1, Metadata::new()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(slow.as_mut().poll(&mut context).is_pending());
    }
    backend.gated.store(false, Ordering::SeqCst);
    assert_eq!(durable.owed(), 1);
    let held = durable.register(name("a/b"), 2, Metadata::new()).await.unwrap();
    assert_eq!((durable.owed(), durable.registry().lookup("a/b")), (0, Some(2)));
    assert_eq!(on_record(&backend).await, ["a/b"]);
    assert_eq!(held.unregister().await.unwrap(), 2);
    assert!(on_record(&backend).await.is_empty());
}

#[tokio::test]
async fn a_failing_backend_is_an_error_that_gives_back_the_handle() {
    let backend = Arc::new(Moody::default());
    let durable = open(&backend).await;
    let held = durable.register(name("a/held"), 1, Metadata::new()).await.unwrap();
    for switch in [&backend.fails_before, &backend.fails_after] {
        switch.store(true, Ordering::SeqCst);
        let refused = durable.register(name("a/b"), 7, Metadata::new()).await.unwrap_err();
        assert!(refused.to_string().starts_with("`a/b` could not be put on record: the"));
        assert_eq!(refused.into_handle(), 7);
        assert_eq!(durable.registry().lookup("a/b"), None);
        assert_eq!(durable.registry().lookup("a/held"), Some(1));
        switch.store(false, Ordering::SeqCst);
    }
    assert_eq!(durable.owed(), 2);
    backend.fails_before.store(true, Ordering::SeqCst);
    let unflushed = held.unregister().await.unwrap_err();
    assert_eq!((unflushed.handle, durable.registry().lookup("a/held")), (1, None));
    assert!(durable.flush().await.is_err());
    assert_eq!(durable.owed(), 3);
    backend.fails_before.store(false, Ordering::SeqCst);
    durable.flush().await.unwrap();
    assert_eq!(durable.owed(), 0);
    assert!(on_record(&backend).await.is_empty());
}

#[tokio::test]
async fn an_owners_end_frees_the_name_and_owes_the_record() {
    let backend = Arc::new(Moody::default());
    let durable = open(&backend).await;
    let owner = Owner::new();
    let handle = owner.handle();
    let kept = durable.register_for(&handle, name("a/kept"), 1, Metadata::new()).await.unwrap();
    let early = durable.register_for(&handle, name("a/early"), 2, Metadata::new()).await.unwrap();
    assert_eq!(early.unregister().await.unwrap().unwrap(), 2);
    assert_eq!(on_record(&backend).await, ["a/kept"]);
    owner.end(Reason::Shutdown);
    assert_eq!((durable.registry().lookup("a/kept"), durable.owed()), (None, 1));
    assert!(kept.unregister().await.is_none());
    let refused = durable.register_for(&handle, name("a/late"), 3, Metadata::new()).await;
    let refused = refused.unwrap_err();
    assert!(matches!(&refused, DurableRegisterError::Refused(RegisterError::OwnerEnded { .. })));
    assert_eq!(refused.into_handle(), 3);
    durable.flush().await.unwrap();
    assert!(on_record(&backend).await.is_empty());
}

#[tokio::test]
async fn a_recovered_record_survives_those_who_fail_to_take_it_over() {
    let backend = Arc::new(Moody::default());
    let before = open(&backend).await;
    let metadata = Metadata::from([("who", "the first")]);
    std::mem::forget(before.register(name("a/b"), 1, metadata.clone()).await.unwrap());
    let after = open(&backend).await;
    let (gone, offered) = (Owner::new().handle(), Metadata::new());
    let ended = after.register_for(&gone, name("a/b"), 2, offered.clone()).await;
    assert!(matches!(ended, Err(DurableRegisterError::Refused(RegisterError::OwnerEnded { .. }))));
    backend.fails_after.store(true, Ordering::SeqCst);
    assert!(after.register(name("a/b"), 3, offered.clone()).await.is_err());
    backend.fails_after.store(false, Ordering::SeqCst);
    backend.gated.store(true, Ordering::SeqCst);
    {
        let mut dropped = pin!(after.register(name("a/b"), 4, offered.clone()));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    backend.gated.store(false, Ordering::SeqCst);
    after.flush().await.unwrap();
    for recovered in [after.recovered(), backend.load().await.unwrap()] {
        assert_eq!(recovered.len(), 1);
        assert_eq!(recovered[0].metadata, metadata);
    }
    let held = after.register(name("a/b"), 5, offered.clone()).await.unwrap();
    assert!(after.recovered().is_empty());
    assert_eq!(backend.load().await.unwrap()[0].metadata, offered);
    assert_eq!(held.unregister().await.unwrap(), 5);
    assert!(on_record(&backend).await.is_empty());
}

#[tokio::test]
async fn what_is_owed_goes_along_with_the_next_write_oldest_first() {
    let backend = Arc::new(Moody::default());
    let durable = open(&backend).await;
    let mut held = Vec::new();
    for number in 0..PAID_AT_ONCE + 2 {
        let text = name(&format!("a/{number:04}"));
        held.push(durable.register(text, 1, Metadata::new()).await.unwrap());
    }
    let last = held.pop().unwrap();
    held.into_iter().for_each(drop);
    assert_eq!(durable.owed(), PAID_AT_ONCE + 1);
    assert_eq!(last.unregister().await.unwrap(), 1);
    assert_eq!(durable.owed(), 1);
    assert_eq!(on_record(&backend).await, [format!("a/{PAID_AT_ONCE:04}")]);
    durable.flush().await.unwrap();
    assert!(on_record(&backend).await.is_empty());
}

#[tokio::test]
async fn of_those_who_race_for_a_name_the_holder_has_the_record() {
    for _ in 0..300 {
        let backend = Arc::new(Moody::default());
        let durable = open(&backend).await;
        let tasks = [1, 2].map(|handle| {
            let durable = durable.clone();
            std::thread::spawn(move || now(durable.register(name("a/b"), handle, Metadata::new())))
        });
        let outcomes = tasks.map(|task| task.join().unwrap());
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        durable.flush().await.unwrap();
        assert_eq!(on_record(&backend).await, ["a/b"]);
    }
}

#[tokio::test]
async fn what_is_certain_to_be_refused_is_not_written() {
    let backend = Arc::new(Moody::default());
    backend.fails_before.store(true, Ordering::SeqCst);
    let registry = Registry::with_limits(Limits { max_names: 1, ..Limits::default() });
    let durable = DurableRegistry::open(registry.clone(), backend).await.unwrap();
    let _plain = registry.register(name("a/b"), 1, Metadata::new()).unwrap();
    let taken = durable.register(name("a/b"), 2, Metadata::new()).await.unwrap_err();
    assert_eq!(taken.to_string(), "the name `a/b` is held by registration 1");
    let full = durable.register(name("a/c"), 2, Metadata::new()).await.unwrap_err();
    assert!(matches!(full, DurableRegisterError::Refused(RegisterError::Full { limit: 1, .. })));
}

#[derive(Clone, Debug)]
enum Step {
    Register(u8),
    Drop(usize),
    Unregister(usize),
    Flush,
    /// Writes fail from now on, before or after they took effect, or not at all.
    Fail(bool, bool),
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0_u8..6).prop_map(Step::Register),
        2 => (0_usize..5).prop_map(Step::Drop),
        2 => (0_usize..5).prop_map(Step::Unregister),
        1 => Just(Step::Flush),
        2 => any::<(bool, bool)>().prop_map(|(before, after)| Step::Fail(before, after)),
        1 => Just(Step::Crash),
    ];
    vec(step, 0..60)
}

/// Polls once: the backends here are never pending.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the backend waits"),
    }
}

proptest! {
    #[test]
    fn after_a_crash_everything_acknowledged_and_alive_is_recovered_once(steps in steps()) {
        let backend = Arc::new(Moody::default());
        let mut durable = now(open(&backend));
        let mut held: Vec<DurableRegistration<u32>> = Vec::new();
        // What an earlier process left and this one has not taken over.
        let mut left: BTreeSet<Name> = BTreeSet::new();
        for (handle, step) in (0_u32..).zip(steps) {
            match step {
                Step::Register(number) => {
                    let name = name(&format!("a/{number}"));
                    if let Ok(new) = now(durable.register(name.clone(), handle, Metadata::new())) {
                        held.push(new);
                        left.remove(&name);
                    }
                }
                Step::Drop(at) if at < held.len() => drop(held.swap_remove(at)),
                Step::Unregister(at) if at < held.len() => drop(now(held.swap_remove(at).unregister())),
                Step::Drop(_) | Step::Unregister(_) => {}
                Step::Flush => drop(now(durable.flush())),
                Step::Fail(before, after) => {
                    backend.fails_before.store(before, Ordering::SeqCst);
                    backend.fails_after.store(after, Ordering::SeqCst);
                }
                Step::Crash => {
                    let owed = durable.owed();
                    let alive: BTreeSet<Name> =
                        held.iter().map(|held| held.registration().name().clone()).collect();
                    held.drain(..).for_each(std::mem::forget);
                    durable = now(open(&backend));
                    let recovered: BTreeSet<Name> =
                        durable.recovered().into_iter().map(|record| record.name).collect();
                    for name in alive.union(&left) {
                        prop_assert!(recovered.contains(name), "{name} was lost");
                    }
                    let expected = alive.len() + left.len();
                    prop_assert!((expected..=expected + owed).contains(&recovered.len()));
                    left = recovered;
                }
            }
        }
    }
}

#[cfg(feature = "sqlite")]
mod on_disk {
    use super::*;
    use crate::sqlite::{DatabaseLimits, OpenError};

    #[tokio::test]
    async fn records_and_their_metadata_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.db");
        let start = async || {
            let backend = SqliteBackend::open(&path, &DatabaseLimits::default()).unwrap();
            let backend = Arc::new(backend);
            let records = Arc::clone(&backend) as Arc<dyn Backend>;
            (DurableRegistry::<u32>::open(Registry::new(), records).await.unwrap(), backend)
        };
        let (durable, backend) = start().await;
        let metadata = Metadata::from([("model", "small"), ("zone", "eu")]);
        for (handle, text) in [(1, "a/plain"), (2, "a/gone"), (3, "a/dropped")] {
            let held = durable.register(name(text), handle, Metadata::new()).await.unwrap();
            match text {
                "a/gone" => assert_eq!(held.unregister().await.unwrap(), handle),
                "a/dropped" => drop(held),
                _ => std::mem::forget(held),
            }
        }
        std::mem::forget(durable.register(name("a/rich"), 4, metadata.clone()).await.unwrap());
        let in_use = SqliteBackend::open(&path, &DatabaseLimits::default()).err();
        assert!(matches!(in_use, Some(OpenError::InUse { .. })));
        backend.close().await;
        let closed = durable.register(name("a/late"), 5, Metadata::new()).await.unwrap_err();
        assert!(closed.to_string().ends_with("the registry's file is closed"));
        drop((durable, backend));

        let (durable, backend) = start().await;
        let recovered = durable.recovered();
        let names: Vec<&str> = recovered.iter().map(|record| record.name.as_str()).collect();
        assert_eq!(names, ["a/plain", "a/rich"]);
        assert_eq!(recovered[1].metadata, metadata);
        assert!(durable.forget(&name("a/plain")).await.unwrap());
        assert!(!durable.forget(&name("a/plain")).await.unwrap());
        let held = durable.register(name("a/rich"), 6, Metadata::new()).await.unwrap();
        assert!(durable.recovered().is_empty());
        std::mem::forget(held);
        backend.close().await;
        drop((durable, backend));

        let (durable, _) = start().await;
        let again = durable.recovered();
        assert_eq!(again.len(), 1);
        assert!(again[0].version != recovered[1].version && again[0].metadata.is_empty());
    }
}

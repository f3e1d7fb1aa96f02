//! Every interleaving of small programs on the kernel's words and cells, explored by loom.
//!
//! `RUSTFLAGS="--cfg mabeam_loom" cargo test -p mabeam --release --lib loom_`
//!
//! Owns what the models share: the state of an agent that loom watches, so that it finds two holders
//! of a token and a token that was handed on without its state; items for an inbox; threads.
//!
//! | models | of |
//! |---|---|
//! | [`inbox`], [`phase`] | each word by itself |
//! | [`rest`] | the run queue with its carriers |
//! | [`cell`] | the two words together with orders and handles |
//! | [`reply`] | what becomes of a call |
//! | [`exit`] | who hears of an end |
//! | [`policy`] | mail that waits in a backlog |
//! | [`drain`] | mail that comes beside the order to drain |
//! | [`revival`] | agents between two incarnations, and asleep |
//!
//! The last six run real cells, in a system whose carriers are the model's threads: each runs what
//! is queued after what it does itself. What of a cell is not an atomic or a lock of [`crate::sync`] is
//! invisible to loom: reference counts, the channel of an answer, and `foundation`, which is built with
//! std here and has models of its own. Such a step happens at once, at the place where it stands;
//! [`pause`] lets others in between.
//! loom's locks are sequentially consistent, which std's are not: where a lock and a fence stand side by
//! side, a model does not show that the fence is needed.

#![expect(unsafe_code, reason = "items in raw lists; a state that only a token protects")]
#![expect(clippy::unwrap_used, reason = "in tests")]

use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::thread::{self, JoinHandle};

use super::inbox::{Chain, Link};

mod cell;
mod drain;
mod exit;
mod inbox;
mod phase;
mod policy;
mod reply;
mod rest;
mod revival;
mod world;

/// What a thread's stack holds, in words: loom's own choice is too small for a cell and its system.
const STACK_WORDS: usize = 1 << 15;

/// Explores every interleaving with at most so many preemptions; `LOOM_MAX_PREEMPTIONS` overrules.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.check(model);
}

/// Starts a thread of the model.
fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().stack_size(STACK_WORDS).spawn(work).unwrap()
}

/// Waits for the ends of threads.
fn join<T>(threads: impl IntoIterator<Item = JoinHandle<T>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Lets others in between two steps that loom does not see.
fn pause() {
    use crate::sync::{AtomicUsize, Ordering};
    AtomicUsize::new(0).load(Ordering::Relaxed);
}

/// The state of an agent: what happened to it, in order. Only the holder of a token may touch it; loom
/// says so if two do, or if one does not see what another did.
struct State(UnsafeCell<Vec<u32>>);

impl State {
    fn new() -> Self {
        Self(UnsafeCell::new(Vec::new()))
    }

    fn note(&self, what: u32) {
        // SAFETY: loom checks that nobody else touches it.
        self.0.with_mut(|notes| unsafe { (*notes).push(what) });
    }

    fn notes(&self) -> Vec<u32> {
        // SAFETY: as above.
        self.0.with(|notes| unsafe { (*notes).clone() })
    }

    fn count(&self, what: u32) -> usize {
        self.notes().iter().filter(|note| **note == what).count()
    }
}

// SAFETY: loom checks each access.
unsafe impl Sync for State {}

/// A piece of mail whose link loom watches.
#[repr(align(8))]
struct Item {
    link: UnsafeCell<*mut Item>,
    what: u32,
}

impl Item {
    fn leak(what: u32) -> NonNull<Self> {
        let item = Self { link: UnsafeCell::new(std::ptr::null_mut()), what };
        NonNull::from(Box::leak(Box::new(item)))
    }

    /// Frees an item that is the caller's.
    fn take(item: NonNull<Self>) -> u32 {
        // SAFETY: all items are made by `leak`, and an inbox hands each out once.
        unsafe { Box::from_raw(item.as_ptr()) }.what
    }
}

fn items(mut chain: Chain<Item>) -> Vec<u32> {
    std::iter::from_fn(|| chain.pop().map(Item::take)).collect()
}

// SAFETY: what was stored last is read; the alignment is declared.
unsafe impl Link for Item {
    unsafe fn link(item: NonNull<Self>) -> *mut Self {
        // SAFETY: promised by the caller, and loom checks it.
        unsafe { item.as_ref().link.with(|link| *link) }
    }

    unsafe fn set_link(item: NonNull<Self>, next: *mut Self) {
        // SAFETY: as above.
        unsafe { item.as_ref().link.with_mut(|link| *link = next) }
    }
}

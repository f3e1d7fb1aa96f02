//! The accounting allocator beside the bare one, on the same work.
//!
//! A process has one allocator. Here it is one that asks, at each call, which side is being measured,
//! and passes the call on: both sides pay for the question. Each operation frees what it allocates,
//! so no block changes sides.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;

use foldhash::fast::FixedState;
use foundation::memory::{Account, Accounting};
use serde_json::Value;

/// The program's allocator: the system's, with books or without.
#[derive(Debug)]
pub struct Sides(Accounting<System>);

thread_local! {
    static ACCOUNTED: Cell<bool> = const { Cell::new(false) };
}

impl Sides {
    /// Both sides.
    pub const fn new() -> Self {
        Self(Accounting::new(System))
    }
}

impl Default for Sides {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(unsafe_code, reason = "an allocator that passes calls on can't be written without")]
// SAFETY: each call is passed on to one allocator, with what the caller promised; that a block goes
// back to the side it came from is up to the workloads, which free what they allocate.
unsafe impl GlobalAlloc for Sides {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        if ACCOUNTED.get() {
            unsafe { self.0.alloc(layout) }
        } else {
            unsafe { System.alloc(layout) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if ACCOUNTED.get() {
            // SAFETY: the caller's promise.
            unsafe { self.0.alloc_zeroed(layout) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if ACCOUNTED.get() {
            // SAFETY: the caller's promise.
            unsafe { self.0.dealloc(block, layout) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { System.dealloc(block, layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if ACCOUNTED.get() {
            // SAFETY: the caller's promise.
            unsafe { self.0.realloc(block, layout, new_size) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { System.realloc(block, layout, new_size) }
        }
    }
}

/// An account of its own for each clone of a workload, hence for each thread.
struct Own(Account);

impl Own {
    fn new() -> Self {
        Self(Account::new().expect("there is room for an account"))
    }

    fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        self.0.enter(work)
    }
}

impl Clone for Own {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// Some work whose blocks are charged to an account.
fn accounted<R>(
    work: impl Fn(u64) -> R + Copy + Send + 'static,
) -> impl FnMut(u64) -> R + Clone + Send + 'static {
    let account = Own::new();
    move |n| {
        ACCOUNTED.set(true);
        let result = account.enter(|| work(n));
        ACCOUNTED.set(false);
        result
    }
}

/// `memory_accounting`: messages with books.
pub fn messages_accounted() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    accounted(message)
}

/// The peer of [`messages_accounted`]: the same on the bare allocator.
pub fn messages() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    message
}

/// `memory_accounting_of_strings`: hardly anything but allocating and freeing, with books.
pub fn strings_accounted() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    accounted(strings)
}

/// The peer of [`strings_accounted`]: the same on the bare allocator.
pub fn strings_bare() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    strings
}

/// A message as agents send them.
const MESSAGE: &str = r#"{
    "id": "01J9ZQ5V7N3W8K2M4R6T8Y0B1C", "from": "planner/3", "to": "worker/117", "kind": "task.assigned",
    "task": {
        "goal": "summarise the attached findings and name the three strongest objections",
        "tools": ["search", "read_file", "python"],
        "limits": {"tokens": 4096, "seconds": 30.0, "depth": 2},
        "context": [
            {"role": "system", "text": "You are careful and brief."},
            {"role": "user", "text": "The experiment of last night did not converge; see the log."},
            {"role": "assistant", "text": "I have read the log and will look at the schedule first."}
        ]
    },
    "scores": [0.25, 0.5, 0.125, 0.875],
    "correlation": "run-2026-11-23/17"
}"#;

/// Allocation-heavy work of a real kind: a message is parsed into a tree of small blocks, its texts
/// are read, an answer is added and written as JSON, and all of it is freed.
fn message(n: u64) -> usize {
    let mut message: Value = serde_json::from_str(black_box(MESSAGE)).expect("it is JSON");
    message["read"] = (texts(&message) as u64 + n % 10).into();
    black_box(message.to_string()).len()
}

/// The length of all texts in `value`.
fn texts(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(fields) => fields.values().map(texts).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// What strings are cut from.
const TEXT: &str = "the quick brown fox jumps over the lazy dog, and then the lazy dog jumps over \
                    the quick brown fox once more";

/// The worst case: a hundred blocks of 10 to 99 bytes, and lists that are resized as they grow, with
/// nothing done but to fill them.
fn strings(n: u64) -> usize {
    let mut inbox: HashMap<u64, Vec<String>, FixedState> = HashMap::default();
    for (message, length) in (0_u64..).zip((0..100).map(|at| 10 + (at * 7) % 90)) {
        let sender = (n ^ message).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61;
        inbox.entry(sender).or_default().push(TEXT[..length].to_owned());
    }
    black_box(&inbox).values().flatten().map(String::len).sum()
}

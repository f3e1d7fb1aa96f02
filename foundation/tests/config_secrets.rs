//! Memory that held a secret of a file or of the environment is overwritten before it is given back,
//! also where other values are refused.
//!
//! A test of its own because it needs the program's allocator, which looks through every block that
//! is given back. Blocks are zeroed when they are handed out, so that there is something to look at
//! where nobody has written.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::hint::black_box;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::config::{Config, KeySpec, Schema, Secret};
use tempfile::TempDir;

const KEYS: &[KeySpec] = &[
    KeySpec::required_secret("db.password"),
    KeySpec::secret("db.token"),
    KeySpec::bool("x", true),
];

/// What both secrets begin with.
const CANARY: &str = "canary-7f3a";

/// How many blocks were given back with the canary in them.
static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Looking = Looking;

struct Looking;

#[expect(unsafe_code, reason = "an allocator can't be written without")]
// SAFETY: the system's allocator, whose blocks are only read before they are given back. Growing a
// block is the trait's default: another block, a copy, and the old one given back.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one that is asked for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives the block up, which is `layout.size()` bytes that were zeroed.
        let bytes = unsafe { slice::from_raw_parts(block, layout.size()) };
        if black_box(bytes).windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
            LEFT_BEHIND.fetch_add(1, Ordering::SeqCst);
        }
        // SAFETY: the block comes from `alloc` with this `layout`, so from the system's allocator.
        unsafe { System.dealloc(block, layout) };
    }
}

/// How many blocks `work` gives back with the canary in them.
fn left_behind(work: impl FnOnce()) -> usize {
    let before = LEFT_BEHIND.load(Ordering::SeqCst);
    work();
    LEFT_BEHIND.load(Ordering::SeqCst) - before
}

#[test]
fn no_memory_is_given_back_with_a_secret_in_it() {
    assert_eq!(left_behind(|| drop(black_box(CANARY.to_owned()))), 1, "nothing is found");

    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.toml");
    fs::write(&path, "db.password = 'canary-7f3a in a file'").unwrap();
    let found = left_behind(|| {
        let config = Config::builder(Schema::new(&[KEYS]).unwrap())
            .file(&path)
            .environment("APP", [("APP__DB__TOKEN", "canary-7f3a in the environment")])
            .build()
            .unwrap();
        fs::write(&path, "x = false\ndb.password = 'canary-7f3a, another one'").unwrap();
        config.reload().unwrap();
        config.update(|draft| Ok(draft.set("db.token", Secret::from(CANARY))?)).unwrap();
        for bad in ["db.token = ['canary-7f3a']", "db.password = 'canary-7f3a'\nx = 'no'"] {
            fs::write(&path, bad).unwrap();
            assert!(config.reload().is_err());
        }
        for key in ["db.password", "db.token"] {
            assert!(config.get::<Secret>(key).unwrap().expose().starts_with(CANARY));
        }
    });
    assert_eq!(found, 0);
}

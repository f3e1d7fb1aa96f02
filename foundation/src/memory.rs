//! What each part of a program keeps in memory: an allocator that keeps books for accounts.
//!
//! Owns the books, and who is charged for what. Promises:
//!
//! - a block is charged to the account whose scope the allocating thread is in, and credited to
//!   *that* account when it is freed: by whomever, on any thread, at any size. A producer whose
//!   strings others drop does not grow in the books, and those who drop them do not shrink;
//! - a block that is resized stays with its first account, whoever resizes it;
//! - figures are exact once no scope of the account is open, and while one is, wrong by less than
//!   64 KiB of live bytes for each thread that is in one;
//! - an account that ends leaves its blocks behind in its own books, which are not used for another
//!   account before the last of them is freed;
//! - without the allocator everything works and counts nothing: figures read `None`, not zero.
//!
//! An account is entered for as long as a closure runs ([`Account::enter`]), until a guard is
//! dropped ([`Account::scope`]), or for each poll of a future ([`Account::track_future`]). Scopes
//! nest; what is allocated outside of all scopes is charged to nobody and not counted.
//!
//! Leaves limits to others: nothing here refuses an allocation. Who wants to bound an account looks
//! at [`Account::live`] between two steps of its work.
//!
//! # Example
//!
//! ```
//! use std::alloc::System;
//! use std::thread;
//! use foundation::memory::{Account, Accounting};
//!
//! #[global_allocator]
//! static ALLOCATOR: Accounting<System> = Accounting::new(System);
//!
//! let (producer, consumer) = (Account::new()?, Account::new()?);
//! let letters: Vec<String> = producer.enter(|| vec![String::from("some"), String::from("text")]);
//! assert_eq!(producer.count(), Some(3));
//!
//! let reader = consumer.clone();
//! let length = thread::spawn(move || {
//!     reader.enter(|| letters.into_iter().map(|letter| letter.len()).sum::<usize>())
//! });
//! assert_eq!(length.join().unwrap(), 8);
//! assert_eq!((producer.live(), consumer.live()), (Some(0), Some(0)));
//! assert_eq!(producer.peak(), Some(3 * 8 * 2 + 8));
//! # Ok::<(), foundation::memory::TooManyAccounts>(())
//! ```

#[cfg(not(foundation_loom))]
mod account;
#[cfg(not(foundation_loom))]
mod accounting;
#[cfg(any(test, not(foundation_loom)))]
mod books;
#[cfg(not(foundation_loom))]
mod growth;
#[cfg(not(foundation_loom))]
mod ledger;
#[cfg(any(test, not(foundation_loom)))]
mod table;
#[cfg(not(foundation_loom))]
mod track;

#[cfg(all(test, not(foundation_loom)))]
mod laws;
#[cfg(all(test, foundation_loom))]
mod models;

#[cfg(not(foundation_loom))]
pub use account::{Account, MAX_ACCOUNTS, Scope, TooManyAccounts, installed, unaccounted};
#[cfg(not(foundation_loom))]
pub use accounting::Accounting;
#[cfg(not(foundation_loom))]
pub use growth::{Growth, GrowthError, MIN_LEAK_BYTES_PER_ITERATION, SEGMENTS, measure_growth};
#[cfg(not(foundation_loom))]
pub use track::Tracked;

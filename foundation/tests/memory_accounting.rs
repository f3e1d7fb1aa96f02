//! The books of memory, kept over the system's allocator.
#![cfg(all(feature = "memory", not(foundation_loom)))]

use std::alloc::System;

use foundation::memory::Accounting;

#[path = "memory_accounting/growth.rs"]
mod growth;
#[path = "memory_accounting/laws.rs"]
mod laws;
#[path = "memory_accounting/scopes.rs"]
mod scopes;

#[global_allocator]
static ALLOCATOR: Accounting<System> = Accounting::new(System);

//! The same laws with another allocator below.
#![cfg(all(feature = "memory", not(foundation_loom)))]

use foundation::memory::Accounting;
use mimalloc::MiMalloc;

#[path = "memory_accounting/laws.rs"]
mod laws;

#[global_allocator]
static ALLOCATOR: Accounting<MiMalloc> = Accounting::new(MiMalloc);

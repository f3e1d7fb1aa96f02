//! The cost of keeping books over memory: a program of its own, because it is the allocator that is
//! compared.

use std::process::ExitCode;

use benches::memory::{self, Sides};
use perf_budget::harness::Suite;

#[global_allocator]
static ALLOCATOR: Sides = Sides::new();

fn main() -> ExitCode {
    Suite::new()
        .paired(
            "memory_accounting",
            "bare_allocator",
            1,
            memory::messages_accounted,
            memory::messages,
        )
        .paired(
            "memory_accounting_2_threads",
            "bare_allocator_2_threads",
            2,
            memory::messages_accounted,
            memory::messages,
        )
        .paired(
            "memory_accounting_of_strings",
            "bare_allocator_of_strings",
            1,
            memory::strings_accounted,
            memory::strings_bare,
        )
        .run()
}

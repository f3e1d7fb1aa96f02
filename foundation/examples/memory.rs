//! Two services share a process; each is charged for what it keeps, and one of them leaks.
//!
//! `cargo run -p foundation --example memory --features memory`

use std::alloc::System;
use std::collections::VecDeque;
use std::error::Error;
use std::thread;

use foundation::memory::{Account, Accounting, measure_growth};

#[global_allocator]
static ALLOCATOR: Accounting<System> = Accounting::new(System);

fn main() -> Result<(), Box<dyn Error>> {
    let (writer, reader) = (Account::new()?, Account::new()?);

    // The writer's letters are charged to the writer, wherever they are dropped.
    let letters: Vec<String> =
        writer.enter(|| (0..1000).map(|at| format!("letter {at}")).collect());
    println!("written: {writer:?}");
    let longest = thread::scope(|scope| {
        let read = || reader.enter(|| letters.into_iter().max_by_key(String::len));
        scope.spawn(read).join()
    });
    println!("read:    {writer:?}\n         {reader:?}");
    drop(longest);

    // A cache that is bounded, and one that somebody forgot to bound.
    let mut bounded = VecDeque::new();
    let growth = measure_growth(
        &reader,
        || {
            bounded.push_back([0_u8; 64]);
            bounded.truncate(100);
        },
        1000,
    )?;
    println!("bounded: {growth}: {}", if growth.leaks() { "leaks" } else { "is well" });
    let mut forgotten = Vec::new();
    let growth = measure_growth(&reader, || forgotten.push(Box::new([0_u8; 64])), 1000)?;
    println!("forgotten: {growth}: {}", if growth.leaks() { "leaks" } else { "is well" });
    Ok(())
}

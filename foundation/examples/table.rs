//! A table that belongs to an agent: bounded in bytes, with a time to live, gone with its owner.
//!
//! Run with `cargo run -p foundation --example table --features tables`.

use std::sync::Arc;
use std::time::Duration;

use foundation::clock::{Clock, Timestamp};
use foundation::owner::{Owner, Reason};
use foundation::registry::Name;
use foundation::table::{Change, Limits, TableSpec, Tables, WhenFull};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A clock that the example moves; a program takes `Tables::default()`.
    let hand = Clock::manual(Timestamp::default());
    let tables = Tables::with_clock(Limits::default(), hand.clock());
    let agent = Owner::new();

    let spec = TableSpec::<String, Arc<str>> {
        max_bytes: 400,
        ttl: Some(Duration::from_secs(60)),
        when_full: WhenFull::EvictOldest,
        weigh: |question, answer| question.len() + answer.len(),
        ..TableSpec::default()
    };
    let (answers, _kept) =
        tables.create_for(&agent.handle(), Name::new("planner/answers")?, spec)?;
    for number in 0..100 {
        answers.insert(format!("question {number}"), format!("answer {number}").into())?;
    }
    println!("kept {} answers, {} bytes", answers.len(), answers.bytes());

    let (asked, kept) = tables.create_for::<&str, u64>(
        &agent.handle(),
        Name::new("planner/asked")?,
        TableSpec::default(),
    )?;
    for _ in 0..3 {
        asked.compute("total", |count| Change::Set(count.copied().unwrap_or(0) + 1))?;
    }
    println!("asked {:?} times", asked.get("total")?);
    // The agent needs it no longer: it ends before its owner.
    drop(kept.take());

    hand.advance(Duration::from_secs(60));
    println!("after a minute: {:?}, purged {}", answers.get("question 99")?, answers.purge()?);

    for table in tables.list() {
        println!("{}: {} of {} entries", table.name, table.entries, table.max_entries);
    }
    agent.end(Reason::Shutdown);
    println!("{}", answers.get("question 99").err().map_or_else(String::new, |e| e.to_string()));
    Ok(())
}

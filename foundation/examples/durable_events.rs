//! Events that outlive the process: `cargo run --example durable_events --features events,sqlite`.
//!
//! Appends with many events on their way, so that they share commits, then closes the file, opens
//! it again and reads one run back.

use std::error::Error;
use std::time::{Duration, Instant};

use foundation::events::{DurableEventStore, DurableLimits, NewEvent, Query};
use foundation::log::Start;
use foundation::sqlite::Ticket;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join("durable_events.db");
    let deadline = Instant::now() + Duration::from_secs(60);

    let store = DurableEventStore::open(&path, DurableLimits::default())?;
    let began = Instant::now();
    let tickets: Vec<Ticket<_>> = (0..100_000)
        .map(|step| {
            let event = NewEvent::new("agent.stepped")
                .payload(&serde_json::json!({ "agent": step % 7, "reward": 0.25 }))?
                .correlation(format!("run {}", step % 100));
            Ok(store.append_blocking(event, deadline)?)
        })
        .collect::<Result<_, Box<dyn Error>>>()?;
    let count = tickets.len();
    for mut ticket in tickets {
        ticket.wait(deadline)?;
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    println!("{count} events are durable, {rate:.0} a second");
    store.close_blocking(deadline)?;

    let store = DurableEventStore::open(&path, DurableLimits::default())?;
    let run = Query { correlation: Some("run 42".into()), limit: 3, ..Query::default() };
    for event in store.query_blocking(run, deadline)?.events {
        println!("{} {} {}", event.sequence(), event.id(), event.payload_json());
    }
    let oldest = store.subscribe(Start::Oldest).next_blocking(deadline)?;
    println!("the oldest event that is kept: {oldest:?}");
    println!("look into it: sqlite3 -readonly {} 'SELECT * FROM readable'", path.display());
    Ok(())
}

//! Appending to the event store.

use std::sync::Arc;

use foundation::events::{EventStore, Limits, NewEvent};
use serde_json::json;

/// `event_emission`: an event with a small payload that is ready to go, into a store that is full
/// and evicts the oldest.
pub fn append() -> impl FnMut(u64) -> bool + Clone + Send + 'static {
    let limits = Limits::default();
    let store = Arc::new(EventStore::new(limits));
    let event = event();
    for _ in 0..=limits.max_events {
        store.append(event.clone()).expect("it is within the limits");
    }
    move |_| store.append(event.clone()).is_ok()
}

/// A typical event.
pub fn event() -> NewEvent {
    let payload = json!({ "agent": "agent_17", "reward": 0.25, "step": 1_024 });
    NewEvent::new("agent.stepped").payload(&payload).expect("it is plain data")
}

//! What is tracked opens a span with the operation's name and, at its end, its status.
#![cfg(feature = "telemetry")]
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its own functions too")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use foundation::telemetry::{Operation, Telemetry};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Everything that happened to spans, in words.
#[derive(Clone, Default)]
struct Story {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
    enabled: bool,
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Story {
    fn tell(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn of(work: impl FnOnce(Operation)) -> Vec<String> {
        let story = Self { enabled: true, ..Self::default() };
        let operation = Telemetry::default().operation("agent.call").unwrap();
        tracing::subscriber::with_default(story.clone(), || work(operation));
        let lines = story.lines.lock().unwrap();
        lines.clone()
    }
}

impl Subscriber for Story {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.enabled && metadata.target() == "foundation::telemetry"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let metadata = attributes.metadata();
        assert_eq!((metadata.name(), *metadata.level()), ("operation", Level::DEBUG));
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.tell(format!("new {:?}", fields.0));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.tell(format!("record {:?}", fields.0));
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, _event: &Event<'_>) {}

    fn enter(&self, _span: &Id) {
        self.tell("enter".into());
    }

    fn exit(&self, _span: &Id) {
        self.tell("exit".into());
    }

    fn try_close(&self, _span: Id) -> bool {
        self.tell("close".into());
        true
    }
}

const NEW: &str = r#"new {"operation": "\"agent.call\""}"#;

fn ended(status: &str) -> String {
    format!("record {{\"status\": \"\\\"{status}\\\"\"}}")
}

#[test]
fn a_closure_runs_in_its_span_which_learns_how_it_ended() {
    let story = Story::of(|operation| operation.track_result(|| Err::<(), _>(())).unwrap_err());
    assert_eq!(story, [NEW, "enter", "exit", &ended("error"), "close"]);
    let story = Story::of(|operation| {
        let panics = || operation.track(|| resume_unwind(Box::new("planned")));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    });
    assert_eq!(story, [NEW, "enter", "exit", &ended("panicked"), "close"]);
}

#[test]
fn a_future_is_in_its_span_while_it_is_polled() {
    let mut context = Context::from_waker(Waker::noop());
    let story = Story::of(|operation| {
        let mut future = pin!(operation.track_future(tokio::task::yield_now()));
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert!(future.as_mut().poll(&mut context).is_ready());
    });
    let twice = ["enter", "exit", "enter", "exit"];
    assert_eq!(story[0], NEW);
    assert_eq!(story[1..5], twice);
    assert_eq!(story[5..], [ended("success"), "close".into()]);

    let story = Story::of(|operation| drop(operation.track_future(std::future::pending::<()>())));
    assert_eq!(story, [NEW, &ended("cancelled"), "close"]);
}

#[test]
fn a_timer_opens_no_span_and_a_span_that_nobody_asks_for_is_not_made() {
    assert!(Story::of(|operation| drop(operation.start())).is_empty());
    let deaf = Story::default();
    let operation = Telemetry::default().operation("agent.call").unwrap();
    tracing::subscriber::with_default(deaf.clone(), || operation.track(|| ()));
    assert!(deaf.lines.lock().unwrap().is_empty());
    assert_eq!(operation.summary().statuses.success, 1);
}

//! While lent, the agent's id and span are its own; the task and what belongs to it are the caller's.

use std::cell::RefCell;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use mabeam::{AgentRef, System, current_agent};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Metadata, Subscriber};

use crate::support::{
    Doer, does, is_marked, learn, lender, lends, marked, on_both, schedules, settle,
};

#[test]
fn while_lent_the_current_agent_is_the_callee_and_afterwards_the_callers_own() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (outer, inner) = (system.spawn(Doer).await.unwrap(), system.spawn(Doer).await.unwrap());
        // Twice: first scheduled, then lent.
        for _ in 0..2 {
            assert_eq!(current_agent(), None);
            let callee = inner.clone();
            let calls = async move {
                let before = current_agent();
                let within = callee.call(does(async { current_agent() })).await.unwrap();
                (before, within, current_agent())
            };
            let (before, within, after) = outer.call(does(calls)).await.unwrap();
            assert_eq!(before, Some(outer.id()));
            assert_eq!(within, Some(inner.id()));
            assert_eq!(after, Some(outer.id()));
            assert_eq!(current_agent(), None);
        }
    });
}

#[test]
fn after_a_lent_handler_that_panicked_the_caller_is_itself_again() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        agent.call(does(async { panic!("while lent") })).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(current_agent(), None);
    });
}

#[test]
fn a_handler_that_is_resumed_elsewhere_is_still_its_agent() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        let resumed = async {
            let before = current_agent();
            tokio::task::yield_now().await;
            (before, current_agent())
        };
        let own = Some(agent.id());
        assert_eq!(agent.call(does(resumed)).await.unwrap(), (own, own));
    });
}

/// Knows which span each thread is in; forgets everything else.
#[derive(Default)]
struct Spans {
    last: AtomicU64,
}

thread_local! {
    static ENTERED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.last.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.clone()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let place = entered.iter().rposition(|other| other == span).unwrap();
            entered.remove(place);
        });
    }
}

/// The span that this thread is in.
fn current_span() -> Option<Id> {
    ENTERED.with_borrow(|entered| entered.last().cloned())
}

fn with_spans() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Spans::default()).unwrap());
}

#[test]
fn while_lent_the_span_is_the_agents_and_afterwards_the_callers_own() {
    with_spans();
    on_both(|| async {
        for config in [lends(), schedules()] {
            let system = System::new(config).unwrap();
            let span = tracing::info_span!("agent");
            let agent = system.spawn(Doer).span(span.clone()).await.unwrap();
            let callers = tracing::info_span!("caller");
            let calls = async {
                for _ in 0..3 {
                    let before = current_span();
                    let asks = does(async { current_span() });
                    assert_eq!(agent.call(asks).await.unwrap(), span.id());
                    let resumes = does(async {
                        tokio::task::yield_now().await;
                        current_span()
                    });
                    assert_eq!(agent.call(resumes).await.unwrap(), span.id());
                    assert_eq!((before, current_span()), (callers.id(), callers.id()));
                }
            };
            calls.instrument(callers.clone()).await;
            let panics = async { panic!("within the span") };
            agent.call(does(panics)).await.map(|(): ()| ()).unwrap_err();
            assert_eq!(current_span(), None);
        }
    });
}

tokio::task_local! {
    static WHOSE: u32;
}

/// Which task this is, its local, and whether it is a lender's.
fn whose() -> (Option<tokio::task::Id>, Option<u32>, bool) {
    (tokio::task::try_id(), WHOSE.try_with(|whose| *whose).ok(), is_marked())
}

async fn calls_and_compares(agent: AgentRef<Doer>) {
    let own = tokio::task::try_id();
    let (task, local, is_lent) = marked(agent.call(does(async { whose() }))).await.unwrap();
    assert!(!is_lent && task != own && local.is_none(), "scheduled: another task");
    settle(&agent).await;
    let (task, local, is_lent) = marked(agent.call(does(async { whose() }))).await.unwrap();
    assert!(is_lent);
    assert_eq!((task, local), (own, Some(7)));
}

#[test]
fn while_lent_the_task_and_its_locals_are_the_callers() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        WHOSE.scope(7, calls_and_compares(agent)).await;
    });
}

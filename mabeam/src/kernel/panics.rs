//! What becomes of a panic in code of an agent's.

use std::any::Any;
use std::sync::Arc;

use foundation::panics::{discard, quietly};

use crate::system::Shared;

/// Logs a panic, and returns what it says. Nothing that panics over it in turn gets out: neither what
/// was panicked with, as it is dropped, nor a subscriber.
#[cold]
pub(crate) fn report(
    panic: Box<dyn Any + Send>,
    system: &Shared,
    agent: &str,
    what: &str,
) -> Arc<str> {
    let message = message_of(panic);
    if let Some(witness) = &system.config.witness {
        witness.note(agent, &message);
    }
    quietly(|| tracing::error!(%agent, panic = %message, "{what}"));
    message
}

/// What a panic says.
pub(crate) fn message_of(panic: Box<dyn Any + Send>) -> Arc<str> {
    let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(message), _) => Arc::from(*message),
        (None, Some(message)) => Arc::from(message.as_str()),
        (None, None) => Arc::from("a value that is not text"),
    };
    discard(panic);
    message
}

//! What OTP's documentation of `supervisor` says, case by case.

use std::time::Duration;

use super::rig::{Rig, words};
use super::*;

mod auto_shutdown;
mod beyond_otp;
mod commands;
mod intensity;
mod restart_types;
mod shutdown;
mod starts;
mod strategies;

const S: Duration = Duration::from_secs(1);
const NS: Duration = Duration::from_nanos(1);

fn flags(strategy: Strategy) -> Flags {
    Flags {
        strategy,
        intensity: Intensity { max_restarts: 100, period: 5 * S },
        ..Flags::default()
    }
}

fn spec(restart: Restart) -> Spec {
    Spec { restart, ..Spec::default() }
}

fn significant(restart: Restart) -> Spec {
    Spec { significant: true, ..spec(restart) }
}

fn permanent(count: usize) -> Vec<Spec> {
    vec![spec(Restart::Permanent); count]
}

/// What was said, in the short form of [`words`].
fn steps(actions: &[Action]) -> String {
    words(actions).join(" ")
}

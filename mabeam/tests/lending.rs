//! The laws of lending: one test a sentence of what must hold when a caller's thread runs a handler.
//! None is decided by time: what has to happen is waited for, with a bound that only a failure meets.
#![cfg(feature = "runtime")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in tests")]
#![expect(clippy::similar_names, reason = "`began` and `begun` are the ends of one channel")]

#[path = "support/doer.rs"]
mod support;

#[path = "lending/cost.rs"]
mod cost;
#[path = "lending/depth.rs"]
mod depth;
#[path = "lending/handles.rs"]
mod handles;
#[path = "lending/identity.rs"]
mod identity;
#[path = "lending/idle.rs"]
mod idle;
#[path = "lending/kill.rs"]
mod kill;
#[path = "lending/order.rs"]
mod order;
#[path = "lending/outside.rs"]
mod outside;
#[path = "lending/ownership.rs"]
mod ownership;
#[path = "lending/panics.rs"]
mod panics;
#[path = "lending/places.rs"]
mod places;
#[path = "lending/runtime_gone.rs"]
mod runtime_gone;
#[path = "lending/turns.rs"]
mod turns;

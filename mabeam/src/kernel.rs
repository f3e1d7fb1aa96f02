//! What an agent is made of. What is `unsafe` in this crate is below this module, and in
//! the futures of pinned agents.
//!
//! | module | owns |
//! |---|---|
//! | [`inbox`] | one word: who is responsible for an agent, and its mail |
//! | [`phase`] | whether a suspended turn was woken |
//! | [`mail`] | a message that becomes a future that becomes an answer, in one block |
//! | [`block`] | the memory of such blocks |
//! | [`cell`] | the order of everything that happens to an agent |
//! | [`revival`] | agents that can be made again, and who decides it |
//! | [`room`] | how many messages may wait |
//! | [`backlog`] | mail that waits under a policy: dropped, replaced or counted in bytes |
//! | [`queue`], [`rest`], [`warden`] | which agent runs next, and who wakes up for it |
//! | [`held`] | who holds a worker for long |
//! | [`chooser`] | in tests: which agent runs next, from a seed |
//! | [`cost`] | what a type of message costs |
//! | [`panics`] | what becomes of a panic in code of an agent's |
//! | [`here`] | what this thread is doing |

pub(crate) mod backlog;
pub(crate) mod block;
pub(crate) mod cell;
pub(crate) mod chooser;
pub(crate) mod cost;
mod held;
pub(crate) mod here;
pub(crate) mod inbox;
pub(crate) mod mail;
pub(crate) mod own;
pub(crate) mod panics;
pub(crate) mod phase;
pub(crate) mod queue;
pub(crate) mod resident;
pub(crate) mod rest;
pub(crate) mod revival;
pub(crate) mod room;
pub(crate) mod warden;
pub(crate) mod within;

#[cfg(all(test, mabeam_loom))]
mod models;

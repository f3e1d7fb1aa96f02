//! The gate: reading budgets and results, judging, reporting.
//!
//! Data flows one way: a [budgets file](budget_file) and the [results](evidence) of a run go into
//! the [decision engine](judge), which returns judgements and what it still needs to know; a
//! [`Report`](report::Report) is the whole of what a run found. Nothing here starts a process; that
//! is the business of [`cli`](crate::cli).

pub mod budget_file;
pub mod docket;
pub mod evidence;
pub mod judge;
pub mod read;
pub mod report;
pub mod statistics;

pub(crate) mod cases;
mod similar;

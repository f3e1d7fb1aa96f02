//! A server in memory: it refuses, hangs, panics or dawdles on demand, and knows how many of its
//! lines are open.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use thiserror::Error;

use super::super::Connect;

#[derive(Clone, Default)]
pub(super) struct Server(Arc<Inner>);

#[derive(Default)]
struct Inner {
    mood: Mutex<Mood>,
    made: AtomicUsize,
    open: AtomicUsize,
    /// What checks failed with: an error, or too late.
    complaints: Mutex<Vec<Option<Refused>>>,
}

/// How the server answers, to those who connect as to those who check.
#[derive(Clone, Copy, Default)]
pub(super) enum Mood {
    #[default]
    Willing,
    /// After so many polls.
    Slow(usize),
    Down,
    Silent,
    Panicking,
}

#[derive(Debug, PartialEq, Eq, Error)]
#[error("refused")]
pub(super) struct Refused;

pub(super) struct Line {
    pub(super) id: usize,
    /// Whether its check fails.
    pub(super) dead: Arc<AtomicBool>,
    /// Whether it is known to be broken when it is given back.
    pub(super) broken: bool,
    server: Arc<Inner>,
}

impl Server {
    pub(super) fn set(&self, mood: Mood) {
        *self.0.mood.lock().unwrap() = mood;
    }

    /// How many lines exist.
    pub(super) fn open(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    /// The failed checks that the pool told of, since the last call.
    pub(super) fn complaints(&self) -> Vec<Option<Refused>> {
        std::mem::take(&mut self.0.complaints.lock().unwrap())
    }

    async fn answer(&self) -> Result<(), Refused> {
        let mood = *self.0.mood.lock().unwrap();
        match mood {
            Mood::Willing => Ok(()),
            Mood::Slow(polls) => {
                for _ in 0..polls {
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
            Mood::Down => Err(Refused),
            Mood::Silent => pending().await,
            Mood::Panicking => panic!("asked to panic"),
        }
    }
}

impl Connect for Server {
    type Connection = Line;
    type Error = Refused;

    async fn connect(&self) -> Result<Line, Refused> {
        self.answer().await?;
        self.0.open.fetch_add(1, Ordering::SeqCst);
        let id = self.0.made.fetch_add(1, Ordering::SeqCst);
        Ok(Line { id, dead: Arc::default(), broken: false, server: Arc::clone(&self.0) })
    }

    async fn check(&self, line: &mut Line) -> Result<(), Refused> {
        if line.dead.load(Ordering::SeqCst) {
            return Err(Refused);
        }
        self.answer().await
    }

    fn check_failed(&self, error: Option<Refused>) {
        self.0.complaints.lock().unwrap().push(error);
    }

    fn is_broken(&self, line: &Line) -> bool {
        line.broken
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.server.open.fetch_sub(1, Ordering::SeqCst);
    }
}

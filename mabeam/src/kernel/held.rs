//! Which agents hold a worker for long, as the [warden](super::warden) sees it between two looks.
//!
//! Owns since when each carrier has run the agent that it runs. A time is counted from the first look
//! that saw it, so what is said is never longer than what was.

use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::warden::{Post, Watch};
use crate::AgentId;

/// The longest pause between two looks while somebody works.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The shortest.
const SHORTEST_PAUSE: Duration = Duration::from_micros(500);

/// See the module's page.
pub(super) struct Held {
    watch: Watch,
    /// For each carrier that runs an agent.
    runs: Vec<Option<Run>>,
}

/// An agent that a carrier runs.
struct Run {
    agent: AgentId,
    number: usize,
    since: Instant,
    /// When it is told of next.
    next: Duration,
}

impl Held {
    pub(super) const fn new(watch: Watch) -> Self {
        Self { watch, runs: Vec::new() }
    }

    /// How long there is time until the next look.
    pub(super) fn pause(&self) -> Duration {
        (self.watch.mark / 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    /// Looks at what each carrier does now.
    pub(super) fn look(&mut self, posts: &[CachePadded<Post>]) {
        self.runs.resize_with(posts.len(), || None);
        for (run, post) in self.runs.iter_mut().zip(posts) {
            let Some((agent, number)) = post.run_of() else {
                *run = None;
                continue;
            };
            match run {
                Some(run) if (run.agent, run.number) == (agent, number) => {
                    let held = run.since.elapsed();
                    if held >= run.next {
                        run.next = held.saturating_mul(2);
                        (self.watch.on_held)(agent, held);
                    }
                }
                _ => {
                    let (since, next) = (Instant::now(), self.watch.mark);
                    *run = Some(Run { agent, number, since, next });
                }
            }
        }
    }
}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_run_is_told_of_at_the_mark_and_whenever_it_has_doubled_and_the_next_one_anew() {
        let (sender, told) = channel();
        let on_held = Box::new(move |agent, held| sender.send((agent, held)).unwrap());
        // Everything is long.
        let mut held = Held::new(Watch { mark: Duration::ZERO, on_held });
        let posts = [CachePadded::new(Post::default())];
        let agent = AgentId::next();
        held.look(&posts);
        posts[0].begin();
        held.look(&posts);
        posts[0].run(Some(agent));
        held.look(&posts);
        assert!(told.try_recv().is_err(), "seen once");
        held.look(&posts);
        assert_eq!(told.try_recv().unwrap().0, agent);
        let run = held.runs[0].as_mut().unwrap();
        assert!(run.next >= run.since.elapsed().min(run.next), "later");
        run.next = Duration::MAX;
        held.look(&posts);
        assert!(told.try_recv().is_err(), "it has not doubled");
        // The same agent once more.
        posts[0].turn_to(1);
        held.look(&posts);
        assert!(told.try_recv().is_err(), "seen once");
        held.look(&posts);
        assert_eq!(told.try_recv().unwrap().0, agent);
        posts[0].leave();
        held.look(&posts);
        held.look(&posts);
        assert!(told.try_recv().is_err(), "nobody is run");
        assert!(!posts[0].is_manned());
    }
}

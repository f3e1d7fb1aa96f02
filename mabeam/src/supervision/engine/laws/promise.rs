//! What is promised of the children, whatever the order in which it is brought about: which of them
//! are wanted to run, and which of the living have to go.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::child::OnFailure;
use super::super::*;

#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that don't imply each other")]
pub(super) struct Kid {
    spec: Spec,
    /// Lives, and has been told so by the engine.
    pub(super) alive: bool,
    came_up: bool,
    /// Is to run in the end.
    pub(super) wanted: bool,
    /// The incarnation that lives is to be stopped.
    pub(super) condemned: bool,
    on_failure: OnFailure,
}

pub(super) struct Promise {
    flags: Flags,
    pub(super) kids: BTreeMap<ChildId, Kid>,
    restarts: Vec<Duration>,
    pub(super) now: Duration,
    pub(super) ending: Option<End>,
    /// How many starts there may have been.
    pub(super) starts: usize,
}

impl Promise {
    pub(super) const fn new(flags: Flags) -> Self {
        Self {
            flags,
            kids: BTreeMap::new(),
            restarts: Vec::new(),
            now: Duration::ZERO,
            ending: None,
            starts: 0,
        }
    }

    pub(super) fn add(&mut self, id: ChildId, spec: Spec, on_failure: OnFailure) {
        let (alive, came_up, wanted, condemned) = (false, false, true, false);
        self.kids.insert(id, Kid { spec, alive, came_up, wanted, condemned, on_failure });
        self.starts += 1;
    }

    /// The engine had it started.
    pub(super) fn born(&mut self, id: ChildId) {
        let kid = self.kids.get_mut(&id).unwrap();
        (kid.alive, kid.came_up) = (true, false);
    }

    pub(super) fn came_up(&mut self, id: ChildId) {
        let kid = self.kids.get_mut(&id).unwrap();
        (kid.came_up, kid.on_failure) = (true, OnFailure::Retry);
    }

    pub(super) fn ignored(&mut self, id: ChildId) {
        let kid = self.kids.get_mut(&id).unwrap();
        if !kid.condemned {
            (kid.wanted, kid.condemned, kid.on_failure) = (false, true, OnFailure::Retry);
        }
        self.died(id, Exit::Normal);
    }

    pub(super) fn died(&mut self, id: ChildId, exit: Exit) {
        let kid = self.kids.get_mut(&id).unwrap();
        kid.alive = false;
        if std::mem::take(&mut kid.condemned) {
            return self.tidy(id);
        }
        let kid = *kid;
        let on_failure = match (kid.came_up, kid.spec.restart, exit) {
            (false, ..) => kid.on_failure,
            (true, Restart::Permanent, _) | (true, Restart::Transient, Exit::Abnormal) => {
                OnFailure::Retry
            }
            _ => OnFailure::Stay,
        };
        if on_failure == OnFailure::Retry {
            return self.restart(id);
        }
        self.kids.get_mut(&id).unwrap().wanted = false;
        self.tidy(id);
        if on_failure == OnFailure::End {
            return self.end(End::StartFailed(id));
        }
        let last = !self.kids.values().any(|it| it.wanted && it.spec.significant);
        if kid.came_up
            && kid.spec.significant
            && (last || self.flags.auto_shutdown == AutoShutdown::AnySignificant)
        {
            self.end(End::AutoShutdown(id));
        }
    }

    fn restart(&mut self, id: ChildId) {
        self.restarts.push(self.now);
        let Intensity { max_restarts, period } = self.flags.intensity;
        let recent = self.restarts.iter().filter(|&&then| then + period >= self.now).count();
        if recent > max_restarts as usize {
            self.kids.get_mut(&id).unwrap().wanted = false;
            return self.end(End::RestartIntensity(id));
        }
        for (&other, kid) in &mut self.kids {
            let concerned = match self.flags.strategy {
                Strategy::OneForOne => other == id,
                Strategy::OneForAll => true,
                Strategy::RestForOne => other >= id,
            };
            if concerned && kid.alive {
                kid.condemned = true;
                kid.wanted = kid.spec.restart != Restart::Temporary;
                self.starts += 1;
            } else if concerned {
                if !kid.wanted || other == id {
                    kid.on_failure = OnFailure::Retry;
                }
                kid.wanted = true;
                self.starts += 1;
            }
        }
    }

    pub(super) fn stop_child(&mut self, id: ChildId) -> Result<(), ChildError> {
        let kid = self.kids.get_mut(&id).ok_or(ChildError::NotFound(id))?;
        kid.wanted = false;
        kid.condemned = kid.alive;
        self.tidy(id);
        Ok(())
    }

    pub(super) fn restart_child(&mut self, id: ChildId) -> Result<(), ChildError> {
        self.must_be_down(id)?;
        let kid = self.kids.get_mut(&id).unwrap();
        (kid.wanted, kid.on_failure) = (true, OnFailure::Stay);
        self.starts += 1;
        Ok(())
    }

    pub(super) fn delete_child(&mut self, id: ChildId) -> Result<(), ChildError> {
        self.must_be_down(id)?;
        self.kids.remove(&id);
        Ok(())
    }

    pub(super) fn end(&mut self, why: End) {
        if self.ending.is_none() {
            self.ending = Some(why);
            for id in self.kids.keys().copied().collect::<Vec<_>>() {
                self.stop_child(id).unwrap();
            }
        }
    }

    fn must_be_down(&self, id: ChildId) -> Result<(), ChildError> {
        let kid = self.kids.get(&id).ok_or(ChildError::NotFound(id))?;
        match (kid.wanted, kid.alive, kid.condemned) {
            (false, false, _) if self.ending.is_some() => Err(ChildError::Ending),
            (false, false, _) => Ok(()),
            (true, false, _) | (true, true, true) => Err(ChildError::Restarting(id)),
            (_, true, _) => Err(ChildError::Running(id)),
        }
    }

    fn tidy(&mut self, id: ChildId) {
        let kid = self.kids[&id];
        let passing = kid.spec.restart == Restart::Temporary || kid.on_failure == OnFailure::Forget;
        if !kid.alive && !kid.wanted && passing {
            self.kids.remove(&id);
        }
    }
}

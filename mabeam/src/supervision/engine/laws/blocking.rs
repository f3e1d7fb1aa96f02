//! A supervisor that does one thing at a time and waits for it, as OTP's does: nothing ever happens
//! while it starts or stops a child. Lists, searched from end to end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::*;

#[derive(Clone, Copy, PartialEq)]
enum Process {
    Undefined,
    Alive,
}

struct Kid {
    id: u64,
    spec: Spec,
    process: Process,
    starts: u64,
}

pub(super) struct Blocking {
    flags: Flags,
    /// In start order.
    kids: Vec<Kid>,
    next_id: u64,
    restarts: Vec<Duration>,
    /// Which starts fail: of whom, and at which attempt.
    failing: BTreeSet<Incarnation>,
    pub(super) now: Duration,
    pub(super) said: Vec<String>,
    pub(super) ended: bool,
}

impl Blocking {
    pub(super) const fn new(flags: Flags, failing: BTreeSet<Incarnation>) -> Self {
        Self {
            flags,
            kids: Vec::new(),
            next_id: 0,
            restarts: Vec::new(),
            failing,
            now: Duration::ZERO,
            said: Vec::new(),
            ended: false,
        }
    }

    pub(super) fn begin(&mut self, specs: &[Spec]) {
        for &spec in specs {
            self.push(spec);
        }
        for at in 0..self.kids.len() {
            if !self.start(at) {
                let id = self.kids[at].id;
                return self.end(End::StartFailed(ChildId(id)));
            }
        }
        self.said.push("ready".to_owned());
    }

    pub(super) fn add(&mut self, spec: Spec) {
        self.push(spec);
        let at = self.kids.len() - 1;
        if !self.start(at) {
            self.forget(at);
        }
    }

    pub(super) fn is_alive(&self, id: ChildId) -> bool {
        self.at(id).is_ok_and(|at| self.kids[at].process == Process::Alive)
    }

    pub(super) fn exited(&mut self, id: ChildId, exit: Exit) {
        let Ok(at) = self.at(id) else { return };
        let spec = self.kids[at].spec;
        let again = match spec.restart {
            Restart::Permanent => true,
            Restart::Transient => exit == Exit::Abnormal,
            Restart::Temporary => false,
        };
        self.kids[at].process = Process::Undefined;
        if again {
            return self.restart(at);
        }
        if spec.restart == Restart::Temporary {
            self.forget(at);
        }
        let active = self.kids.iter().any(|it| it.spec.significant && it.process == Process::Alive);
        match self.flags.auto_shutdown {
            AutoShutdown::AnySignificant if spec.significant => self.end(End::AutoShutdown(id)),
            AutoShutdown::AllSignificant if spec.significant && !active => {
                self.end(End::AutoShutdown(id));
            }
            _ => {}
        }
    }

    pub(super) fn stop_child(&mut self, id: ChildId) -> Result<(), ChildError> {
        let at = self.at(id)?;
        if self.stop(at) && self.kids[at].spec.restart == Restart::Temporary {
            self.forget(at);
        }
        Ok(())
    }

    pub(super) fn restart_child(&mut self, id: ChildId) -> Result<(), ChildError> {
        let at = self.at(id)?;
        if self.kids[at].process == Process::Alive {
            return Err(ChildError::Running(id));
        }
        self.start(at);
        Ok(())
    }

    pub(super) fn delete_child(&mut self, id: ChildId) -> Result<(), ChildError> {
        let at = self.at(id)?;
        if self.kids[at].process == Process::Alive {
            return Err(ChildError::Running(id));
        }
        self.forget(at);
        Ok(())
    }

    pub(super) fn end(&mut self, why: End) {
        for at in (0..self.kids.len()).rev() {
            self.stop(at);
        }
        self.said.push(format!("{why:?}"));
        self.ended = true;
    }

    fn restart(&mut self, mut at: usize) {
        loop {
            self.restarts.push(self.now);
            let Intensity { max_restarts, period } = self.flags.intensity;
            let recent = self.restarts.iter().filter(|&&then| then + period >= self.now).count();
            if recent > max_restarts as usize {
                return self.end(End::RestartIntensity(ChildId(self.kids[at].id)));
            }
            let id = self.kids[at].id;
            let concerned = |kid: &Kid| match self.flags.strategy {
                Strategy::OneForOne => kid.id == id,
                Strategy::OneForAll => true,
                Strategy::RestForOne => kid.id >= id,
            };
            let scope: Vec<u64> =
                self.kids.iter().filter(|it| concerned(it)).map(|it| it.id).collect();
            for &id in scope.iter().rev() {
                let _ = self.stop_child(ChildId(id));
            }
            let failed = scope.iter().find_map(|&id| {
                let at = self.at(ChildId(id)).ok()?;
                (!self.start(at)).then_some(at)
            });
            match failed {
                Some(failed) => at = failed,
                None => return,
            }
        }
    }

    fn push(&mut self, spec: Spec) {
        self.kids.push(Kid { id: self.next_id, spec, process: Process::Undefined, starts: 0 });
        self.next_id += 1;
    }

    fn at(&self, id: ChildId) -> Result<usize, ChildError> {
        self.kids.iter().position(|it| it.id == id.0).ok_or(ChildError::NotFound(id))
    }

    fn start(&mut self, at: usize) -> bool {
        let kid = &mut self.kids[at];
        kid.starts += 1;
        self.said.push(format!("+{}", kid.id));
        let attempt = Incarnation { child: ChildId(kid.id), number: kid.starts };
        let comes_up = !self.failing.contains(&attempt);
        if comes_up {
            kid.process = Process::Alive;
        }
        comes_up
    }

    /// Whether there was anything to stop.
    fn stop(&mut self, at: usize) -> bool {
        let kid = &mut self.kids[at];
        let was_alive = kid.process == Process::Alive;
        if was_alive {
            kid.process = Process::Undefined;
            self.said.push(format!("-{}", kid.id));
        }
        was_alive
    }

    fn forget(&mut self, at: usize) {
        self.said.push(format!("x{}", self.kids.remove(at).id));
    }
}

//! What a supervisor is told to do with single children: OTP's functions, and when they are refused.

use super::action::ChildId;
use super::child::{Child, OnFailure, State};
use super::error::{AddError, ChildError};
use super::spec::{AutoShutdown, Restart, Spec};
use super::{Engine, Phase};

impl Engine {
    /// Adds a child at the end of the start order: OTP's `start_child`, or before
    /// [`start`](Self::start) one of those to begin with.
    ///
    /// If one of those to begin with can't be started, the supervisor ends. One that is added later and
    /// can't be started is forgotten.
    pub fn add(&mut self, spec: Spec) -> Result<ChildId, AddError> {
        self.check(&spec)?;
        let on_failure =
            if self.phase == Phase::Planned { OnFailure::End } else { OnFailure::Forget };
        let id = ChildId(self.next_id);
        self.next_id += 1;
        let child = Child::new(spec, on_failure);
        self.index.enter(id, &child);
        self.children.insert(id, child);
        self.advance();
        Ok(id)
    }

    /// Stops a child: OTP's `terminate_child`. It stays stopped until
    /// [`restart_child`](Self::restart_child), or until a sibling's failure restarts it; a temporary one
    /// is forgotten. Of a child that is stopped already: nothing. Never triggers an auto-shutdown.
    ///
    /// It is done when the end of the incarnation that ran is reported, or at once if none did.
    ///
    /// # Errors
    /// If there is no such child.
    pub fn stop_child(&mut self, child: ChildId) -> Result<(), ChildError> {
        if !self.children.contains_key(&child) {
            return Err(ChildError::NotFound(child));
        }
        self.stand_down(child);
        self.advance();
        Ok(())
    }

    /// Starts a stopped child: OTP's `restart_child`. If that fails it stays stopped. Not counted as a
    /// restart.
    ///
    /// # Errors
    /// If there is no such child, if it is not stopped, or if the supervisor is ending.
    pub fn restart_child(&mut self, child: ChildId) -> Result<(), ChildError> {
        self.must_be_down(child)?;
        self.edit(child, |child| {
            child.state = State::Due;
            child.on_failure = OnFailure::Stay;
        });
        self.advance();
        Ok(())
    }

    /// Forgets a stopped child: OTP's `delete_child`.
    ///
    /// # Errors
    /// If there is no such child, if it is not stopped, or if the supervisor is ending.
    pub fn delete_child(&mut self, child: ChildId) -> Result<(), ChildError> {
        self.must_be_down(child)?;
        self.remove(child);
        Ok(())
    }

    fn check(&self, spec: &Spec) -> Result<(), AddError> {
        let max_children = self.flags.max_children;
        if spec.significant && spec.restart == Restart::Permanent {
            Err(AddError::SignificantPermanent)
        } else if spec.significant && self.flags.auto_shutdown == AutoShutdown::Never {
            Err(AddError::SignificantNever)
        } else if self.is_ending() {
            Err(AddError::Ending)
        } else if self.children.len() >= max_children {
            Err(AddError::Full { max_children })
        } else {
            Ok(())
        }
    }

    fn must_be_down(&self, id: ChildId) -> Result<(), ChildError> {
        let child = self.children.get(&id).ok_or(ChildError::NotFound(id))?;
        match child.state {
            State::Down if self.is_ending() => Err(ChildError::Ending),
            State::Down => Ok(()),
            State::Due
            | State::Waiting
            | State::Doomed { again: true }
            | State::Stopping { again: true } => Err(ChildError::Restarting(id)),
            State::Starting | State::Up | State::Doomed { .. } | State::Stopping { .. } => {
                Err(ChildError::Running(id))
            }
        }
    }
}

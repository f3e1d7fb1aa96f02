//! Exits of linked agents: what they mean to an agent that hears of one.
//!
//! Owns that decision, which is made under the lock of the agent's life: together with whether the
//! incarnation that was linked is still there, and whether it traps exits. So the exit of another
//! never reaches an incarnation that was not linked to it.

use std::sync::Arc;

use foundation::owner::{OwnerRef, Reason};

use super::{Cell, order, stage};
use crate::Agent;
use crate::context::News;
use crate::sync::{Ordering, lock};

/// What became of the exit of a linked agent. Whoever noted one that matters calls [`Cell::heed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// Nothing: that incarnation ends or has ended, or the other ended as it was meant to.
    Nothing,
    /// The agent is ordered to end.
    Order,
    /// The agent will hear of it in a turn.
    News,
}

impl<A: Agent> Cell<A> {
    /// Says whether the present incarnation hears of exits instead of ending with them. The caller is
    /// its turn.
    pub(crate) fn trap_exits(&self, traps: bool) {
        lock(&self.life).traps_exits = traps;
    }

    /// Notes that an agent to which `incarnation` of this one is linked has ended. Runs no code of a user,
    /// and takes no lock but the agent's.
    ///
    /// An agent that runs `on_exit` is left to it: it ends anyway.
    pub(crate) fn note_exit(&self, incarnation: &OwnerRef, news: News) -> Noted {
        let mut life = lock(&self.life);
        let is_present = match self.revival() {
            Some(revival) => revival.belongings().as_ref() == Some(incarnation),
            None => !life.has_ended,
        };
        if !is_present || self.stage.load(Ordering::Relaxed) >= stage::EXIT {
            return Noted::Nothing;
        }
        let (order, noted) = if life.traps_exits {
            life.signals.get_or_insert_default().push_back(news.into_mail());
            (order::SIGNAL, Noted::News)
        } else {
            match news.exit.reason {
                Reason::Normal => return Noted::Nothing,
                // As whatever else shuts it down: what it does at its end is to be done.
                Reason::Shutdown => {
                    life.reason.get_or_insert(Reason::Shutdown);
                    (order::STOP, Noted::Order)
                }
                reason => {
                    life.reason = Some(reason);
                    (order::KILL, Noted::Order)
                }
            }
        };
        // Within the lock, which whoever makes the next incarnation takes before it takes orders back.
        self.orders.fetch_or(order, Ordering::Release);
        noted
    }

    /// Sees to it that orders and signals are looked at that were written before. Called under no lock.
    pub(crate) fn heed_exit(self: &Arc<Self>) {
        self.heed(self.orders.load(Ordering::Relaxed) & order::KILL != 0);
    }
}

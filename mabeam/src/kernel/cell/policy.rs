//! Mail that goes through a [backlog](crate::kernel::backlog), because the mailbox does more than count.
//!
//! Owns what is to be done about what a backlog decided: whoever waits for a place is told, the agent is
//! run, and what was dropped becomes dead letters. The destructors run here, on the thread that sends;
//! their panics are reported, and end neither the sender nor the agent.

use std::sync::Arc;

use foundation::owner::Reason;

use super::Cell;
use crate::Agent;
use crate::kernel::backlog::{Backlog, Put, Refusal, Weight};
use crate::kernel::inbox::Urged;
use crate::kernel::mail::Mail;
use crate::wait::Refused;

impl<A: Agent> Cell<A> {
    /// Leaves a piece of mail with the backlog. It comes back, with why, if it is refused.
    pub(super) fn put(
        self: &Arc<Self>,
        mail: Mail<A>,
        weight: Weight,
    ) -> Result<(), (Refused, Mail<A>)> {
        let Some(backlog) = self.backlog() else { return Err((Refused::Ended, mail)) };
        let (replaced, dropped, more) = match backlog.put(mail, weight) {
            Put::Waits { replaced, dropped, more } => (replaced, dropped, more),
            Put::Dropped(mail) => {
                self.drop_for_want_of_room([mail]);
                return Ok(());
            }
            Put::Refused(mail, refusal) => {
                let refused = match refusal {
                    Refusal::Full => Refused::Full,
                    Refusal::Closed => Refused::Ended,
                    Refusal::TooLarge => {
                        // It may have been woken for a place that it does not take.
                        self.room.pass_on();
                        Refused::TooLarge { bytes: weight.bytes }
                    }
                };
                return Err((refused, mail));
            }
        };
        // After the put, before code of a user, which may take its time.
        if self.inbox.urge() == Urged::Claimed {
            self.schedule();
        }
        let more = more.and_then(|more| u32::try_from(more).ok());
        if more.is_some_and(|more| self.room.rises_to(more)) {
            self.warn_of_mail();
        }
        if let Some(replaced) = replaced {
            self.room.pass_on();
            self.guard(|| drop(replaced));
        }
        self.drop_for_want_of_room(dropped);
        Ok(())
    }

    /// The next piece of mail from the backlog. The caller holds the token and has taken the inbox.
    #[cold]
    pub(super) fn next_of_backlog(&self) -> Option<Mail<A>> {
        let backlog = self.backlog()?;
        let mail = backlog.pop()?;
        self.room.pass_on();
        self.room.falls_to(|| u32::try_from(backlog.len()).unwrap_or(u32::MAX));
        Some(mail)
    }

    /// Whether mail waits in the backlog.
    pub(super) fn has_backlog(&self) -> bool {
        self.backlog().is_some_and(|backlog| !backlog.is_empty())
    }

    /// How many messages wait, about; `None` if there is no place for more. Where nobody counts them,
    /// that is taken for the most that can wait.
    pub(crate) fn waiting(&self) -> Option<u32> {
        let waiting = self.room.waiting()?;
        let Some(backlog) = self.backlog() else { return Some(waiting) };
        backlog.waiting().map(|waiting| u32::try_from(waiting).unwrap_or(u32::MAX))
    }

    /// How many messages may wait; 0 for no limit.
    pub(crate) fn limit(&self) -> u32 {
        self.backlog().map_or_else(|| self.room.limit(), Backlog::limit)
    }

    /// Shows a message that was accepted and then found no place.
    pub(crate) fn lose(&self, message: &'static str, refused: Refused) {
        let (name, why) = (Arc::from(self.label()), refused.at(self, ()).to_string());
        self.give_up_on(&name, message, &Reason::Failed(why.into()));
    }

    /// Drops mail for which there is no room. Calls fail for want of a reply.
    fn drop_for_want_of_room(&self, dropped: impl IntoIterator<Item = Mail<A>>) {
        let mut name: Option<Arc<str>> = None;
        for mail in dropped {
            let name = name.get_or_insert_with(|| self.label().into());
            let payload = mail.payload();
            self.guard(|| drop(mail));
            let reason = Reason::Failed("dropped: the mailbox was full".into());
            self.guard(|| self.give_up_on(name, payload, &reason));
        }
    }
}

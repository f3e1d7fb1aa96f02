//! What a supervisor hears of its children: when one came to life, and when one's incarnation is over.
//!
//! Owns the way there. A child's end brings the child's token along (see
//! [`revival`](crate::kernel::revival)), so what nobody hears any more, because the supervisor has ended,
//! ends the child for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use foundation::owner::Reason;
use tokio::sync::Notify;

use super::Supervisor;
use super::engine::ChildId;
use crate::Context;
use crate::kernel::cell::Cell;
use crate::kernel::mail::{Nobody, post};
use crate::kernel::revival::{Downed, Keeper};
use crate::sync::{Mutex, lock};

/// See the module's page.
pub(super) struct Ear {
    /// `None` once nobody listens any more.
    notes: Mutex<Option<Vec<Note>>>,
    /// For a supervisor that waits within a turn.
    pub(super) heard: Notify,
    /// The supervisor handles messages: it is told by a signal. Set before it looks at the notes once
    /// more, and read after a note was left.
    is_attentive: AtomicBool,
    supervisor: Weak<Cell<Supervisor>>,
}

/// Something that a supervisor hears.
pub(super) enum Note {
    Up(ChildId),
    Down(ChildId, Downed, Reason),
}

/// The ear of a supervisor for one child.
pub(super) struct For {
    ear: Arc<Ear>,
    child: ChildId,
}

/// The payload of the turn in which a supervisor looks at its notes and its clock.
struct Look;

impl Ear {
    pub(super) fn new(supervisor: Weak<Cell<Supervisor>>) -> Self {
        Self {
            notes: Mutex::new(Some(Vec::new())),
            heard: Notify::new(),
            is_attentive: AtomicBool::new(false),
            supervisor,
        }
    }

    /// For the kernel, of one child.
    pub(super) fn of(self: &Arc<Self>, child: ChildId) -> Arc<dyn Keeper> {
        Arc::new(For { ear: Arc::clone(self), child })
    }

    /// What was heard since this was last asked.
    pub(super) fn take(&self) -> Vec<Note> {
        lock(&self.notes).as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// From now on the supervisor is told by signals. What came before is to be taken after this.
    pub(super) fn attend(&self) {
        self.is_attentive.store(true, Ordering::SeqCst);
    }

    /// Nobody listens any more. What was not taken is dropped, and with it its children end.
    pub(super) fn close(&self) {
        let left = lock(&self.notes).take();
        drop(left);
    }

    /// Lets the supervisor look.
    pub(super) fn call(&self) {
        self.heard.notify_one();
        if self.is_attentive.load(Ordering::SeqCst)
            && let Some(supervisor) = self.supervisor.upgrade()
        {
            drop(supervisor.signal(post(Look, Nobody, look).0));
        }
    }

    fn tell(&self, note: Note) {
        let refused = match &mut *lock(&self.notes) {
            Some(notes) => {
                notes.push(note);
                None
            }
            None => Some(note),
        };
        if refused.is_none() {
            self.call();
        }
    }
}

impl Keeper for For {
    fn up(&self) {
        self.ear.tell(Note::Up(self.child));
    }

    fn down(&self, downed: Downed, reason: Reason) {
        self.ear.tell(Note::Down(self.child, downed, reason));
    }
}

async fn look(
    supervisor: &'static mut Supervisor,
    _: Look,
    context: &'static mut Context<Supervisor>,
) {
    supervisor.look(context);
}

//! To whom a registration belongs, and hearing of its end.

use std::sync::OnceLock;

use crate::owner::{MonitorRef, OwnerRef, Reason};

/// What a registration's life depends on.
pub(super) enum Lifetime {
    /// It belongs to an owner, whose end is the one to hear of.
    Owned(OwnerRef),
    /// It belongs to its guard. The lifetime that monitors hear of exists once there is a monitor:
    /// most registrations never have one. `None` says that the registration went first; a monitor
    /// and the guard's end that meet here thus agree on which of them was first.
    Own(OnceLock<Option<OwnerRef>>),
}

impl Lifetime {
    pub(super) const fn own() -> Self {
        Self::Own(OnceLock::new())
    }

    pub(super) fn monitor(&self) -> MonitorRef {
        match self {
            Self::Owned(owner) => owner.monitor(),
            Self::Own(lifetime) => match lifetime.get_or_init(|| Some(OwnerRef::new())) {
                Some(owner) => owner.monitor(),
                None => MonitorRef::of_nobody(),
            },
        }
    }

    /// The registration is gone from the map: whoever monitors it by itself is told so. Runs the
    /// monitors' callbacks.
    pub(super) fn end(&self) {
        if let Self::Own(lifetime) = self
            && let Some(owner) = lifetime.get_or_init(|| None)
        {
            let reason = if std::thread::panicking() {
                Reason::Panic("the registration was dropped during a panic".into())
            } else {
                Reason::Normal
            };
            owner.end(&reason);
        }
    }
}

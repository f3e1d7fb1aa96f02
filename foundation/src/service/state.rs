//! The states of all services and the steps between them: pure decisions, taken under the lock of the
//! directory. What follows from a step outside of the lock is its [`Effects`].

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::{
    Health, Limits, Listing, NotWanted, Report, StartAt, StartError, Subscription, TooManyWatches,
};
use crate::clock::Timestamp;
use crate::log::{Aftermath, Log, Retention};
use crate::owner::{MonitorRef, OwnerId, OwnerRef, Reason};
use crate::registry::Name;

/// How a start came out.
pub(super) type Outcome = Result<OwnerRef, StartError>;

/// Everything that the directory knows.
pub(super) struct State {
    /// One slot for each name that is in use, watched or remembered.
    slots: BTreeMap<Name, Slot>,
    services: usize,
    watches: usize,
    /// How many changes there were, of which each one's number tells its place in the order.
    changes: u64,
    /// Closed, by dropping it, when services begin no more; `None` from then on.
    open: Option<Log<Infallible>>,
}

/// What belongs to a name.
struct Slot {
    reports: Log<Report>,
    /// The latest report; `None` if only watches have asked for the name so far.
    latest: Option<Report>,
    /// The number of the change that it reports; 0 if there is none.
    changed: u64,
    life: Option<Life>,
    watches: usize,
}

/// A service that has not ended.
struct Life {
    owner: OwnerRef,
    /// Where the outcome of the start goes. `None` once that is decided.
    answer: Option<Log<Outcome>>,
    /// Closed, by dropping it, when the service is asked to stop or says why it ends; `None` from then
    /// on.
    stop: Option<Log<Infallible>>,
    /// The number of the change that made it ready.
    ready: Option<u64>,
    /// Why it is ending, once it is.
    reason: Option<Reason>,
}

/// What is left to do after a step: waking who waits, and dropping. Done by dropping this, under no
/// lock.
#[must_use = "whoever waits is woken when this is dropped"]
#[derive(Default)]
pub(super) struct Effects {
    _reported: Option<Aftermath<Report>>,
    _answered: Option<Answered>,
    _closed: Option<Log<Infallible>>,
    _forgotten: Option<Slot>,
}

/// The log of a start's outcome, and what is left to do if the outcome was put there. Without one,
/// the log closes.
type Answered = (Option<Aftermath<Outcome>>, Log<Outcome>);

impl State {
    /// A service begins; its start's outcome will be in the returned log.
    pub(super) fn begin(
        &mut self,
        name: &Name,
        owner: &OwnerRef,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<(Subscription<Outcome>, Effects), StartError> {
        if self.open.is_none() {
            return Err(StartError::Closed { name: name.clone() });
        }
        if let (Some(_), Some(holder)) = (self.life(name), self.report(name)) {
            return Err(StartError::Taken { name: name.clone(), holder: holder.clone() });
        }
        if self.services >= limits.max_services {
            return Err(StartError::Full { name: name.clone(), limit: limits.max_services });
        }
        let (answer, stop) = (Log::new(only_latest()), Log::new(only_latest()));
        let outcome = answer.subscribe(StartAt::Oldest);
        self.services += 1;
        self.slot(name).life = Some(Life {
            owner: owner.clone(),
            answer: Some(answer),
            stop: Some(stop),
            ready: None,
            reason: None,
        });
        let effects = self.change(name, owner.id(), Health::Starting, now, None);
        Ok((outcome, effects))
    }

    /// The service says that it is ready or degraded.
    pub(super) fn serve(
        &mut self,
        name: &Name,
        id: OwnerId,
        health: Health,
        now: Timestamp,
    ) -> Result<Effects, NotWanted> {
        let change = self.changes + 1;
        let Some(life) = self.life_of(name, id).filter(|life| life.stop.is_some()) else {
            return Err(NotWanted { name: name.clone() });
        };
        life.ready.get_or_insert(change);
        let answered = life.decide(Ok(life.owner.clone()));
        Ok(self.change(name, id, health, now, answered))
    }

    /// The service is asked to stop; returns who hears of its end.
    pub(super) fn ask_to_stop(
        &mut self,
        name: &Name,
        now: Timestamp,
    ) -> Option<(MonitorRef, Effects)> {
        let life = self.slots.get_mut(name)?.life.as_mut()?;
        let (id, monitor) = (life.owner.id(), life.owner.monitor());
        let Some(stop) = life.stop.take() else { return Some((monitor, Effects::default())) };
        let answered = life.decide(Err(StartError::Stopped { name: name.clone() }));
        let effects = self.change(name, id, Health::Stopping, now, answered);
        Some((monitor, Effects { _closed: Some(stop), ..effects }))
    }

    /// Whoever waits for the start gives it up: the service is told to stop, and its name is free.
    /// `None` if the start was decided before.
    pub(super) fn give_up(
        &mut self,
        name: &Name,
        id: OwnerId,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Effects> {
        let answer = self.life_of(name, id)?.answer.take()?;
        let reason = Reason::Failed("its start was given up before it was ready".into());
        let effects = self.end_life(name, id, reason, now, limits)?;
        Some(Effects { _answered: Some((None, answer)), ..effects })
    }

    /// The service says why it ends: from now on it is stopping, and its start is decided. It has its
    /// name until it has ended. Nothing happens the second time.
    pub(super) fn set_reason(
        &mut self,
        name: &Name,
        id: OwnerId,
        reason: &Reason,
        now: Timestamp,
    ) -> Effects {
        let Some(life) = self.life_of(name, id) else { return Effects::default() };
        life.reason.get_or_insert_with(|| reason.clone());
        let stop = life.stop.take();
        let ended = StartError::Ended { name: name.clone(), reason: reason.clone() };
        let answered = life.decide(Err(ended));
        Effects { _closed: stop, ..self.change(name, id, Health::Stopping, now, answered) }
    }

    /// The service, which has said why, has ended. `None` if its start was given up before.
    pub(super) fn end(
        &mut self,
        name: &Name,
        id: OwnerId,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Effects> {
        let reason = self.life_of(name, id)?.reason.clone().unwrap_or(Reason::Normal);
        self.end_life(name, id, reason, now, limits)
    }

    /// A stop signal of the service; one that has come already if the service is not wanted.
    pub(super) fn stop_signal(&mut self, name: &Name, id: OwnerId) -> Subscription<Infallible> {
        signal(self.life_of(name, id).and_then(|life| life.stop.as_ref()))
    }

    /// A signal that comes, or has come, when services begin no more.
    pub(super) fn closing(&self) -> Subscription<Infallible> {
        signal(self.open.as_ref())
    }

    /// Enters a watch.
    pub(super) fn watch(
        &mut self,
        name: &Name,
        limits: &Limits,
    ) -> Result<Subscription<Report>, TooManyWatches> {
        if self.watches >= limits.max_watches {
            return Err(TooManyWatches { name: name.clone(), limit: limits.max_watches });
        }
        self.watches += 1;
        let slot = self.slot(name);
        slot.watches += 1;
        Ok(slot.reports.subscribe(StartAt::Oldest))
    }

    /// Strikes a watch out.
    pub(super) fn unwatch(&mut self, name: &Name, limits: &Limits) -> Effects {
        self.watches -= 1;
        let idle = self.slots.get_mut(name).is_some_and(|slot| {
            slot.watches -= 1;
            slot.is_idle()
        });
        let forgotten = idle.then(|| self.forget(limits)).flatten();
        Effects { _forgotten: forgotten, ..Effects::default() }
    }

    pub(super) fn report(&self, name: &Name) -> Option<&Report> {
        self.slots.get(name)?.latest.as_ref()
    }

    pub(super) fn owner(&self, name: &Name) -> Option<&OwnerRef> {
        self.life(name).map(|life| &life.owner)
    }

    pub(super) fn list(&self) -> Vec<Listing> {
        let listed = self.slots.iter().filter_map(|(name, slot)| {
            Some(Listing { name: name.clone(), report: slot.latest.clone()? })
        });
        listed.collect()
    }

    /// Lets no service begin any more; returns who runs, the last to become ready first, and before
    /// them who never was. Who was asked to stop already comes after all others: one that does not
    /// listen keeps nobody from being asked.
    pub(super) fn close(&mut self) -> (Vec<Name>, Effects) {
        let lives = self.slots.iter().filter_map(|(name, slot)| Some((name, slot.life.as_ref()?)));
        let turn = |life: &Life| (life.stop.is_some(), life.ready.unwrap_or(u64::MAX));
        let mut order: Vec<_> = lives.map(|(name, life)| (turn(life), name.clone())).collect();
        order.sort_unstable_by(|left, right| right.cmp(left));
        let order = order.into_iter().map(|(_, name)| name).collect();
        (order, Effects { _closed: self.open.take(), ..Effects::default() })
    }

    /// How many names there are.
    #[cfg(all(test, not(foundation_loom)))]
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    fn life(&self, name: &Name) -> Option<&Life> {
        self.slots.get(name)?.life.as_ref()
    }

    /// The service, if it is still the one that has the name.
    fn life_of(&mut self, name: &Name, id: OwnerId) -> Option<&mut Life> {
        self.slots.get_mut(name)?.life.as_mut().filter(|life| life.owner.id() == id)
    }

    fn slot(&mut self, name: &Name) -> &mut Slot {
        self.slots.entry(name.clone()).or_insert_with(|| Slot {
            reports: Log::new(only_latest()),
            latest: None,
            changed: 0,
            life: None,
            watches: 0,
        })
    }

    fn end_life(
        &mut self,
        name: &Name,
        id: OwnerId,
        reason: Reason,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Effects> {
        let life = self.slots.get_mut(name)?.life.take()?;
        self.services -= 1;
        let effects = self.change(name, id, Health::Stopped(reason), now, None);
        Some(Effects { _closed: life.stop, _forgotten: self.forget(limits), ..effects })
    }

    /// Reports the service's health, unless that is what was reported last.
    fn change(
        &mut self,
        name: &Name,
        owner: OwnerId,
        health: Health,
        since: Timestamp,
        answered: Option<Answered>,
    ) -> Effects {
        let effects = Effects { _answered: answered, ..Effects::default() };
        let changed = self.changes + 1;
        let slot = self.slot(name);
        if slot.latest.as_ref().is_some_and(|latest| latest.health == health) {
            return effects;
        }
        slot.changed = changed;
        let report = Report { health, since, owner };
        slot.latest = Some(report.clone());
        let (_, reported) = slot.reports.append_quietly(report);
        self.changes = changed;
        Effects { _reported: Some(reported), ..effects }
    }

    /// Takes out the slot that is of no use any more, or of the least if more are remembered than
    /// may be. A step leaves one such slot behind at most. Costs a look at every slot.
    fn forget(&mut self, limits: &Limits) -> Option<Slot> {
        let idle = || self.slots.iter().filter(|(_, slot)| slot.is_idle());
        let (name, slot) = idle().min_by_key(|(_, slot)| slot.changed)?;
        let goes = slot.latest.is_none() || idle().count() > limits.max_remembered;
        let name = goes.then(|| name.clone())?;
        self.slots.remove(&name)
    }
}

impl Slot {
    /// Whether only memory holds it.
    fn is_idle(&self) -> bool {
        self.life.is_none() && self.watches == 0
    }
}

impl Life {
    /// Decides the start, unless that was done before.
    fn decide(&mut self, outcome: Outcome) -> Option<Answered> {
        let answer = self.answer.take()?;
        let (_, aftermath) = answer.append_quietly(outcome);
        Some((Some(aftermath), answer))
    }
}

impl Default for State {
    fn default() -> Self {
        let (slots, open) = (BTreeMap::new(), Some(Log::new(only_latest())));
        Self { slots, services: 0, watches: 0, changes: 0, open }
    }
}

/// Closes with the log, or is closed if there is none any more.
fn signal(log: Option<&Log<Infallible>>) -> Subscription<Infallible> {
    log.map_or_else(
        || Log::new(only_latest()).subscribe(StartAt::Next),
        |log| log.subscribe(StartAt::Next),
    )
}

/// A value that is watched: only the latest one is of interest.
fn only_latest() -> Retention {
    Retention { max_entries: 1, ..Retention::default() }
}

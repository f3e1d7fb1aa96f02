//! Links: agents that end together.
//!
//! Owns what a link is: one value, its *bond*, and a callback at the belongings of each of the two
//! incarnations. Whichever ends first breaks the bond, takes the callback of the other side back, and
//! notes its exit there; the other does with it what [`Cell::note_exit`] says. So an agent that outlives
//! its links keeps nothing of them, and one exit is heard once.
//!
//! The bond's lock orders an exit against [`Link::unlink`]: of the two, the one that comes second finds
//! the bond broken. The order to end, or the news, is written under that lock. Within it only the lock
//! of the other agent's life is taken, and no code of a user runs; whoever is to be woken is so after
//! it.
//!
//! [`Cell::note_exit`]: crate::kernel::cell::Cell::note_exit

use std::sync::{Arc, Weak};

use foundation::owner::{MonitorId, OwnerRef, Reason};

use crate::handle::or_ended;
use crate::kernel::cell::Noted;
use crate::kernel::mail::{Mail, Nobody, post};
use crate::kernel::resident::Resident;
use crate::sync::{Mutex, lock};
use crate::{Agent, AgentId, AnyAgent, Context};

/// A link between two agents. From [`Context::link`].
///
/// Dropping it changes nothing: the link is there until one of the two ends or it is undone. Keeps
/// neither of them alive.
#[derive(Clone, Debug)]
pub struct Link(Weak<Bond>);

/// The end of an agent that another is linked to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkedExit {
    /// Who has ended.
    pub agent: AgentId,
    /// Why. [`NoProc`](Reason::NoProc) if it had ended before it was linked.
    pub reason: Reason,
}

/// What makes two incarnations a pair. Held by their callbacks, then by the news until it was heard.
#[derive(Debug)]
struct Bond {
    sides: [Side; 2],
    phase: Mutex<Phase>,
}

/// An incarnation that is linked.
struct Side {
    agent: AgentId,
    resident: Weak<dyn Resident>,
    incarnation: OwnerRef,
}

/// How far a link has come. Whoever changes it does what belongs to the change.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// There may be callbacks, of which the link does not know yet.
    Forming,
    /// The callback of each side.
    Formed([MonitorId; 2]),
    /// A side has ended, and the other, which traps exits, is about to hear of it.
    Unheard,
    Over,
}

/// The exit of one side, on its way to the other.
pub(crate) struct News {
    bond: Arc<Bond>,
    /// The place of the side that is told.
    told: usize,
    pub(crate) exit: LinkedExit,
}

impl<A: Agent> Context<A> {
    /// Links this agent and another, of any type: what ends one ends both. With OTP's meaning:
    ///
    /// - When one ends with another reason than [`Normal`](Reason::Normal), the other ends too, with
    ///   the same reason, at once: in the middle of an `.await` of its handler if it waits in one, and
    ///   without `on_exit`. What it is linked to in turn hears of that reason.
    /// - An agent that [traps exits](Self::trap_exits) goes on, and hears of it, whatever the reason, by
    ///   [`on_linked_exit`](Agent::on_linked_exit).
    /// - If the other has ended already, or is between two incarnations, that counts as an end with
    ///   [`NoProc`](Reason::NoProc).
    ///
    /// Unlike there, an agent that is linked to one that ends with [`Shutdown`](Reason::Shutdown) is
    /// asked to [stop](crate::AgentRef::stop): its handler comes to its end and its `on_exit` runs, as
    /// they do for all others when a system shuts down. And one that runs `on_exit` already is left to
    /// it.
    ///
    /// A link holds for one incarnation of each: what a supervisor makes anew is linked to nobody. Each
    /// call is a link of its own. Neither agent keeps the other alive. Costs three allocations, which
    /// are free again when the link is over, whichever side it was.
    ///
    /// ```
    /// # use mabeam::{Agent, AgentRef, Config, Context, Reason, System};
    /// struct Camera;
    /// impl Agent for Camera {}
    ///
    /// struct Recorder {
    ///     camera: AgentRef<Camera>,
    /// }
    /// impl Agent for Recorder {
    ///     async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
    ///         context.link(&self.camera);
    ///         Ok(())
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let camera = system.spawn(Camera).await?;
    /// let recorder = system.spawn(Recorder { camera: camera.clone() }).await?;
    /// let end = recorder.monitor();
    /// camera.stop(Reason::Failed("unplugged".into()));
    /// let reason = end.down().await.map(|down| down.reason);
    /// assert_eq!(reason, Some(Reason::Failed("unplugged".into())));
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn link(&mut self, other: impl Into<AnyAgent>) -> Link {
        let other = other.into();
        let own = self.cell() as Arc<dyn Resident>;
        let sides = [&own, &other.0].map(Side::of);
        let bond = Arc::new(Bond { sides, phase: Mutex::new(Phase::Forming) });
        let callbacks = [0, 1].map(|side| {
            let held = Arc::clone(&bond);
            let incarnation = &bond.sides[side].incarnation;
            incarnation.monitor_with(move |down| held.exit(side, down.reason))
        });
        bond.form(callbacks);
        Link(Arc::downgrade(&bond))
    }

    /// Whether this agent hears of the ends of those that it is [linked](Self::link) to, by
    /// [`on_linked_exit`](Agent::on_linked_exit), instead of ending with them. At first it does not; nor
    /// does each further incarnation.
    ///
    /// Counts for what ends from now on, however long ago it was linked.
    ///
    /// ```
    /// # use mabeam::{Agent, Config, Context, Handler, LinkedExit, Message, Reason, System};
    /// # use tokio::sync::oneshot;
    /// struct Worker;
    /// impl Agent for Worker {}
    ///
    /// struct Boss {
    ///     tell: Option<oneshot::Sender<LinkedExit>>,
    /// }
    /// impl Agent for Boss {
    ///     async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
    ///         context.trap_exits(true);
    ///         let worker = context.spawn_agent(Worker).await;
    ///         let worker = worker.map_err(|error| Reason::Failed(error.to_string().into()))?;
    ///         context.link(&worker);
    ///         worker.kill();
    ///         Ok(())
    ///     }
    ///
    ///     async fn on_linked_exit(&mut self, exit: LinkedExit, _: &mut Context<Self>) {
    ///         self.tell.take().map(|tell| tell.send(exit));
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let (tell, told) = oneshot::channel();
    /// let boss = system.spawn(Boss { tell: Some(tell) }).await?;
    /// assert_eq!(told.await.map(|exit| exit.reason), Ok(Reason::Killed));
    /// assert!(!boss.has_ended());
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn trap_exits(&mut self, traps: bool) {
        self.cell().trap_exits(traps);
    }
}

impl Link {
    /// Undoes the link, from either side or from elsewhere. `true` if from now on neither agent hears of
    /// the other's end, also if one that traps exits was about to; `false` if the link was over.
    pub fn unlink(&self) -> bool {
        let Some(bond) = self.0.upgrade() else { return false };
        let phase = {
            let mut phase = lock(&bond.phase);
            std::mem::replace(&mut *phase, Phase::Over)
        };
        if let Phase::Formed(callbacks) = phase {
            bond.take_back(callbacks);
        }
        !matches!(phase, Phase::Over)
    }
}

impl Side {
    fn of(resident: &Arc<dyn Resident>) -> Self {
        let incarnation = or_ended(resident.belongings());
        Self { agent: resident.id(), resident: Arc::downgrade(resident), incarnation }
    }
}

impl Bond {
    /// The link is there, unless a side has ended meanwhile.
    fn form(&self, callbacks: [MonitorId; 2]) {
        {
            let mut phase = lock(&self.phase);
            if matches!(*phase, Phase::Forming) {
                *phase = Phase::Formed(callbacks);
                return;
            }
        }
        self.take_back(callbacks);
    }

    fn take_back(&self, callbacks: [MonitorId; 2]) {
        for (side, callback) in self.sides.iter().zip(callbacks) {
            side.incarnation.demonitor(callback);
        }
    }

    /// One side has ended: the other is to hear of it, unless the link is over.
    fn exit(self: Arc<Self>, ended: usize, reason: Reason) {
        let told = 1 - ended;
        // Dropped under no lock.
        let resident = self.sides[told].resident.upgrade();
        let exit = LinkedExit { agent: self.sides[ended].agent, reason };
        let (before, noted) = {
            let mut phase = lock(&self.phase);
            if matches!(*phase, Phase::Unheard | Phase::Over) {
                return;
            }
            let noted = resident.as_ref().map_or(Noted::Nothing, |resident| {
                let news = News { bond: Arc::clone(&self), told, exit };
                resident.note_exit(&self.sides[told].incarnation, news)
            });
            let after = if noted == Noted::News { Phase::Unheard } else { Phase::Over };
            (std::mem::replace(&mut *phase, after), noted)
        };
        if let Phase::Formed(callbacks) = before {
            self.take_back(callbacks);
        }
        if let Some(resident) = resident.filter(|_| noted != Noted::Nothing) {
            resident.heed_exit();
        }
    }
}

impl News {
    /// The signal by which the agent that is told hears of it.
    pub(crate) fn into_mail<A: Agent>(self) -> Mail<A> {
        post(self, Nobody, hear).0
    }

    /// The exit, if it is to be heard by this incarnation, and the link was not undone meanwhile.
    fn open(self, present: Option<&OwnerRef>) -> Option<LinkedExit> {
        let is_told = Some(&self.bond.sides[self.told].incarnation) == present;
        let mut phase = lock(&self.bond.phase);
        let is_unheard = matches!(std::mem::replace(&mut *phase, Phase::Over), Phase::Unheard);
        drop(phase);
        (is_told && is_unheard).then_some(self.exit)
    }
}

/// The turn of an exit.
async fn hear<A: Agent>(agent: &'static mut A, news: News, context: &'static mut Context<A>) {
    if let Some(exit) = news.open(context.cell().belongings().as_ref()) {
        agent.on_linked_exit(exit, context).await;
    }
}

impl std::fmt::Debug for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.agent, f)
    }
}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc::unbounded_channel;
    use tokio::time::timeout;

    use super::*;
    use crate::supervision::{Child, Strategy, Supervisor};
    use crate::{AgentRef, Config, System};

    struct Idle;

    impl Agent for Idle {}

    /// The exit of somebody, on its way to `told`.
    fn news(told: &Arc<dyn Resident>) -> News {
        let sides = [Side::of(told), Side::of(told)];
        let bond = Arc::new(Bond { sides, phase: Mutex::new(Phase::Over) });
        News { bond, told: 0, exit: LinkedExit { agent: told.id(), reason: Reason::Killed } }
    }

    #[tokio::test(start_paused = true)]
    async fn an_exit_that_comes_late_does_not_reach_the_next_incarnation() {
        let (system, (made, mut is_made)) =
            (System::new(Config::default()).unwrap(), unbounded_channel());
        let child = Child::new(move || {
            made.send(()).unwrap();
            Idle
        });
        let supervisor = Supervisor::new(Strategy::OneForOne).child(child.named("child"));
        let _supervisor = system.spawn(supervisor).await.unwrap();
        is_made.recv().await.unwrap();
        let child: AgentRef<Idle> = system.lookup("child").unwrap();
        let resident = Arc::clone(&child.cell) as Arc<dyn Resident>;
        let first = resident.belongings().unwrap();
        child.kill();
        timeout(Duration::from_secs(30), is_made.recv()).await.unwrap().unwrap();
        let second = resident.belongings().unwrap();
        assert_eq!(resident.note_exit(&first, news(&resident)), Noted::Nothing);
        assert_eq!(resident.note_exit(&second, news(&resident)), Noted::Order);
    }
}

//! A tree whose supervisors are engines, and whose children start and stop at once.

use std::collections::BTreeMap;
use std::time::Duration;

use mabeam::supervision::engine::{Action, Engine, Exit, Flags, Incarnation, Intensity, Spec};
use mabeam::supervision::{Backoff, ChildId, Shutdown, Status};

use super::*;

/// A supervisor that lives.
pub(super) struct Model {
    engine: Engine,
    children: BTreeMap<ChildId, Kid>,
    has_ended: bool,
}

struct Kid {
    node: Node,
    /// The present one, or the last.
    incarnation: Option<Incarnation>,
    life: Life,
}

enum Life {
    None,
    Worker,
    Supervisor(Box<Model>),
}

/// What is to be seen of a tree: how each child of each living supervisor is.
pub(super) type Shape = BTreeMap<String, Status>;

/// How often each worker was started.
pub(super) type Starts = BTreeMap<String, u64>;

#[derive(Clone, Copy, Debug)]
pub(super) enum Command {
    Stop,
    Restart,
    Delete,
    Remove,
}

impl Model {
    pub(super) fn new(team: &Team, starts: &mut Starts) -> Self {
        let intensity = Intensity { max_restarts: team.max_restarts, period: AGES };
        let flags = Flags {
            strategy: team.strategy,
            auto_shutdown: team.auto_shutdown,
            intensity,
            ..Flags::default()
        };
        let mut engine = Engine::new(flags);
        let add = |node: &Node| {
            let spec = Spec {
                restart: node.restart,
                shutdown: Shutdown::Wait,
                significant: node.significant,
                backoff: node.has_backoff.then(Backoff::default),
            };
            let kid = Kid { node: node.clone(), incarnation: None, life: Life::None };
            (engine.add(spec).unwrap(), kid)
        };
        let children = team.children.iter().map(add).collect();
        engine.start();
        let mut model = Self { engine, children, has_ended: false };
        model.act(starts);
        model
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The child with this label has ended.
    pub(super) fn exit(&mut self, label: &str, exit: Exit, starts: &mut Starts) {
        self.within(label, starts, |model, child| {
            let Some(kid) = model.children.get_mut(&child) else { return };
            if matches!(kid.life, Life::None) {
                return;
            }
            kid.life = Life::None;
            let incarnation = kid.incarnation.unwrap();
            model.engine.exited(incarnation, exit, Duration::ZERO);
        });
    }

    pub(super) fn command(&mut self, label: &str, command: Command, starts: &mut Starts) {
        self.within(label, starts, |model, child| match command {
            Command::Stop => _ = model.engine.stop_child(child),
            Command::Restart => _ = model.engine.restart_child(child),
            Command::Delete => _ = model.engine.delete_child(child),
            Command::Remove => {
                _ = model.engine.stop_child(child);
                model.act(&mut Starts::new());
                _ = model.engine.delete_child(child);
            }
        });
    }

    /// Does something about the child with this label where it is one, and what follows from it there and
    /// above.
    fn within(&mut self, label: &str, starts: &mut Starts, act: impl FnOnce(&mut Self, ChildId)) {
        let is_of = |kid: &Kid| {
            label
                .strip_prefix(&*kid.node.label)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let Some((&child, kid)) = self.children.iter_mut().find(|(_, kid)| is_of(kid)) else {
            return;
        };
        if kid.node.label == label {
            act(self, child);
        } else if let Life::Supervisor(below) = &mut kid.life {
            below.within(label, starts, act);
            if below.has_ended {
                kid.life = Life::None;
                let incarnation = kid.incarnation.unwrap();
                self.engine.exited(incarnation, Exit::Normal, Duration::ZERO);
            }
        }
        self.act(starts);
    }

    fn act(&mut self, starts: &mut Starts) {
        let mut later = Vec::new();
        loop {
            while let Some(action) = self.engine.next_action() {
                match action {
                    Action::Start(incarnation) => self.start(incarnation, starts),
                    Action::Stop(incarnation, _) => {
                        self.children.get_mut(&incarnation.child).unwrap().life = Life::None;
                        self.engine.exited(incarnation, Exit::Normal, Duration::ZERO);
                    }
                    Action::Later(incarnation, _) => later.push(incarnation),
                    Action::Forget(child) => drop(self.children.remove(&child)),
                    Action::Ready => {}
                    Action::End(_) => self.has_ended = true,
                }
            }
            let Some(due) = later.pop() else { return };
            self.engine.backoff_over(due);
        }
    }

    fn start(&mut self, incarnation: Incarnation, starts: &mut Starts) {
        let kid = self.children.get_mut(&incarnation.child).unwrap();
        kid.incarnation = Some(incarnation);
        kid.life = if let Some(team) = &kid.node.team {
            Life::Supervisor(Box::new(Self::new(team, starts)))
        } else {
            *starts.entry(kid.node.label.clone()).or_default() += 1;
            Life::Worker
        };
        self.engine.started(incarnation, Duration::ZERO);
    }

    /// Adds how it and those below it are.
    pub(super) fn shape(&self, shape: &mut Shape) {
        for (incarnation, status) in self.engine.children() {
            let kid = &self.children[&incarnation.child];
            shape.insert(kid.node.label.clone(), status);
            if let Life::Supervisor(below) = &kid.life {
                below.shape(shape);
            }
        }
    }
}

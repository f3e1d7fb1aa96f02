//! Step by step, against engines.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::future::pending;

use mabeam::supervision::Status;
use mabeam::supervision::engine::Exit;
use mabeam::{AgentId, Config, MonitorRef};
use tokio::time::timeout;

use super::model::{Command, Model, Shape, Starts};
use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Kill,
    Crash,
    Stop,
    Command(Command),
}

/// A system with one tree, and its model.
struct Twins {
    system: System,
    root: AgentRef<Supervisor>,
    census: Arc<Census>,
    model: Model,
    starts: Starts,
    /// Of each agent that was ever seen.
    monitors: BTreeMap<AgentId, (String, MonitorRef)>,
}

impl Twins {
    async fn new(node: &Node) -> Self {
        let (system, census) = (System::new(Config::default()).unwrap(), Arc::default());
        let root = system.spawn(node.supervisor(&census)).named("r").await.unwrap();
        let mut starts = Starts::new();
        let model = Model::new(node.team.as_ref().unwrap(), &mut starts);
        Self { system, root, census, model, starts, monitors: BTreeMap::new() }
    }

    async fn step(&mut self, label: &str, step: Step) {
        let exit = match step {
            Step::Kill => {
                if let Some(worker) = worker(&self.system, label) {
                    worker.kill();
                } else if let Some(supervisor) = supervisor(&self.system, label) {
                    supervisor.kill();
                }
                Exit::Abnormal
            }
            Step::Crash => {
                let Some(worker) = worker(&self.system, label) else { return };
                worker.cast(Crash).unwrap();
                Exit::Abnormal
            }
            Step::Stop => {
                if let Some(worker) = worker(&self.system, label) {
                    worker.stop(Reason::Normal);
                } else if let Some(supervisor) = supervisor(&self.system, label) {
                    supervisor.stop(Reason::Shutdown);
                }
                Exit::Normal
            }
            Step::Command(command) => return self.command(label, command).await,
        };
        self.model.exit(label, exit, &mut self.starts);
    }

    async fn command(&mut self, label: &str, command: Command) {
        let above = &label[..label.rfind('.').unwrap()];
        let Some(supervisor) = supervisor(&self.system, above) else { return };
        match command {
            Command::Stop => drop(supervisor.stop_child(label).await),
            Command::Restart => drop(supervisor.restart_child(label).await),
            Command::Delete => drop(supervisor.delete_child(label).await),
            Command::Remove => drop(supervisor.remove_child(label).await),
        }
        self.model.command(label, command, &mut self.starts);
    }

    /// Waits until nothing happens any more: the time, which is virtual, goes on only then.
    async fn rest(&self) {
        assert!(timeout(Duration::from_secs(3600), pending::<()>()).await.is_err());
    }

    async fn compare(&mut self, story: &str) {
        self.rest().await;
        let mut expected = Shape::new();
        if !self.model.has_ended() {
            self.model.shape(&mut expected);
        }
        let mut shape = Shape::new();
        let mut agents = BTreeSet::new();
        let mut above: Vec<(String, AgentRef<Supervisor>)> = Vec::new();
        if !self.root.has_ended() {
            above.push(("r".to_owned(), self.root.clone()));
            agents.insert(self.root.id());
        }
        while let Some((_, supervisor)) = above.pop() {
            for child in supervisor.children().await.unwrap() {
                let label = child.label.unwrap().to_string();
                assert_eq!(child.status == Status::Running, child.agent.is_some(), "{story}");
                if let Some(id) = child.agent {
                    agents.insert(id);
                    let any = supervisor.child::<Worker>(&*label).await.unwrap();
                    if let Some(worker) = any {
                        assert_eq!(super::worker(&self.system, &label).unwrap().id(), id);
                        self.monitors.entry(id).or_insert((label.clone(), worker.monitor()));
                    } else {
                        let below = super::supervisor(&self.system, &label).unwrap();
                        assert_eq!(below.id(), id, "{story}");
                        self.monitors.entry(id).or_insert((label.clone(), below.monitor()));
                        above.push((label.clone(), below));
                    }
                }
                shape.insert(label, child.status);
            }
        }
        assert_eq!(shape, expected, "{story}");
        assert_eq!(self.system.agents(), agents.len(), "an orphan: {story}");
        let census = self.census.read();
        let starts: Starts = census.iter().map(|(label, it)| (label.clone(), it.starts)).collect();
        assert_eq!(starts, self.starts, "{story}");
        for (label, entry) in census {
            let is_alive = shape.get(&label) == Some(&Status::Running);
            assert_eq!(entry.alive, i32::from(is_alive), "{label}: {story}");
        }
        self.monitors.retain(|id, (label, monitor)| {
            let has_ended = monitor.try_down().is_some();
            assert_eq!(has_ended, !agents.contains(id), "{label}: {story}");
            !has_ended
        });
    }
}

async fn compare_with_the_model(seed: u64) {
    let mut dice = Dice(seed);
    let tree = Node::root(&mut dice, 5, &[0, 1, 3, 100]);
    let labels: Vec<String> = tree.all().into_iter().skip(1).map(|it| it.label.clone()).collect();
    let mut twins = Twins::new(&tree).await;
    let mut story = format!("seed {seed}: {tree:#?}");
    twins.compare(&story).await;
    for _ in 0..12 {
        let step = match dice.roll(8) {
            0 | 1 => Step::Kill,
            2 | 3 => Step::Crash,
            4 => Step::Stop,
            5 => Step::Command(dice.pick(&[Command::Stop, Command::Remove, Command::Delete])),
            _ => Step::Command(Command::Restart),
        };
        let label = &labels[usize::try_from(dice.roll(labels.len() as u64)).unwrap()];
        write!(story, "\n{step:?} {label}").unwrap();
        twins.step(label, step).await;
        twins.compare(&story).await;
        if twins.model.has_ended() {
            return;
        }
    }
    twins.root.stop(Reason::Shutdown);
    twins.rest().await;
    assert_eq!(twins.system.agents(), 0, "{story}");
}

#[tokio::test(start_paused = true)]
async fn a_tree_does_at_each_step_what_its_engines_say() {
    for seed in 0..150 {
        compare_with_the_model(seed).await;
    }
}

//! All at once, on two workers: at the end the tree has the shape that its specs promise.

use std::collections::BTreeSet;

use mabeam::supervision::Status;
use mabeam::{AgentId, Config, MonitorRef};
use tokio::time::timeout;

use super::*;

/// What is to be seen of a tree at rest.
#[derive(Default, PartialEq, Eq)]
struct View {
    children: BTreeMap<String, (Status, u64, Option<AgentId>)>,
    agents: BTreeSet<AgentId>,
    workers: BTreeSet<String>,
}

/// Kills, crashes and stops whoever has one of these names.
async fn rage(system: System, labels: Vec<String>, mut dice: Dice) -> Vec<(AgentId, MonitorRef)> {
    let mut monitors = Vec::new();
    for _ in 0..60 {
        let label = &labels[usize::try_from(dice.roll(labels.len() as u64)).unwrap()];
        if let Some(worker) = worker(&system, label) {
            monitors.push((worker.id(), worker.monitor()));
            match dice.roll(4) {
                0 => worker.kill(),
                1 => drop(worker.cast(Crash)),
                2 => worker.stop(Reason::Normal),
                _ => {
                    worker.kill();
                    worker.stop(Reason::Shutdown);
                }
            }
        } else if let Some(supervisor) = supervisor(&system, label) {
            monitors.push((supervisor.id(), supervisor.monitor()));
            match dice.roll(3) {
                0 => supervisor.kill(),
                1 => supervisor.stop(Reason::Shutdown),
                _ => drop(supervisor.children().await),
            }
        }
        if dice.roll(3) == 0 {
            tokio::task::yield_now().await;
        }
    }
    monitors
}

/// Looks at the whole tree, after each worker has handled what came before. `None` if somebody was on
/// the move.
async fn look(system: &System, root: &AgentRef<Supervisor>, labels: &[String]) -> Option<View> {
    for label in labels {
        if let Some(worker) = worker(system, label) {
            drop(worker.call(Ping).await);
        }
    }
    let (mut view, mut above) = (View::default(), vec![root.clone()]);
    while let Some(supervisor) = above.pop() {
        if supervisor.has_ended() {
            continue;
        }
        view.agents.insert(supervisor.id());
        for child in supervisor.children().await.ok()? {
            let label = child.label?.to_string();
            if !matches!(child.status, Status::Running | Status::Stopped) {
                return None;
            }
            if let Some(id) = child.agent {
                view.agents.insert(id);
                if let Some(worker) = supervisor.child::<Worker>(&*label).await.ok()? {
                    worker.call(Ping).await.ok()?;
                    view.workers.insert(label.clone());
                } else {
                    above.push(supervisor.child(&*label).await.ok()??);
                }
            }
            view.children.insert(label, (child.status, child.starts, child.agent));
        }
    }
    Some(view)
}

/// Waits until two looks are the same.
async fn rest(system: &System, root: &AgentRef<Supervisor>, labels: &[String]) -> View {
    let mut last = None;
    loop {
        let view = look(system, root, labels).await;
        if view == last
            && let Some(view) = view
        {
            if system.agents() == view.agents.len() {
                return view;
            }
        } else {
            last = view;
        }
        tokio::task::yield_now().await;
    }
}

async fn storm(seed: u64, max_restarts: &[u32]) {
    let mut dice = Dice(seed);
    let tree = Node::root(&mut dice, 5, max_restarts);
    let labels: Vec<String> = tree.all().into_iter().skip(1).map(|it| it.label.clone()).collect();
    let (system, census) = (System::new(Config::default()).unwrap(), Arc::default());
    let root = system.spawn(tree.supervisor(&census)).named("r").await.unwrap();
    let mut rages = Vec::new();
    for place in 0..3 {
        let dice = Dice(dice.roll(u64::MAX) + place);
        rages.push(tokio::spawn(rage(system.clone(), labels.clone(), dice)));
    }
    let mut monitors = Vec::new();
    for rage in rages {
        monitors.extend(rage.await.unwrap());
    }
    let Ok(view) = timeout(Duration::from_secs(30), rest(&system, &root, &labels)).await else {
        let view = look(&system, &root, &labels).await;
        let children = view.map(|view| view.children);
        panic!("seed {seed}: no rest: {} live, {children:?}\n{tree:#?}", system.agents());
    };
    for node in tree.all().into_iter().skip(1) {
        let above = &node.label[..node.label.rfind('.').unwrap()];
        let has_above = above == "r" && !root.has_ended()
            || view.children.get(above).is_some_and(|(status, ..)| *status == Status::Running);
        let status = view.children.get(&node.label).map(|(status, ..)| *status);
        let fits = match (has_above, node.restart) {
            (false, _) => status.is_none(),
            (true, Restart::Permanent) => status == Some(Status::Running),
            (true, Restart::Transient) => status.is_some(),
            (true, Restart::Temporary) => status.is_none_or(|status| status == Status::Running),
        };
        assert!(fits, "seed {seed}: {} is {status:?}: {tree:#?}", node.label);
        // A name is held by whoever lives, and by nobody else.
        let held = worker(&system, &node.label).map(|it| it.id());
        let held = held.or_else(|| supervisor(&system, &node.label).map(|it| it.id()));
        let agent = view.children.get(&node.label).and_then(|(.., agent)| *agent);
        assert_eq!(held, agent, "seed {seed}: {}", node.label);
    }
    for (label, entry) in census.read() {
        let expected = i32::from(view.workers.contains(&label));
        assert_eq!(entry.alive, expected, "seed {seed}: {label}");
    }
    for (id, mut monitor) in monitors {
        assert_eq!(monitor.try_down().is_none(), view.agents.contains(&id), "seed {seed}: {id}");
    }
    system.shutdown(Duration::from_secs(30)).await.unwrap();
    assert!(census.read().values().all(|entry| entry.alive == 0), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_that_bears_everything_is_whole_after_a_storm() {
    for seed in 0..30 {
        storm(seed, &[u32::MAX]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_that_gives_up_leaves_nobody_behind() {
    for seed in 100..130 {
        storm(seed, &[0, 2, 10]).await;
    }
}

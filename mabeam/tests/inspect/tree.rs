//! Who supervises whom, as text.

use super::*;

/// A supervisor of two keepers and of a supervisor of one, and a keeper beside them.
pub(super) async fn family(system: &System) -> Vec<AgentId> {
    let below =
        || Supervisor::new(Strategy::OneForOne).child(Child::new(Keeper::default).named("d"));
    let root = Supervisor::new(Strategy::OneForOne)
        .child(Child::new(Keeper::default).named("a"))
        .child(Child::new(below).named("b"))
        .child(Child::new(Keeper::default).named("c"));
    let root = system.spawn(root).named("root").detached().await.unwrap();
    let lone = system.spawn(Keeper::default()).named("lone").detached().await.unwrap();
    let id = |name: &str| system.lookup_any(name).unwrap().id();
    vec![root.id(), id("a"), id("b"), id("c"), id("d"), lone.id()]
}

#[tokio::test]
async fn each_agent_stands_below_its_parent() {
    let system = System::new(Config::default()).unwrap();
    family(&system).await;
    let text = system.inspect().tree().to_string();
    // What stands before the id: the branches, and the name.
    let lines: Vec<_> = text.lines().map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(lines, ["root", "├─ a", "├─ b", "│  └─ d", "└─ c", "lone"], "\n{text}");
    let (a, _) = text.lines().nth(1).unwrap().split_once(" handled").unwrap();
    assert!(a.contains("Keeper: "), "{a}");
}

#[tokio::test]
async fn the_branches_of_a_last_child_are_open() {
    let system = System::new(Config::default()).unwrap();
    let below =
        || Supervisor::new(Strategy::OneForOne).child(Child::new(Keeper::default).named("z"));
    let middle = move || Supervisor::new(Strategy::OneForOne).child(Child::new(below).named("y"));
    let root = Supervisor::new(Strategy::OneForOne).child(Child::new(middle).named("x"));
    let root = system.spawn(root).named("root").await.unwrap();
    let snapshot = system.inspect();
    let lines = snapshot.tree().to_string();
    let lines: Vec<_> = lines.lines().map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(lines, ["root", "└─ x", "   └─ y", "      └─ z"]);
    // Without the root, those below it stand by themselves.
    let mut rest = snapshot.clone();
    rest.agents.retain(|agent| agent.id != root.id());
    let lines = rest.tree().to_string();
    let lines: Vec<_> = lines.lines().map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(lines, ["x", "└─ y", "   └─ z"]);
}

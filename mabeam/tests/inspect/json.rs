//! Snapshots and trees as JSON.

use serde_json::{Value, json, to_value};

use super::tree::family;
use super::*;

#[tokio::test]
async fn a_snapshot_is_a_list_of_agents_with_all_that_is_known() {
    let system = System::new(Config::default()).unwrap();
    let agent = system.spawn(Keeper::default()).named("keeper").await.unwrap();
    agent.call(Seen).await.unwrap();
    let snapshot = system.inspect();
    let seen = &snapshot.agents[0];
    let busy_ns = u64::try_from(seen.busy.as_nanos()).unwrap();
    let expected = json!({ "agents": [{
        "id": agent.id().get(),
        "name": "keeper",
        "type_name": seen.type_name,
        "state": seen.state.as_str(),
        "waiting": 0,
        "handled": 2,
        "busy_ns": busy_ns,
        "live_bytes": null,
        "restarts": 0,
        "parent": null,
    }] });
    assert_eq!(to_value(&snapshot).unwrap(), expected);
}

#[tokio::test]
async fn a_tree_has_the_children_of_each_agent_in_it() {
    let system = System::new(Config::default()).unwrap();
    let ids: Vec<_> = family(&system).await.into_iter().map(AgentId::get).collect();
    let snapshot = system.inspect();
    let tree = to_value(snapshot.tree()).unwrap();
    let id = |path: &str| tree.pointer(path).and_then(Value::as_u64);
    let paths = [
        "/0/id",
        "/0/children/0/id",
        "/0/children/1/id",
        "/0/children/2/id",
        "/0/children/1/children/0/id",
        "/1/id",
    ];
    assert_eq!(paths.map(id).to_vec(), ids.into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!(tree.pointer("/1/children"), Some(&json!([])));
}

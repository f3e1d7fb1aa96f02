//! Snapshots and trees for whatever serde writes, JSON first of all.
//!
//! ```
//! # use mabeam::{Agent, Config, System};
//! # struct Printer;
//! # impl Agent for Printer {}
//! # let system = System::new(Config::default())?;
//! let text = serde_json::to_string(&system.inspect()).unwrap();
//! assert_eq!(text, r#"{"agents":[]}"#);
//! # Ok::<(), mabeam::StartError>(())
//! ```

use foundation::registry::Name;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{AgentInfo, AgentState, Snapshot, Tree};
use crate::AgentId;

/// Below this depth a tree is cut off: readers of JSON have limits of their own.
pub(super) const MAX_DEPTH: usize = 50;

/// The fields of an agent.
const FIELDS: usize = 10;

/// Some agents of a tree, with what is below them.
struct Branch<'a> {
    tree: &'a Tree<'a>,
    agents: &'a [&'a AgentInfo],
    depth: usize,
}

/// One of them.
struct Node<'a> {
    tree: &'a Tree<'a>,
    agent: &'a AgentInfo,
    depth: usize,
}

impl Serialize for AgentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

impl Serialize for AgentState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A struct with one field, `agents`.
impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Snapshot", 1)?;
        map.serialize_field("agents", &self.agents)?;
        map.end()
    }
}

/// A struct with the fields of the type; `busy_ns` is in nanoseconds.
impl Serialize for AgentInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("AgentInfo", FIELDS)?;
        self.fields(&mut map)?;
        map.end()
    }
}

impl AgentInfo {
    fn fields<M: SerializeStruct>(&self, map: &mut M) -> Result<(), M::Error> {
        let busy_ns = u64::try_from(self.busy.as_nanos()).unwrap_or(u64::MAX);
        map.serialize_field("id", &self.id)?;
        map.serialize_field("name", &self.name.as_ref().map(Name::as_str))?;
        map.serialize_field("type_name", self.type_name)?;
        map.serialize_field("state", &self.state)?;
        map.serialize_field("waiting", &self.waiting)?;
        map.serialize_field("handled", &self.handled)?;
        map.serialize_field("busy_ns", &busy_ns)?;
        map.serialize_field("live_bytes", &self.live_bytes)?;
        map.serialize_field("restarts", &self.restarts)?;
        map.serialize_field("parent", &self.parent)
    }
}

/// A list of agents, each with the fields of [`AgentInfo`] and `children`, a list of the same kind. What
/// is more than 50 levels deep is left out.
impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Branch { tree: self, agents: self.below(None), depth: 1 }.serialize(serializer)
    }
}

impl Serialize for Branch<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { tree, depth, .. } = *self;
        serializer.collect_seq(self.agents.iter().map(|agent| Node { tree, agent, depth }))
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { tree, agent, depth } = *self;
        let agents = if depth < MAX_DEPTH { tree.below(Some(agent.id)) } else { &[] };
        let mut map = serializer.serialize_struct("AgentInfo", FIELDS + 1)?;
        agent.fields(&mut map)?;
        map.serialize_field("children", &Branch { tree, agents, depth: depth + 1 })?;
        map.end()
    }
}

//! Who supervises whom, as text.

use std::collections::BTreeMap;
use std::fmt;

use super::AgentInfo;
use crate::AgentId;

/// The agents of a [snapshot](super::Snapshot), each below its parent. Displayed as a tree:
///
/// ```text
/// shop (agent-1) mabeam::supervision::Supervisor: idle, 3 handled
/// ├─ agent-2 demo::Clerk: idle, 18 handled, 1 restart
/// └─ agent-3 mabeam::supervision::Supervisor: idle, 2 handled
///    └─ till (agent-4) demo::Till: waiting, 7 handled, 2 waiting
/// agent-5 demo::Clock: idle, 1 handled
/// ```
///
/// With the feature `serde` it serializes as a list of agents, each with its `children`.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    /// The children of each agent; those of `None` have no parent.
    below: BTreeMap<Option<AgentId>, Vec<&'a AgentInfo>>,
}

impl<'a> Tree<'a> {
    pub(super) const fn new(below: BTreeMap<Option<AgentId>, Vec<&'a AgentInfo>>) -> Self {
        Self { below }
    }

    /// The agents below this one, or those without a parent.
    pub fn below(&self, parent: Option<AgentId>) -> &[&'a AgentInfo] {
        self.below.get(&parent).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = vec![self.below(None).iter()];
        let mut indent = String::new();
        // Without recursion: a tree may be deeper than a stack.
        while let Some(level) = path.last_mut() {
            let Some(agent) = level.next() else {
                path.pop();
                let above = indent.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
                indent.truncate(above);
                continue;
            };
            let is_last = level.len() == 0;
            let is_root = path.len() == 1;
            let branch = match (is_root, is_last) {
                (true, _) => "",
                (_, true) => "└─ ",
                (_, false) => "├─ ",
            };
            writeln!(f, "{indent}{branch}{agent}")?;
            let below = self.below(Some(agent.id));
            if !below.is_empty() {
                indent.push_str(match (is_root, is_last) {
                    (true, _) => "",
                    (_, true) => "   ",
                    (_, false) => "│  ",
                });
                path.push(below.iter());
            }
        }
        Ok(())
    }
}

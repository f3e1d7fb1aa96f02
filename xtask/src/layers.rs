//! `cargo xtask layers`: which crate may use which, executed.
//!
//! Owns the two tables below, the only place where the layers are written down for a program. A
//! new edge is made by changing a table, in a commit that says why.

use std::collections::BTreeSet;
use std::fmt;

use cargo_metadata::{DependencyKind, Metadata};

use crate::failure::Failure;
use crate::workspace::Workspace;

/// Each member and the members that it may depend on, be it to build, to run or to test.
const ALLOWED: &[(&str, &[&str])] = &[
    ("perf-budget", &[]),
    ("foundation", &["perf-budget"]),
    ("mabeam", &["foundation"]),
    ("mabeam-economics", &["mabeam"]),
    ("benches", &["perf-budget", "foundation", "mabeam", "mabeam-economics"]),
    ("xtask", &["perf-budget"]),
];

/// The packages that run futures.
const RUNTIMES: &[&str] = &["tokio", "smol", "async-std", "futures-executor", "async-executor"];

/// The same, but that of tokio only the scheduler counts: its channels and timers run anywhere.
const SCHEDULERS: &[&str] =
    &["tokio/rt", "tokio/net", "smol", "async-std", "futures-executor", "async-executor"];

/// The packages by which a program reaches a network. Not `mio/net`: tokio waits for signals by a pipe
/// of it.
const NETWORK: &[&str] =
    &["tokio/net", "socket2", "hyper", "h2", "quinn", "reqwest", "ureq", "tonic"];

/// What a crate must never pull in, at any depth, for those who use it: packages, or single features
/// of theirs (`package/feature`).
const NEVER: &[Never] = &[
    Never { krate: "perf-budget", features: Features::None, packages: Packages::Any },
    Never { krate: "perf-budget", features: Features::Default, packages: Packages::Any },
    Never::named("perf-budget", Features::All, RUNTIMES),
    // The ruler is not made of what it measures.
    Never::named("perf-budget", Features::All, &["papaya", "arc-swap"]),
    Never::named("foundation", Features::None, &["serde_json", "rusqlite", "notify"]),
    Never::named("foundation", Features::None, RUNTIMES),
    Never::named("foundation", Features::Default, &["serde_json", "rusqlite", "notify"]),
    Never::named("foundation", Features::Default, RUNTIMES),
    Never::named("foundation", Features::All, SCHEDULERS),
    Never::named("foundation", Features::All, NETWORK),
    // The engines run anywhere; only the runtime has a scheduler.
    Never::named("mabeam", Features::None, RUNTIMES),
    Never::named("mabeam", Features::None, &["foundation"]),
    Never::named("mabeam", Features::All, NETWORK),
    Never::named("mabeam-economics", Features::All, SCHEDULERS),
    Never::named("mabeam-economics", Features::All, NETWORK),
];

/// A crate, with some features, may not depend on some packages.
struct Never {
    krate: &'static str,
    features: Features,
    packages: Packages,
}

#[derive(Clone, Copy)]
enum Features {
    None,
    Default,
    All,
}

enum Packages {
    Any,
    Named(&'static [&'static str]),
}

/// A declared dependency of one member on another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge {
    from: String,
    to: String,
    kind: &'static str,
}

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
enum Violation {
    /// The table does not allow this edge.
    Edge { edge: Edge, allowed: Vec<&'static str> },
    /// A member that the table does not know.
    Unknown(String),
    /// A package that a crate must never pull in.
    Never { krate: &'static str, features: &'static str, package: String },
}

/// Checks the workspace as cargo sees it.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let metadata = workspace.metadata()?;
    let members: Vec<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let edges = edges(&metadata);
    let mut violations = check_edges(&members, &edges);
    for rule in NEVER {
        violations.extend(check_never(rule, &tree(workspace, rule)?));
    }
    if violations.is_empty() {
        println!("{} edges between {} crates, all allowed", edges.len(), members.len());
        return Ok(());
    }
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Err(Failure::new(format!("layers are broken:\n  {}", lines.join("\n  "))))
}

/// The declared dependencies between members: optional and platform-specific ones too.
fn edges(metadata: &Metadata) -> Vec<Edge> {
    let members = metadata.workspace_packages();
    let names: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let declared = members.iter().flat_map(|package| {
        package.dependencies.iter().map(|dependency| (package.name.as_str(), dependency))
    });
    declared
        .filter(|(_, dependency)| names.contains(dependency.name.as_str()))
        .map(|(from, dependency)| Edge {
            from: from.to_owned(),
            to: dependency.name.clone(),
            kind: match dependency.kind {
                DependencyKind::Development => "test",
                DependencyKind::Build => "build",
                _ => "normal",
            },
        })
        .collect()
}

fn check_edges(members: &[String], edges: &[Edge]) -> Vec<Violation> {
    let allowed = |from: &str| ALLOWED.iter().find(|(name, _)| *name == from).map(|(_, to)| *to);
    let unknown = members
        .iter()
        .filter(|name| allowed(name).is_none())
        .map(|name| Violation::Unknown(name.clone()));
    let forbidden = edges.iter().filter_map(|edge| {
        let allowed = allowed(&edge.from)?;
        let is_allowed = allowed.contains(&edge.to.as_str());
        (!is_allowed).then(|| Violation::Edge { edge: edge.clone(), allowed: allowed.to_vec() })
    });
    unknown.chain(forbidden).collect()
}

/// What the crate of `rule` pulls in when it is taken alone: cargo unifies features when it builds
/// the whole workspace.
fn tree(workspace: &Workspace, rule: &Never) -> Result<String, Failure> {
    let invocation = workspace
        .cargo()
        .args(["tree", "--package", rule.krate, "--edges", "normal,build"])
        .args(["--target", "all", "--prefix", "none", "--format", "{p}\t{f}"])
        .args(rule.features.flag());
    Ok(String::from_utf8_lossy(&invocation.stdout()?).into_owned())
}

/// Checks the lines of a tree: each a package's name and what follows it, then a tab and its
/// features between commas.
fn check_never(rule: &Never, tree: &str) -> Vec<Violation> {
    let mut names = BTreeSet::new();
    for line in tree.lines() {
        let (package, features) = line.split_once('\t').unwrap_or((line, ""));
        let Some(name) = package.split_whitespace().next() else { continue };
        names.insert(name.to_owned());
        let features = features.trim_end_matches("(*)").trim().split(',');
        names.extend(features.map(|feature| format!("{name}/{feature}")));
    }
    let is_own = |name: &str| name.split('/').next() == Some(rule.krate);
    let is_package = |name: &str| !name.contains('/') || !matches!(rule.packages, Packages::Any);
    names
        .into_iter()
        .filter(|name| !is_own(name) && is_package(name) && rule.packages.contain(name))
        .map(|name| Violation::Never {
            krate: rule.krate,
            features: rule.features.described(),
            package: name,
        })
        .collect()
}

impl Never {
    const fn named(
        krate: &'static str,
        features: Features,
        packages: &'static [&'static str],
    ) -> Self {
        Self { krate, features, packages: Packages::Named(packages) }
    }
}

impl Features {
    const fn flag(self) -> Option<&'static str> {
        match self {
            Self::None => Some("--no-default-features"),
            Self::Default => None,
            Self::All => Some("--all-features"),
        }
    }

    const fn described(self) -> &'static str {
        match self {
            Self::None => "no features",
            Self::Default => "its default features",
            Self::All => "all features",
        }
    }
}

impl Packages {
    fn contain(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named(names) => names.contains(&name),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edge { edge: Edge { from, to, kind }, allowed } => {
                write!(f, "{from} -> {to} ({kind} dependency): {from} may depend on ")?;
                if allowed.is_empty() {
                    f.write_str("no other member")
                } else {
                    write!(f, "{} only", allowed.join(", "))
                }
            }
            Self::Unknown(name) => {
                write!(f, "{name} has no row in the table of xtask/src/layers.rs")
            }
            Self::Never { krate, features, package } => {
                write!(f, "{krate} -> {package}: {krate} with {features} must never pull it in")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str, kind: &'static str) -> Edge {
        Edge { from: from.to_owned(), to: to.to_owned(), kind }
    }

    #[test]
    fn an_edge_that_points_up_is_named_with_the_rule() {
        let planted =
            [edge("mabeam", "foundation", "normal"), edge("foundation", "mabeam", "test")];
        let violations = check_edges(&[], &planted);
        assert_eq!(violations.len(), 1);
        assert_eq!(
            violations[0].to_string(),
            "foundation -> mabeam (test dependency): foundation may depend on perf-budget only"
        );
    }

    #[test]
    fn an_edge_that_skips_a_layer_is_refused() {
        let violations = check_edges(&[], &[edge("mabeam-economics", "foundation", "normal")]);
        assert_eq!(violations.len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_refused() {
        let violations = check_edges(&["nursery".to_owned()], &[]);
        assert_eq!(violations, [Violation::Unknown("nursery".to_owned())]);
    }

    #[test]
    fn a_package_that_must_never_be_pulled_in_is_found_at_any_depth() {
        let rule = &Never::named("foundation", Features::None, &["serde_json"]);
        let tree =
            "foundation v0.1.0 (/w/foundation)\ntoml v1.2.0\nserde_json v1.0.0\ntoml v1.2.0 (*)\n";
        let violations = check_never(rule, tree);
        assert_eq!(
            violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["foundation -> serde_json: foundation with no features must never pull it in"]
        );
        let rule = &Never::named("foundation", Features::All, SCHEDULERS);
        let tree =
            |features| format!("foundation v0.1.0 (/w/f)\tpool\ntokio v1.54.0\t{features}\n");
        assert_eq!(check_never(rule, &tree("default,sync,time")), []);
        assert_eq!(check_never(rule, &tree("default,rt,sync (*)")).len(), 1);
        assert_eq!(check_never(&NEVER[0], "perf-budget v0.1.0\tgate\n"), []);
        assert_eq!(check_never(&NEVER[0], "perf-budget v0.1.0\nserde v1.0.0\n").len(), 1);
    }
}

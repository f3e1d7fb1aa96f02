//! `cargo xtask perf-gate`: the gate of `perf-budget`, pointed at this workspace's budgets.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::workspace::Workspace;

/// The budgets of this workspace.
pub(crate) const BUDGETS: &str = "benches/budgets.toml";

/// Hands the arguments to the gate and returns its exit code.
pub(crate) fn run(workspace: &Workspace, given: Vec<OsString>) -> ExitCode {
    let budgets = workspace.path(BUDGETS).into_os_string();
    perf_budget::cli::main_with(arguments(budgets, given))
}

/// The gate's command line: its name, what was typed, and our budgets unless others were named.
fn arguments(budgets: OsString, given: Vec<OsString>) -> Vec<OsString> {
    let names_budgets = given.iter().any(|argument| {
        argument.to_str().is_some_and(|text| text == "--budgets" || text.starts_with("--budgets="))
    });
    let mut arguments = vec!["cargo xtask perf-gate".into()];
    arguments.extend(given);
    if !names_budgets {
        arguments.extend(["--budgets".into(), budgets]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(given: &[&str]) -> Vec<OsString> {
        arguments("b.toml".into(), given.iter().map(OsString::from).collect())
    }

    #[test]
    fn the_workspace_s_budgets_are_used_unless_others_are_named() {
        assert_eq!(
            passed_on(&["--quick"]),
            ["cargo xtask perf-gate", "--quick", "--budgets", "b.toml"]
        );
        assert_eq!(passed_on(&["--budgets=x"]), ["cargo xtask perf-gate", "--budgets=x"]);
        assert_eq!(passed_on(&["--budgets", "x"])[2..], ["x"]);
    }
}

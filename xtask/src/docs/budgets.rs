//! The reference page of the budgets: one table an owner, in the file's order.

use std::fmt::Write;

use perf_budget::{Budget, Quantity, Unit, Waiver};

/// The page for the budgets and waivers of the file `source`.
pub(super) fn page(source: &str, budgets: &[&Budget], waivers: &[&Waiver]) -> String {
    let mut page = format!(
        "# Performance budgets\n\n\
         Generated from `{source}` by `cargo xtask docs`; change the file, not this page. What a\n\
         metric means, and how it is judged: [the performance gate](../performance-gate.md).\n"
    );
    let mut owners: Vec<&str> = Vec::new();
    for budget in budgets {
        if !owners.contains(&budget.owner.as_str()) {
            owners.push(&budget.owner);
        }
    }
    for owner in owners {
        let _ = write!(
            page,
            "\n## {owner}\n\n\
             | operation | metric | limit | tier | reason |\n|---|---|---|---|---|\n"
        );
        for budget in budgets.iter().filter(|budget| budget.owner == owner) {
            let _ = writeln!(page, "{}", row(budget));
        }
    }
    if !waivers.is_empty() {
        page.push_str(
            "\n## Waivers\n\n\
             | operation | metric | tolerated up to | until | issue |\n|---|---|---|---|---|\n",
        );
        for waiver in waivers {
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {} |",
                subject(&waiver.operation, waiver.relative_to.as_deref()),
                waiver.metric,
                waiver.ceiling,
                waiver.expires,
                cell(&waiver.issue)
            );
        }
    }
    page
}

fn row(budget: &Budget) -> String {
    let mut limit = budget.limit.to_string();
    if let Some(load) = budget.load {
        let shown =
            |value, unit| Quantity::new(value, unit).map_or(String::new(), |it| it.to_string());
        let rate = shown(load.rate_per_s, Unit::PerSecond);
        let duration = shown(load.duration_ns, Unit::Nanoseconds);
        let _ = write!(limit, " at {rate} for {duration}");
    }
    if let Some(machine) = &budget.machine {
        let _ = write!(limit, ", on machine `{machine}` only");
    }
    let subject = subject(&budget.operation, budget.relative_to.as_deref());
    let (metric, tier, reason) = (budget.metric, budget.tier, cell(&budget.reason));
    format!("| {subject} | {metric} | {limit} | {tier} | {reason} |")
}

fn subject(operation: &str, peer: Option<&str>) -> String {
    match peer {
        Some(peer) => format!("`{operation}` / `{peer}`"),
        None => format!("`{operation}`"),
    }
}

/// A text that ends neither its cell nor its row.
fn cell(text: &str) -> String {
    text.replace('|', r"\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use perf_budget::{Limit, OfferedLoad, Tier};

    use super::*;

    fn budget(operation: &str, owner: &str) -> Budget {
        Budget {
            operation: operation.to_owned(),
            metric: "latency_p99".parse().expect("a metric"),
            limit: Limit::Max("1 ms".parse().expect("a quantity")),
            relative_to: None,
            owner: owner.to_owned(),
            reason: "a | b".to_owned(),
            tier: Tier::Quick,
            machine: None,
            load: Some(OfferedLoad { rate_per_s: 1000.0, duration_ns: 2e9 }),
        }
    }

    #[test]
    fn budgets_stand_under_their_owner_in_the_file_s_order() {
        let (a, b, c) =
            (budget("a", "foundation"), budget("b", "mabeam"), budget("c", "foundation"));
        let page = page("b.toml", &[&a, &b, &c], &[]);
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text} in {page}"));
        assert!(place("## foundation") < place("| `a`"));
        assert!(place("| `a`") < place("| `c`"));
        assert!(place("| `c`") < place("## mabeam"));
        assert!(!page.contains("Waivers"));
    }

    #[test]
    fn a_row_states_the_load_and_stays_one_row() {
        assert_eq!(
            row(&budget("a", "x")),
            r"| `a` | latency_p99 | ≤ 1.00 ms at 1.00 k/s for 2.00 s | quick | a \| b |"
        );
    }
}

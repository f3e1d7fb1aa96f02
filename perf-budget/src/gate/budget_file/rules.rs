//! The rules about several entries of a budgets file.

use std::collections::HashMap;

use super::entries::Draft;
use super::problem::{Problems, position};
use crate::{Budget, Limit, Waiver};

/// Notes a waiver that waives nothing: no budget is its own, or the ceiling is tighter than each of
/// those that are.
pub(super) fn check_waiver(
    waiver: &Draft<Waiver>,
    budgets: &[Draft<Budget>],
    problems: &mut Problems<'_>,
) {
    let own = || budgets.iter().filter(|budget| budget.subject.may_be(&waiver.subject));
    if own().next().is_none() {
        return no_budget(waiver, budgets, problems);
    }
    let Some(whole) = &waiver.whole else {
        return;
    };
    let ceiling = whole.ceiling.value();
    let mut limits = own().map(|budget| budget.whole.as_ref().map(|budget| budget.limit));
    let tighter = limits.all(|limit| match limit {
        Some(Limit::Max(limit)) => ceiling < limit.value(),
        Some(Limit::Min(limit)) => ceiling > limit.value(),
        None => false,
    });
    let strictest = own().find_map(|budget| budget.whole.as_ref());
    if let (true, Some(budget)) = (tighter, strictest) {
        let place = waiver.ceiling.clone().unwrap_or_else(|| waiver.header.clone());
        problems.add_with_help(
            place,
            format_args!(
                "the ceiling {} is tighter than the budget, {}",
                whole.ceiling, budget.limit
            ),
            "a waiver tolerates a broken budget up to its ceiling",
        );
    }
}

fn no_budget(waiver: &Draft<Waiver>, budgets: &[Draft<Budget>], problems: &mut Problems<'_>) {
    let subject = &waiver.subject;
    let operation = subject.operation.as_deref().unwrap_or_default();
    let metric = subject.metric.map(|metric| format!("{metric} of ")).unwrap_or_default();
    let peer = match &subject.relative_to {
        Ok(Some(peer)) => format!(" relative to `{peer}`"),
        _ => String::new(),
    };
    let message = format!("no budget limits {metric}`{operation}`{peer}");
    let same_operation: Vec<String> = budgets
        .iter()
        .filter(|budget| budget.subject.operation == subject.operation)
        .filter_map(|budget| {
            let metric = budget.subject.metric?;
            Some(match budget.subject.relative_to.as_ref().ok()? {
                Some(peer) => format!("{metric} relative to `{peer}`"),
                None => metric.to_string(),
            })
        })
        .collect();
    if same_operation.is_empty() {
        problems.add(waiver.header.clone(), message);
    } else {
        let help = format!("its budgets limit {}", same_operation.join(", "));
        problems.add_with_help(waiver.header.clone(), message, help);
    }
}

/// Notes every budget that says again what one above it says: the same promise, from the same side,
/// under the same load, for the same machine.
pub(super) fn check_duplicates(budgets: &[Draft<Budget>], text: &str, problems: &mut Problems<'_>) {
    let mut first: HashMap<_, usize> = HashMap::with_capacity(budgets.len());
    for draft in budgets {
        let Some(budget) = &draft.whole else {
            continue;
        };
        let load = budget.load.map(|load| [load.rate_per_s, load.duration_ns].map(f64::to_bits));
        // A wide limit beside a tight one is two promises: who breaks the tight one keeps the other.
        let limit =
            (matches!(budget.limit, Limit::Max(_)), budget.limit.quantity().value().to_bits());
        let promise =
            (&budget.operation, budget.metric, &budget.relative_to, &budget.machine, limit, load);
        let earlier = *first.entry(promise).or_insert(draft.header.start);
        if earlier != draft.header.start {
            let (line, _) = position(text, earlier);
            let Budget { metric, operation, limit, .. } = budget;
            problems.add(
                draft.header.clone(),
                format_args!("{metric} of `{operation}` is {limit} already, in line {line}"),
            );
        }
    }
}

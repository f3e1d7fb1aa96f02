//! The lowest prices that support an assignment.

use super::Counts;

/// Raises prices from nothing until nobody would rather have another's task.
///
/// Each round lets everybody bid for each task what it is worth above what the bidder has. Prices
/// only rise and never above the lowest that support the assignment, if one counts most; then at
/// most as many rounds are needed as there are tasks, since a price depends on a chain of others.
pub(super) fn lowest(counts: &Counts, owners: &[Option<usize>]) -> Vec<i128> {
    let mut prices = vec![0; counts.tasks];
    let mut has = vec![None; counts.agents];
    for (task, owner) in owners.iter().enumerate() {
        if let Some(who) = *owner {
            has[who] = Some(task);
        }
    }
    for _ in 0..=counts.tasks {
        let mut rose = false;
        for (who, has) in has.iter().enumerate() {
            let surplus = has.map_or(0, |task| counts.at(who, task) - prices[task]);
            let row = &counts.rows[who * counts.tasks..(who + 1) * counts.tasks];
            for (price, count) in prices.iter_mut().zip(row) {
                if count - surplus > *price {
                    *price = count - surplus;
                    rose = true;
                }
            }
        }
        if !rose {
            break;
        }
    }
    prices
}

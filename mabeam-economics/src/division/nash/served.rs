//! Who can have something: the first agents, in order, that can have a good each at the same time.

use std::collections::VecDeque;

/// For each agent that is served, a good that it values, each good once.
///
/// An agent who is once served stays so while later ones are tried, so the set is the first in order
/// among the largest (the sets that can be served are a matroid).
pub(super) fn first_in_order(values: &[Vec<u64>], goods: usize) -> Vec<Option<usize>> {
    let mut owners = vec![None; goods];
    let mut has = vec![None; values.len()];
    for who in 0..values.len() {
        let Some((mut good, asked_by)) = free_good(values, &owners, who) else { continue };
        // Everybody on the way takes the next and leaves its own.
        while let Some(taker) = asked_by[good] {
            owners[good] = Some(taker);
            match has[taker].replace(good) {
                Some(left) => good = left,
                None => break,
            }
        }
    }
    has
}

/// A good that nobody has, and who on the way to it asked for each good first.
fn free_good(
    values: &[Vec<u64>],
    owners: &[Option<usize>],
    who: usize,
) -> Option<(usize, Vec<Option<usize>>)> {
    let mut asked_by = vec![None; owners.len()];
    let mut asking = VecDeque::from([who]);
    while let Some(who) = asking.pop_front() {
        for good in 0..owners.len() {
            if values[who][good] > 0 && asked_by[good].is_none() {
                asked_by[good] = Some(who);
                match owners[good] {
                    Some(owner) => asking.push_back(owner),
                    None => return Some((good, asked_by)),
                }
            }
        }
    }
    None
}

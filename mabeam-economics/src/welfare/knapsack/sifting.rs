//! The large program by small ones: prices from a sample, then only those whose mind they leave open.

use super::simplex::{self, Item, Vertex};
use crate::seeded::Seeded;

/// What is solved at once.
const SMALL: usize = 2_048;
/// One in how many is in the sample.
const SAMPLED: usize = 16;

/// Solves `max c x` with `A x <= room`, `0 <= x <= 1` for a positive room.
///
/// Requests far from their price are decided by it; the others make the core. Whoever would decide
/// otherwise at the prices of the core joins it, so that the core grows until nobody does.
pub(super) fn solve<const R: usize>(items: &[Item<R>], room: [f64; R]) -> Vertex<R> {
    if items.len() <= SMALL {
        return simplex::solve(items, room).unwrap_or_else(|| unsolved(items));
    }
    let mut prices = solve(&sample(items), room.map(|room| room / SAMPLED as f64)).prices;
    let mut band = 6.0 / (items.len() as f64).sqrt();
    let mut in_core = vec![false; items.len()];
    loop {
        let close = |item: &Item<R>| {
            let surplus = item.surplus(&prices);
            surplus.abs() <= band * (2.0 * item.worth - surplus)
        };
        items.iter().zip(&mut in_core).for_each(|(item, inside)| *inside |= close(item));
        let Some(vertex) = core(items, &in_core, room, &prices) else {
            if in_core.iter().all(|&inside| inside) {
                return unsolved(items);
            }
            band *= 4.0;
            continue;
        };
        let grants = vertex.shares.iter();
        let wrong = |(item, &share): (&Item<R>, &f64)| {
            let surplus = item.surplus(&vertex.prices);
            (surplus > 0.0 && share <= 0.0) || (surplus < 0.0 && share >= 1.0)
        };
        let mut settled = true;
        for (inside, pair) in in_core.iter_mut().zip(items.iter().zip(grants)) {
            if !*inside && wrong(pair) {
                (*inside, settled) = (true, false);
            }
        }
        if settled {
            return vertex;
        }
        (prices, band) = (vertex.prices, band / 4.0);
    }
}

/// One of every [`SAMPLED`], drawn from its neighbours.
fn sample<const R: usize>(items: &[Item<R>]) -> Vec<Item<R>> {
    let mut drawn = Seeded::new(items.len() as u64);
    items.chunks(SAMPLED).filter_map(|some| some.get(drawn.below(some.len())).copied()).collect()
}

/// Solves the program of those in the core, all others decided by `prices`; `None` if the others
/// leave too little.
fn core<const R: usize>(
    items: &[Item<R>],
    in_core: &[bool],
    mut room: [f64; R],
    prices: &[f64; R],
) -> Option<Vertex<R>> {
    let (mut open, mut shares) = (Vec::new(), Vec::with_capacity(items.len()));
    for (item, &inside) in items.iter().zip(in_core) {
        let share = f64::from(u8::from(item.surplus(prices) > 0.0));
        shares.push(share);
        if inside {
            open.push(*item);
        } else {
            room.iter_mut().zip(item.uses).for_each(|(room, uses)| *room -= share * uses);
        }
    }
    let vertex = simplex::solve(&open, room)?;
    let places = shares.iter_mut().zip(in_core).filter(|(_, inside)| **inside);
    places.zip(&vertex.shares).for_each(|((place, _), &share)| *place = share);
    Some(Vertex { prices: vertex.prices, shares })
}

/// Nothing granted at no price: always possible, and the certificate says what it is worth.
fn unsolved<const R: usize>(items: &[Item<R>]) -> Vertex<R> {
    Vertex { prices: [0.0; R], shares: vec![0.0; items.len()] }
}

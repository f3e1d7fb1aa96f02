//! Ways through a network of cities: the paper's section 3.1.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::{Draw, Offer, Offers};

/// How many neighbours each city is connected to from the start.
const FIRST_CONNECTIONS: usize = 2;
/// How much longer a way that is still to be built counts.
const BUILDING_PENALTY: f64 = 1.7;
/// A way is worth up to this multiple of the straight distance.
const SHIPPING_FACTOR: f64 = 1.5;
/// How many ways between its two cities a bidder bids for at most.
const MAX_WAYS: usize = 5;
/// After this many pairs of cities without a missing connection the shortest missing one is built.
const PATIENCE: usize = 20;

/// Connections between cities in a square; a bidder wants one of the shortest ways between two of
/// them.
pub(in super::super) fn paths(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    let network = Network::new(goods, draw);
    while !offers.are_complete() {
        let (from, to) = network.two_cities(draw);
        let straight = network.length[from][to];
        let worth = draw.between(1.0, SHIPPING_FACTOR) * straight;
        let mut found = Vec::new();
        for (length, goods) in network.shortest_ways(from, to, worth) {
            found.push(Offer { goods, price: worth - length });
        }
        offers.add(&found);
    }
}

struct Network {
    /// Of two cities, how far they are apart.
    length: Vec<Vec<f64>>,
    /// Of two cities, the good that is their connection.
    good: Vec<Vec<Option<usize>>>,
    goods: usize,
}

impl Network {
    /// Half as many cities as connections; those that the cheapest ways between random cities use
    /// are built until there are `goods`.
    fn new(goods: usize, draw: &mut Draw) -> Self {
        let count = goods / 2;
        let cities: Vec<(f64, f64)> = (0..count).map(|_| (draw.unit(), draw.unit())).collect();
        let from = |&(x, y): &(f64, f64)| {
            cities.iter().map(|(other_x, other_y)| (x - other_x).hypot(y - other_y)).collect()
        };
        let length = cities.iter().map(from).collect();
        let mut network = Self { length, good: vec![vec![None; count]; count], goods: 0 };
        for city in 0..count {
            let mut near: Vec<usize> = (0..count).filter(|&other| other != city).collect();
            near.sort_by(|&one, &other| {
                network.length[city][one].total_cmp(&network.length[city][other])
            });
            for other in near.into_iter().take(FIRST_CONNECTIONS) {
                network.connect(city, other, goods);
            }
        }
        let mut patience = PATIENCE;
        while network.goods < goods && network.goods < count * (count - 1) / 2 {
            let before = network.goods;
            if patience == 0 {
                network.build_shortest(goods);
            } else {
                network.build_way(goods, draw);
            }
            patience = if network.goods > before { PATIENCE } else { patience - 1 };
        }
        network
    }

    fn two_cities(&self, draw: &mut Draw) -> (usize, usize) {
        let from = draw.integer(0, self.length.len() - 1);
        (from, (from + draw.integer(1, self.length.len() - 1)) % self.length.len())
    }

    fn connect(&mut self, from: usize, to: usize, limit: usize) {
        if self.good[from][to].is_none() && self.goods < limit {
            self.good[from][to] = Some(self.goods);
            self.good[to][from] = Some(self.goods);
            self.goods += 1;
        }
    }

    /// Builds what is missing of the cheapest way between two random cities.
    fn build_way(&mut self, limit: usize, draw: &mut Draw) {
        let cost = |length: f64, is_built: bool| {
            if is_built { length } else { length * BUILDING_PENALTY }
        };
        let (mut city, to) = self.two_cities(draw);
        let distances = self.distances_to(to, cost);
        while city != to {
            let via = |next: usize| {
                cost(self.length[city][next], self.good[city][next].is_some()) + distances[next]
            };
            let next = (0..self.length.len())
                .filter(|&next| next != city)
                .min_by(|&one, &other| via(one).total_cmp(&via(other)))
                .unwrap_or(to);
            self.connect(city, next, limit);
            city = next;
        }
    }

    fn build_shortest(&mut self, limit: usize) {
        let pairs = (0..self.length.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        let missing = pairs.filter(|&(one, other)| self.good[one][other].is_none());
        let shortest = missing.min_by(|one, other| {
            self.length[one.0][one.1].total_cmp(&self.length[other.0][other.1])
        });
        if let Some((one, other)) = shortest {
            self.connect(one, other, limit);
        }
    }

    /// How far every city is from `to`, where `cost` says what a connection of a length counts that
    /// is built or not; infinite where there is no way (Dijkstra).
    fn distances_to(&self, to: usize, cost: impl Fn(f64, bool) -> f64) -> Vec<f64> {
        let mut distances = vec![f64::INFINITY; self.length.len()];
        distances[to] = 0.0;
        let mut open: Vec<usize> = (0..self.length.len()).collect();
        let nearest = |open: &[usize], distances: &[f64]| {
            (0..open.len())
                .min_by(|&one, &other| distances[open[one]].total_cmp(&distances[open[other]]))
        };
        while let Some(place) = nearest(&open, &distances) {
            let city = open.swap_remove(place);
            for &next in &open {
                let step = cost(self.length[city][next], self.good[city][next].is_some());
                distances[next] = distances[next].min(distances[city] + step);
            }
        }
        distances
    }

    /// The shortest ways without a city twice that are shorter than `limit`, the shortest first.
    fn shortest_ways(&self, from: usize, to: usize, limit: f64) -> Vec<(f64, Vec<usize>)> {
        let built = |length: f64, is_built: bool| if is_built { length } else { f64::INFINITY };
        let distances = self.distances_to(to, built);
        let mut found = Vec::new();
        let mut open = BinaryHeap::from([Reverse((Key(distances[from]), vec![from]))]);
        while let Some(Reverse((Key(estimate), way))) = open.pop() {
            let city = way.last().copied().unwrap_or(from);
            if estimate >= limit || found.len() == MAX_WAYS {
                break;
            }
            if city == to {
                let goods = way.windows(2).filter_map(|step| self.good[step[0]][step[1]]).collect();
                found.push((estimate, goods));
                continue;
            }
            let travelled = estimate - distances[city];
            for next in (0..self.length.len()).filter(|next| !way.contains(next)) {
                if self.good[city][next].is_some() {
                    let length = travelled + self.length[city][next] + distances[next];
                    let longer = way.iter().copied().chain([next]).collect();
                    open.push(Reverse((Key(length), longer)));
                }
            }
        }
        found
    }
}

/// A length in the order of its size.
#[derive(Clone, Copy, Debug)]
struct Key(f64);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

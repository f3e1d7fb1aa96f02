//! The families in which goods are slots of time.
//!
//! Owns the paper's matching (section 3.4) and scheduling (section 3.5), with its default
//! parameters.

use super::{Draw, Offer, Offers};

/// Where the four airports with limited slots lie, in degrees west and north: `LaGuardia`,
/// Washington National, Kennedy, O'Hare.
const AIRPORTS: [(f64, f64); 4] = [(73.87, 40.78), (77.03, 38.85), (73.78, 40.63), (87.90, 41.97)];
/// What a slot at an airport is worth at most.
const MAX_AIRPORT_VALUE: f64 = 5.0;
/// The slots between take-off and landing on the longest route.
const LONGEST_FLIGHT: f64 = 10.0;
/// How far values lie from the average, as a share.
const DEVIATION: f64 = 0.5;
/// How many slots early and late a take-off may be, and a landing late.
const EARLY: usize = 1;
const LATE: usize = 2;
const LATE_LANDING: usize = 2;
/// What a slot of delay in the air, and one of late arrival, leave of the value.
const DELAY_COEFFICIENT: f64 = 0.9;
const LATE_COEFFICIENT: f64 = 0.75;

/// Take-off and landing slots at four airports; a flight may start and land somewhat off its time.
pub(super) fn matching(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    let times = goods / AIRPORTS.len();
    let worth: Vec<f64> = AIRPORTS.iter().map(|_| draw.between(0.0, MAX_AIRPORT_VALUE)).collect();
    let distance = |one: usize, other: usize| {
        let ((west, north), (other_west, other_north)) = (AIRPORTS[one], AIRPORTS[other]);
        (west - other_west).hypot(north - other_north)
    };
    let longest = distance(2, 3);
    while !offers.are_complete() {
        let from = draw.integer(0, AIRPORTS.len() - 1);
        let to = (from + draw.integer(1, AIRPORTS.len() - 1)) % AIRPORTS.len();
        let wanted = LONGEST_FLIGHT * distance(from, to) / longest;
        let flight = (1..times - 1).take_while(|&slots| (slots as f64) < wanted - 0.5).count() + 1;
        let flight = flight.min(times - 1);
        let start = draw.integer(0, times - 1 - flight);
        let value = draw.between(1.0 - DEVIATION, 1.0 + DEVIATION) * (worth[from] + worth[to]);
        let mut flights = Vec::new();
        for takeoff in start.saturating_sub(EARLY)..=(start + LATE).min(times - 1 - flight) {
            let latest = (start + flight + LATE_LANDING).min(times - 1);
            for landing in takeoff + flight..=latest {
                let delay = (landing - takeoff - flight) as f64;
                let late = landing.saturating_sub(start + flight) as f64;
                let price = value * DELAY_COEFFICIENT.powf(delay) * LATE_COEFFICIENT.powf(late);
                flights.push(Offer {
                    goods: vec![from * times + takeoff, to * times + landing],
                    price,
                });
            }
        }
        offers.add(&flights);
    }
}

/// The longest job, in slots.
const LONGEST_JOB: usize = 10;
/// How likely it is that a job would also be worth something later.
const ANOTHER_DEADLINE: f64 = 0.9;
/// By how much a job of l slots is worth more than l jobs of one slot: l to this power.
const ADDITIVITY: f64 = 0.2;

/// Jobs that need consecutive slots before a deadline, and are worth less before a later one.
pub(super) fn scheduling(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    while !offers.are_complete() {
        let length = draw.integer(1, LONGEST_JOB.min(goods));
        let deadline = draw.integer(length, goods);
        let value = draw.between(1.0 - DEVIATION, 1.0 + DEVIATION)
            * (length as f64).powf(1.0 + ADDITIVITY)
            * deadline as f64;
        let (mut jobs, mut passed, mut next) = (Vec::new(), 0, deadline);
        loop {
            for end in (passed + 1).max(length)..=next {
                let price = value / next as f64;
                jobs.push(Offer { goods: (end - length..end).collect(), price });
            }
            passed = next;
            if passed == goods || !draw.chance(ANOTHER_DEADLINE) {
                break;
            }
            next = draw.integer(passed + 1, goods);
        }
        offers.add(&jobs);
    }
}

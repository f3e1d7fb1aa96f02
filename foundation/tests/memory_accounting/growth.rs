//! Planted leaks are found, clean workloads are not accused.
#![expect(clippy::unwrap_used, reason = "for tests")]

use std::collections::{HashMap, VecDeque};
use std::hint::black_box;

use foundation::memory::{Account, Growth, GrowthError, measure_growth};

fn grown(iterations: usize, workload: impl FnMut()) -> Growth {
    measure_growth(&Account::new().unwrap(), workload, iterations).unwrap()
}

/// xorshift64: numbers that are the same in each run.
struct Noise(u64);

impl Noise {
    fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// What a service does in a step when it is well: a cache and a map that reach their bounds, a
/// buffer that swells and is given back, results of all sizes that come and go.
struct Clean {
    noise: Noise,
    cache: VecDeque<Vec<u8>>,
    map: HashMap<usize, usize>,
    buffer: Vec<usize>,
    cached: usize,
    period: usize,
}

impl Clean {
    fn new(seed: u64) -> Self {
        let mut noise = Noise::seeded(seed);
        let cached = 10 + noise.below(300);
        let period = 2 + noise.below(300);
        let (cache, map, buffer) = (VecDeque::new(), HashMap::new(), Vec::new());
        Self { noise, cache, map, buffer, cached, period }
    }

    fn step(&mut self) {
        if self.cache.len() == self.cached {
            self.cache.pop_front();
        }
        self.cache.push_back(vec![1; 1 + self.noise.below(200)]);
        let key = self.noise.below(500);
        if self.noise.below(3) == 0 {
            self.map.remove(&key);
        } else {
            self.map.insert(key, key);
        }
        self.buffer.push(key);
        if self.buffer.len() >= self.period {
            self.buffer = Vec::new();
        }
        black_box(vec![0_u8; self.noise.below(5000)]);
    }
}

#[test]
fn a_leak_of_eight_bytes_an_iteration_is_found() {
    let mut forgotten = Vec::with_capacity(2000);
    let growth = grown(1100, || forgotten.push(Box::new(1_u64)));
    assert!(growth.leaks(), "{growth}");
    assert_eq!((growth.total(), growth.iterations), (8800, 1100));
    assert!(growth.slope_low >= 8.0 && growth.slope_high <= 8.0, "{growth}");
}

#[test]
fn a_leak_of_a_kibibyte_every_hundredth_iteration_is_found() {
    let mut forgotten = Vec::with_capacity(2000);
    let mut at = 0;
    let growth = grown(2200, || {
        at += 1;
        black_box(vec![0_u8; 100 + at % 7]);
        if at % 100 == 0 {
            forgotten.push(Box::new([0_u8; 1024]));
        }
    });
    assert!(growth.leaks(), "{growth}");
    assert!((growth.slope - 10.24).abs() < 0.01, "{growth}");
}

#[test]
fn both_leaks_are_found_in_a_busy_workload() {
    const ITERATIONS: usize = 22_000;
    for seed in 1..=20 {
        let mut clean = Clean::new(seed);
        let mut forgotten = Vec::with_capacity(2 * ITERATIONS);
        let growth = grown(ITERATIONS, || {
            clean.step();
            forgotten.push(Box::new(1_u64));
        });
        assert!(growth.leaks(), "seed {seed}: {growth}");
        let mut clean = Clean::new(seed);
        let mut forgotten = Vec::with_capacity(2 * ITERATIONS);
        let mut at = 0;
        let growth = grown(ITERATIONS, || {
            clean.step();
            at += 1;
            if at % 100 == 0 {
                forgotten.push(Box::new([0_u8; 1024]));
            }
        });
        assert!(growth.leaks(), "seed {seed}: {growth}");
    }
}

#[test]
fn a_clean_workload_is_not_accused_in_a_hundred_runs() {
    for seed in 1..=100 {
        let mut clean = Clean::new(seed);
        let growth = grown(1100, || clean.step());
        assert!(!growth.leaks(), "seed {seed}: {growth}");
        assert!(growth.per_iteration() < 1024.0, "seed {seed}: {growth}");
    }
}

#[test]
fn what_is_set_up_the_first_time_is_no_growth() {
    let mut once = None;
    let growth = grown(100, || {
        once.get_or_insert_with(|| vec![0_u8; 1_000_000]);
    });
    assert_eq!((growth.baseline, growth.total()), (1_000_000, 0));
}

#[test]
fn what_the_workloads_threads_leave_behind_is_found() {
    let account = Account::new().unwrap();
    let mut forgotten = Vec::with_capacity(200);
    let work = || {
        let account = Account::current().unwrap();
        std::thread::scope(|scope| {
            let allocate = || account.enter(|| Box::new([0_u8; 64]));
            forgotten.push(scope.spawn(allocate).join().unwrap());
        });
    };
    let growth = measure_growth(&account, work, 110).unwrap();
    assert!(growth.leaks() && (growth.slope - 64.0).abs() < 0.01, "{growth}");
}

#[test]
fn too_few_iterations_are_refused_before_the_first_run() {
    let mut runs = 0;
    let refused = measure_growth(&Account::new().unwrap(), || runs += 1, 10);
    assert_eq!(refused, Err(GrowthError::TooFewIterations { iterations: 10 }));
    assert_eq!(runs, 0);
}

#[test]
fn the_number_of_iterations_costs_no_memory() {
    // The first run of the warm-up ends what would otherwise take for ever.
    let endless = || measure_growth(&Account::new().unwrap(), || panic!("it runs"), usize::MAX);
    let panic = std::panic::catch_unwind(endless).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"it runs"));
}

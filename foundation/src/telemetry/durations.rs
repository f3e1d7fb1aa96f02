//! Durations of one operation: one histogram a stripe, so that threads write different memory.
//!
//! Owns the shape of the histograms: the H2 histogram of the `histogram` crate with 128 buckets for
//! each power of two, from single nanoseconds up to [`MAX_NANOS`]. A bucket is at most 1/128 of its
//! lower end wide, and values below 256 ns have one each.
//!
//! A thread writes the stripe of its number, modulo as many stripes as the machine has cores. Threads
//! are numbered as they first count something, so those of a pool that was started at once have
//! stripes of their own as far as there are stripes; any two whose numbers are a multiple of that
//! apart share one, at the price of a contended cache line. A recording is one atomic addition
//! without ordering: buckets only grow, and a reader adds up what it finds.

use std::sync::{LazyLock, OnceLock};
use std::thread;

use histogram::{AtomicHistogram, Config, CumulativeROHistogram, Histogram};

const GROUPING_POWER: u8 = 7;
const MAX_POWER: u8 = 42;

const CONFIG: Config = match Config::new(GROUPING_POWER, MAX_POWER) {
    Ok(config) => config,
    Err(_) => panic!("the grouping power is less than the greatest power"),
};

/// How many buckets a histogram has: 4,608.
pub(super) const BUCKETS: usize = CONFIG.total_buckets();

/// The longest duration with a bucket: 73 minutes and 18 seconds.
pub(super) const MAX_NANOS: u64 = (1 << MAX_POWER) - 1;

/// No operation has more stripes than this.
const MAX_STRIPES: usize = 16;

/// One a core, to the next power of two.
static STRIPES: LazyLock<usize> = LazyLock::new(|| {
    thread::available_parallelism().map_or(1, usize::from).next_power_of_two().min(MAX_STRIPES)
});

/// The durations that were recorded, by stripe. A stripe is allocated when it is first recorded into.
pub(super) struct Durations {
    stripes: Box<[OnceLock<AtomicHistogram>]>,
}

impl Durations {
    pub(super) fn new() -> Self {
        Self { stripes: (0..*STRIPES).map(|_| OnceLock::new()).collect() }
    }

    /// Records a duration into the stripe of `thread`. Returns whether it had a bucket; if not, it
    /// stands in the last one.
    #[inline]
    pub(super) fn record(&self, thread: u64, nanos: u64) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose the stripe")]
        let at = thread as usize & (self.stripes.len() - 1);
        let stripe = self.stripes[at].get_or_init(|| AtomicHistogram::with_config(&CONFIG));
        let fits = stripe.increment(nanos).is_ok();
        if !fits {
            // There is a last bucket, so this does not fail.
            let _in_range = stripe.increment(MAX_NANOS);
        }
        fits
    }

    /// Shows `see` the counts of each stripe, which it copies into `part` first.
    pub(super) fn each(&self, part: &mut Histogram, mut see: impl FnMut(&[u64])) {
        for stripe in self.stripes.iter().filter_map(OnceLock::get) {
            if stripe.load_into(part).is_ok() {
                see(part.as_slice());
            }
        }
    }
}

/// Room for the counts of one stripe.
pub(super) fn empty() -> Histogram {
    Histogram::with_config(&CONFIG)
}

/// The counts in a form that is small and quick to ask.
pub(super) fn condensed(counts: &Histogram) -> CumulativeROHistogram {
    CumulativeROHistogram::from(counts)
}

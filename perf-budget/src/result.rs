//! The format of measured results: one JSON file for each operation and round.
//!
//! Written by the [`harness`](crate::harness), read by the gate, and public so that any program can
//! write it. A file belongs to one run ([`Sample::run_id`]) and one fresh process
//! ([`Sample::round`]); what is inside one process is never taken for independent rounds.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use serde::{Deserialize, Serialize};

/// The version of this format; a reader refuses any other.
pub const SCHEMA: u32 = 1;

/// What one fresh process measured of one operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run that asked for it.
    pub run_id: String,
    /// The operation.
    pub operation: String,
    /// Which fresh process of the run this was, from 0.
    pub round: u32,
    /// What was measured.
    pub measurement: Measurement,
    /// The fingerprint of the machine that measured.
    pub machine: String,
    /// What else the machine did meanwhile.
    pub conditions: Conditions,
}

/// A measurement of one process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Measurement {
    /// Back-to-back blocks of one operation.
    Timed(Timed),
    /// Two operations in short alternating blocks.
    Paired(Paired),
    /// An open-loop load.
    Load(Load),
    /// Heap traffic.
    Allocations(Allocations),
    /// Live bytes left behind.
    Growth(Growth),
}

/// Blocks of back-to-back operations.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timed {
    /// Threads that ran the operation at the same time.
    pub threads: u32,
    /// Operations in each block and thread.
    pub iterations: u64,
    /// Mean nanoseconds an operation, one entry a block.
    pub block_ns: Vec<f64>,
}

/// Quadruples of blocks in the order operation, peer, peer, operation, so that a drift that is
/// linear in time cancels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    /// The peer's name.
    pub peer: String,
    /// Threads that ran at the same time.
    pub threads: u32,
    /// Operations in each block and thread, the same for both sides.
    pub iterations: u64,
    /// Nanoseconds an operation of (operation, peer), one entry a quadruple.
    pub quads_ns: Vec<[f64; 2]>,
}

/// An open-loop load: operations start when they are due, and their latency counts from then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Operations a second that were to start.
    pub offered_per_s: f64,
    /// How long, in nanoseconds.
    pub duration_ns: f64,
    /// Operations a second that were completed.
    pub achieved_per_s: f64,
    /// Operations that start together and are timed as one.
    pub batch: u64,
    /// Mean nanoseconds of one operation back to back, measured before the load.
    pub operation_ns: f64,
    /// Nanoseconds of one reading of the clock.
    pub clock_ns: f64,
    /// Operations that succeeded.
    pub succeeded: u64,
    /// Operations that failed.
    pub failed: u64,
    /// Latency of each batch in nanoseconds: `HdrHistogram` V2, base64.
    pub histogram: EncodedHistogram,
}

/// Heap traffic of a number of operations, counted exactly.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocations {
    /// Operations that were counted.
    pub operations: u64,
    /// Allocations and reallocations.
    pub allocations: u64,
    /// Bytes asked for.
    pub bytes: u64,
}

/// Live bytes at two quiescent points.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// Operations before the first point.
    pub warm_up: u64,
    /// Operations between the points.
    pub operations: u64,
    /// Live bytes at the first point.
    pub live_bytes_before: i64,
    /// Live bytes at the second point.
    pub live_bytes_after: i64,
}

/// What else the machine did while a process measured. Zero where the platform does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Load average of the last minute, at the start.
    pub load_average: f64,
    /// Share of processor time that a hypervisor took away.
    pub steal: f64,
    /// Wall time of the measurement, in nanoseconds.
    pub elapsed_ns: f64,
}

/// A latency histogram in `HdrHistogram`'s V2 encoding, base64 as its own log format has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EncodedHistogram(String);

/// Why an [`EncodedHistogram`] could not be made or read.
#[derive(Debug)]
pub struct HistogramError(String);

impl EncodedHistogram {
    /// Encodes `histogram`.
    ///
    /// # Errors
    /// If it is too large for the encoding.
    pub fn encode(histogram: &Histogram<u64>) -> Result<Self, HistogramError> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(histogram, &mut bytes)
            .map_err(|error| HistogramError(error.to_string()))?;
        Ok(Self(BASE64.encode(&bytes)))
    }

    /// Decodes the histogram.
    ///
    /// # Errors
    /// If the text is no base64 or its bytes are no V2 histogram.
    pub fn decode(&self) -> Result<Histogram<u64>, HistogramError> {
        let bytes = BASE64.decode(&self.0).map_err(|error| HistogramError(error.to_string()))?;
        Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| HistogramError(error.to_string()))
    }
}

impl fmt::Debug for EncodedHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedHistogram({} characters)", self.0.len())
    }
}

impl fmt::Display for HistogramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unreadable latency histogram: {}", self.0)
    }
}

impl std::error::Error for HistogramError {}

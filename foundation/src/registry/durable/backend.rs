//! Where records are kept.

use std::collections::BTreeMap;
use std::error::Error;

use async_trait::async_trait;

use super::super::{Metadata, Name};
use crate::sync::{Mutex, lock};

/// How many names may be on record: held ones and recovered ones together.
pub const MAX_RECORDS: usize = 16_777_216;

/// What a backend says when it fails.
pub type BackendError = Box<dyn Error + Send + Sync>;

/// A registration as it stands on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name.
    pub name: Name,
    /// Tells registrations of the name apart. Of 62 random bits at each opening, and counted from
    /// there: not used twice.
    pub version: u64,
    /// What the registration says about itself.
    pub metadata: Metadata,
}

/// One change of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// This record replaces the one of the same name, if there is one.
    Put(Record),
    /// The record of this name goes if it has this version; otherwise nothing happens.
    Delete {
        /// The name.
        name: Name,
        /// The version that is meant.
        version: u64,
    },
    /// This record takes the place of the one of its name if that has this version; otherwise
    /// nothing happens.
    Replace {
        /// The version that is meant.
        version: u64,
        /// What stands there then.
        record: Record,
    },
}

/// Keeps records for a [`DurableRegistry`](super::DurableRegistry): one a name, for one registry at
/// a time.
///
/// Its methods may be slow and may fail; no reader waits for them. Their futures may be dropped at
/// any time. They are called by any number of tasks at once.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Every record.
    async fn load(&self) -> Result<Vec<Record>, BackendError>;

    /// Makes the changes, in this order, all or none. Returns when they are durable. After an error,
    /// or if the future was dropped, they may or may not have been made; but they must not be made
    /// after those of a later call.
    async fn write(&self, writes: Vec<Write>) -> Result<(), BackendError>;
}

/// Records in memory: for tests, and for handing a registry over within a process.
#[derive(Debug, Default)]
pub struct MemoryBackend(Mutex<BTreeMap<Name, Record>>);

#[async_trait]
impl Backend for MemoryBackend {
    async fn load(&self) -> Result<Vec<Record>, BackendError> {
        Ok(lock(&self.0).values().cloned().collect())
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), BackendError> {
        let mut records = lock(&self.0);
        for write in writes {
            match write {
                Write::Put(record) => drop(records.insert(record.name.clone(), record)),
                Write::Delete { name, version } => {
                    if records.get(&name).is_some_and(|record| record.version == version) {
                        records.remove(&name);
                    }
                }
                Write::Replace { version, record } => {
                    if let Some(there) = records.get_mut(&record.name)
                        && there.version == version
                    {
                        *there = record;
                    }
                }
            }
        }
        Ok(())
    }
}

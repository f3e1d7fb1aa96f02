//! The bounds of a pool and the rules they are checked by.

use std::time::Duration;

use thiserror::Error;

/// The most that [`PoolSettings::size`] and [`PoolSettings::max_overflow`] may add up to. Room for
/// the list of idle connections is reserved when the pool is made.
pub const MAX_CONNECTIONS: usize = 65_536;

/// The most that [`PoolSettings::connect_attempts`] may be.
pub const MAX_CONNECT_ATTEMPTS: usize = 100;

/// The least that a duration in [`PoolSettings`] may be: the grain of the timer.
pub const MIN_DURATION: Duration = Duration::from_millis(1);

/// The bounds of a pool.
///
/// ```
/// use foundation::pool::{PoolSettings, SettingsError};
///
/// let settings = PoolSettings { size: 0, ..PoolSettings::default() };
/// assert_eq!(
///     settings.validate(),
///     Err(SettingsError::TooSmall { field: "size", value: 0, limit: 1 }),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// So many connections stay open once they were made, 1 at least. Default: 10.
    pub size: usize,
    /// So many more may be open at a time. They are closed as soon as nobody waits for them: they
    /// take a peak, while load that stays above `size` makes a connection for every call. Default: 0.
    pub max_overflow: usize,
    /// So many callers may wait for a connection at a time; the next one is refused. Default: 1,024.
    pub max_waiting: usize,
    /// How long [`Pool::get`](super::Pool::get) waits, connects and checks, all in all. Zero takes
    /// what is ready, or fails at the timer's next tick. Default: 5 s.
    pub get_timeout: Duration,
    /// How long one check may take before the connection counts as dead, so that a silent peer does
    /// not use up the caller's whole time. At least [`MIN_DURATION`]. Default: 1 s.
    pub check_timeout: Duration,
    /// How often one `get` tries to connect, 1 to [`MAX_CONNECT_ATTEMPTS`]. There is no pause
    /// between the attempts: more than a few only add load to a server that is down. Default: 1.
    pub connect_attempts: usize,
    /// A connection this old is closed instead of handed out. One in use is not cut off. At least
    /// [`MIN_DURATION`]. Default: 30 min.
    pub max_lifetime: Option<Duration>,
    /// A connection that was idle for so long is closed instead of handed out. At least
    /// [`MIN_DURATION`]. Default: 10 min.
    pub idle_timeout: Option<Duration>,
    /// Which idle connection is handed out. Default: [`Reuse::Newest`].
    pub reuse: Reuse,
}

/// Which of several idle connections is handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// The one that was given back last: warm caches, and the others grow old enough for
    /// [`PoolSettings::idle_timeout`].
    #[default]
    Newest,
    /// The one that was given back first: all are used alike.
    Oldest,
}

/// Which setting is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// A number is too small.
    #[error("the pool's `{field}` is {value}, the least is {limit}")]
    TooSmall {
        /// The field of [`PoolSettings`].
        field: &'static str,
        /// Its value.
        value: usize,
        /// The least that is allowed.
        limit: usize,
    },
    /// A number is too large.
    #[error("the pool's `{field}` is {value}, the most is {limit}")]
    TooLarge {
        /// The field of [`PoolSettings`], or the sum of two.
        field: &'static str,
        /// Its value.
        value: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// A duration is too short.
    #[error("the pool's `{field}` is {value:?}, the least is {limit:?}")]
    TooShort {
        /// The field of [`PoolSettings`].
        field: &'static str,
        /// Its value.
        value: Duration,
        /// The least that is allowed.
        limit: Duration,
    },
}

impl PoolSettings {
    /// Checks every bound; [`Pool::new`](super::Pool::new) does it too.
    pub fn validate(&self) -> Result<(), SettingsError> {
        within("size", self.size, 1, MAX_CONNECTIONS)?;
        within("size + max_overflow", self.max_connections(), 1, MAX_CONNECTIONS)?;
        within("connect_attempts", self.connect_attempts, 1, MAX_CONNECT_ATTEMPTS)?;
        long_enough("check_timeout", Some(self.check_timeout))?;
        long_enough("max_lifetime", self.max_lifetime)?;
        long_enough("idle_timeout", self.idle_timeout)
    }

    /// The most connections that are open at a time.
    pub(super) fn max_connections(&self) -> usize {
        self.size.saturating_add(self.max_overflow)
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            size: 10,
            max_overflow: 0,
            max_waiting: 1024,
            get_timeout: Duration::from_secs(5),
            check_timeout: Duration::from_secs(1),
            connect_attempts: 1,
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            reuse: Reuse::default(),
        }
    }
}

fn within(
    field: &'static str,
    value: usize,
    least: usize,
    most: usize,
) -> Result<(), SettingsError> {
    if value < least {
        return Err(SettingsError::TooSmall { field, value, limit: least });
    }
    if value > most {
        return Err(SettingsError::TooLarge { field, value, limit: most });
    }
    Ok(())
}

fn long_enough(field: &'static str, value: Option<Duration>) -> Result<(), SettingsError> {
    match value {
        Some(value) if value < MIN_DURATION => {
            Err(SettingsError::TooShort { field, value, limit: MIN_DURATION })
        }
        _ => Ok(()),
    }
}

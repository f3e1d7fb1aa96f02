//! Accounts: who is charged, and the scopes in which.
//!
//! Owns the handles of accounts. Promises that figures read here are exact once no scope of the
//! account is open on another thread, that an account is ended by its last handle and nothing else,
//! and that what is freed after that disturbs no other account.

use std::fmt;
use std::hint::black_box;
use std::ptr;
use std::sync::LazyLock;

use thiserror::Error;

use super::books::Books;
use super::ledger::{self, Switch};
use super::table::Table;
use super::track::Tracked;

/// At most this many accounts at a time: those with a handle and those that have ended while blocks
/// are charged to them. The books of an account take 64 bytes.
pub const MAX_ACCOUNTS: usize = 1 << 21;

static TABLE: Table = Table::new(MAX_ACCOUNTS);

/// An account that allocations are charged to. Clones are the same account; it ends with the last
/// one. Blocks that are charged to an ended account stay charged to it and to nobody else.
///
/// Figures are in bytes as the program asked for them, without the allocator's own overhead. They
/// are `None` if the program's allocator is not an [`Accounting`](super::Accounting): then nothing
/// is counted, and all else works.
///
/// They are exact but for what threads that are in a scope of the account at the moment have not
/// posted yet: less than 64 KiB of live bytes for each other such thread, in either direction.
/// Bytes and blocks are read one after the other, so they need not be of the same moment.
///
/// Cloning and dropping a handle are one atomic operation each; making an account and ending one
/// take one short lock, and once in 1,024 accounts 64 KiB of memory.
pub struct Account {
    /// Open for this account: the handle counts in it.
    books: &'static Books,
}

/// Charges the current thread's allocations to an account until it is dropped. From
/// [`Account::scope`].
///
/// Scopes end in the reverse order in which they began. If one ends before a scope that began
/// within it, all that are open on the thread are over.
#[must_use = "the scope ends when this is dropped"]
pub struct Scope {
    /// Dropped first: while it is open, the account needs a handle.
    _switch: Switch,
    account: Account,
}

/// There are as many accounts as there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there are {limit} accounts that are in use or have blocks charged to them, the limit")]
pub struct TooManyAccounts {
    /// [`MAX_ACCOUNTS`].
    pub limit: usize,
}

impl Account {
    /// A new account that nothing is charged to.
    ///
    /// Fails if there are [`MAX_ACCOUNTS`]. At the limit it looks at all ended accounts for one
    /// whose blocks are all freed, otherwise at four.
    pub fn new() -> Result<Self, TooManyAccounts> {
        let books = unaccounted(|| TABLE.open()).ok_or(TooManyAccounts { limit: MAX_ACCOUNTS })?;
        Ok(Self { books })
    }

    /// The account that the current thread charges, if it is in a scope of one: for handing it on
    /// to a thread or a task that works for the same account.
    pub fn current() -> Option<Self> {
        let books = ledger::current()?;
        // The open scope's owner has a handle.
        books.hold();
        Some(Self { books })
    }

    /// Charges what `work` allocates on this thread to this account.
    ///
    /// The account of before is charged again afterwards, also after a panic. Costs a few
    /// thread-local words and, if anything was allocated or freed, up to four atomic operations.
    #[inline]
    pub fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        // `self` is borrowed until the end, so the account keeps a handle.
        let _scope = Switch::to(Some(self.books));
        work()
    }

    /// Charges what this thread allocates to this account until the scope is dropped, for where a
    /// closure does not fit. Keeps a handle of the account.
    pub fn scope(&self) -> Scope {
        Scope { _switch: Switch::to(Some(self.books)), account: self.clone() }
    }

    /// Charges what `future` allocates in its polls and in its destructor to this account,
    /// whichever threads they run on.
    pub fn track_future<F: Future>(&self, future: F) -> Tracked<F> {
        Tracked::new(self.clone(), future)
    }

    /// Bytes that are allocated now.
    pub fn live(&self) -> Option<u64> {
        self.figure(Books::live_bytes)
    }

    /// Blocks that are allocated now.
    pub fn count(&self) -> Option<u64> {
        self.figure(Books::live_blocks)
    }

    /// The most bytes that were allocated at a time since the account was made or the last
    /// [`reset_peak`](Self::reset_peak).
    ///
    /// Exact while all that the account allocates and frees happens on one thread at a time.
    /// Otherwise it can miss less than 64 KiB for each other thread, as [`live`](Self::live) does.
    pub fn peak(&self) -> Option<u64> {
        self.figure(Books::peak_bytes)
    }

    /// Bytes allocated since the account was made, freed ones included: the size of each new block
    /// and what blocks grew by. Wraps at 2^64.
    pub fn allocated(&self) -> Option<u64> {
        self.figure(Books::allocated_bytes)
    }

    /// Lets [`peak`](Self::peak) begin anew at what is live now.
    pub fn reset_peak(&self) {
        ledger::post(self.books);
        self.books.reset_peak();
    }

    fn figure(&self, read: impl FnOnce(&Books) -> u64) -> Option<u64> {
        ledger::post(self.books);
        installed().then(|| read(self.books))
    }
}

impl Clone for Account {
    fn clone(&self) -> Self {
        self.books.hold();
        Self { books: self.books }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.books.let_go() {
            unaccounted(|| TABLE.retire(self.books));
        }
    }
}

/// Whether two handles are of the same account.
impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.books, other.books)
    }
}

impl Eq for Account {}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("live", &self.live())
            .field("count", &self.count())
            .field("peak", &self.peak())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.account).finish()
    }
}

/// Charges what `work` allocates on this thread to nobody: for what an account's work happens to
/// bring about but all share, such as the growth of a common table.
#[inline]
pub fn unaccounted<R>(work: impl FnOnce() -> R) -> R {
    let _scope = Switch::to(None);
    work()
}

/// Whether the program's allocator is an [`Accounting`](super::Accounting), or passes its calls on
/// to one. Found out by one allocation, the first time.
pub fn installed() -> bool {
    static PROBE: LazyLock<Books> = LazyLock::new(Books::new);
    static INSTALLED: LazyLock<bool> = LazyLock::new(|| {
        let scope = Switch::to(Some(&PROBE));
        drop(black_box(Box::new(0_u8)));
        drop(scope);
        PROBE.allocated_bytes() > 0
    });
    *INSTALLED
}

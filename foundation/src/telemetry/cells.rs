//! Counting without a locked instruction: each thread adds to words of its own, a reader sums them.
//!
//! Owns the process's cells. Promises that what was added is read exactly once: the words of a
//! thread that ends are folded into the common ones, so that a million short threads leave neither
//! memory nor a gap; and that what one thread reads of a cell never goes back. A cell that is given
//! back is used again, from zero. Leaves names to others.
//!
//! An addition by a living thread is a plain load and a plain store. It allocates only when the
//! thread uses a range of cells for the first time: a thread's words grow by doubling, from 512
//! bytes to 512 KiB should the process hold all [`MAX_CELLS`]. A read takes the process's one lock
//! and one step a thread.
//!
//! # Orderings
//!
//! A word has one writer at a time. In a thread's block that is the thread: it loads what it stored
//! itself, so nobody else's store can come between, and `Relaxed` is enough for both. The common
//! words are written under the lock only. Words come into being under the lock too.
//!
//! A thread that ends folds its words and leaves the list in one turn of the lock, and a reader sums
//! in one turn: it finds a thread's share either in its block or in the common words, never in both
//! and never in neither. Two reads by one thread, or by two of which the second knows of the first,
//! are ordered by the lock; coherence of each word, which only grows, does the rest.
//!
//! A cell is given back when its last owner is dropped. Each user's additions happen before it drops
//! its share of the ownership, and that happens before the lock's turn in which the cell is given
//! out again; so the sum taken in that turn, from which the next user counts, has all of them.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use crate::sync::{Arc, AtomicU64, Mutex, Ordering, lock};

#[cfg(all(test, not(foundation_loom)))]
mod laws;
#[cfg(all(test, foundation_loom))]
mod models;

/// The words of the first chunk of a block; each further chunk has twice as many.
const FIRST: usize = if cfg!(foundation_loom) { 1 } else { 64 };

/// The chunks of a block.
const CHUNKS: usize = if cfg!(foundation_loom) { 2 } else { 10 };

/// How many cells there can be in a process at a time: 65,472.
pub(super) const MAX_CELLS: usize = FIRST * ((1 << CHUNKS) - 1);

/// The cells of this process.
static PROCESS: LazyLock<Arc<Cells>> = LazyLock::new(|| Arc::new(Cells::new()));

thread_local! {
    /// This thread's place among those that count. Its destructor folds what it counted.
    static SEAT: OnceCell<Seat> = const { OnceCell::new() };
}

/// A number that any thread adds to. Given back when dropped.
pub(super) struct Cell {
    cells: Arc<Cells>,
    place: Place,
    /// What stood in the words when this cell was given out.
    base: u64,
}

/// A thread's words. Only the thread that took the seat adds by it.
pub(super) struct Seat {
    cells: Arc<Cells>,
    block: Arc<Block>,
    number: u64,
}

/// A set of cells and the threads that count in it.
pub(super) struct Cells {
    state: Mutex<State>,
}

struct State {
    /// The blocks of living threads, by their number.
    threads: BTreeMap<u64, Arc<Block>>,
    /// How many threads there ever were.
    seated: u64,
    /// What threads that ended have counted. Written under the lock only.
    common: Block,
    /// How many places were ever given out.
    used: usize,
    /// Places that were given back.
    free: Vec<Place>,
}

/// Words, in chunks that come into being under the lock, once they are needed.
struct Block {
    chunks: [OnceLock<Box<[Word]>>; CHUNKS],
}

/// One word: one writer at a time, see the module's page.
struct Word(AtomicU64);

/// Where a cell's word stands in every block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    chunk: usize,
    offset: usize,
}

/// Does `act` with this thread's seat, or with none while the thread's storage is taken down.
#[inline]
pub(super) fn seated<R>(act: impl Fn(Option<&Seat>) -> R) -> R {
    let act = &act;
    SEAT.try_with(|seat| act(Some(seat.get_or_init(|| Seat::take(&PROCESS)))))
        .unwrap_or_else(|_| act(None))
}

impl Cell {
    /// A cell of the process that stands at zero, if there is one left.
    pub(super) fn new() -> Option<Self> {
        Self::of(&PROCESS)
    }

    fn of(cells: &Arc<Cells>) -> Option<Self> {
        let mut state = lock(&cells.state);
        let place = state.free.pop().or_else(|| state.fresh())?;
        let base = state.sum(place);
        drop(state);
        Some(Self { cells: Arc::clone(cells), place, base })
    }

    /// Adds `by` and returns what stood in this thread's word.
    #[inline]
    pub(super) fn add(&self, seat: Option<&Seat>, by: u64) -> u64 {
        match seat.and_then(|seat| seat.block.word(self.place)) {
            Some(word) => word.add(by),
            None => self.add_slowly(seat, by),
        }
    }

    /// The first addition to a chunk, or one by a thread that has left its seat.
    #[cold]
    fn add_slowly(&self, seat: Option<&Seat>, by: u64) -> u64 {
        let state = lock(&self.cells.state);
        let block = seat.map_or(&state.common, |seat| &*seat.block);
        block.word_or_new(self.place).add(by)
    }

    /// What was added to this cell by everyone.
    pub(super) fn get(&self) -> u64 {
        let [sum] = Self::read([self]);
        sum
    }

    /// What was added to each of `cells`, which belong together, in one turn of the lock.
    pub(super) fn read<const N: usize>(cells: [&Self; N]) -> [u64; N] {
        let Some(first) = cells.first() else { return [0; N] };
        let state = lock(&first.cells.state);
        cells.map(|cell| state.sum(cell.place).wrapping_sub(cell.base))
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        lock(&self.cells.state).free.push(self.place);
    }
}

impl Seat {
    fn take(cells: &Arc<Cells>) -> Self {
        let block = Arc::new(Block::new());
        let mut state = lock(&cells.state);
        let number = state.seated;
        state.seated += 1;
        state.threads.insert(number, Arc::clone(&block));
        drop(state);
        Self { cells: Arc::clone(cells), block, number }
    }

    /// The number of this thread among all that ever counted.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = lock(&self.cells.state);
        state.threads.remove(&self.number);
        state.common.take_over(&self.block);
    }
}

impl Cells {
    fn new() -> Self {
        let state = State {
            threads: BTreeMap::new(),
            seated: 0,
            common: Block::new(),
            used: 0,
            free: Vec::new(),
        };
        Self { state: Mutex::new(state) }
    }
}

impl State {
    fn fresh(&mut self) -> Option<Place> {
        let place = (self.used < MAX_CELLS).then(|| Place::of(self.used))?;
        self.used += 1;
        Some(place)
    }

    fn sum(&self, place: Place) -> u64 {
        let own = self.threads.values().map(|block| block.get(place));
        own.fold(self.common.get(place), u64::wrapping_add)
    }
}

impl Block {
    fn new() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS] }
    }

    #[inline]
    fn word(&self, place: Place) -> Option<&Word> {
        self.chunks.get(place.chunk)?.get()?.get(place.offset)
    }

    /// The word at `place`; makes its chunk. Under the lock.
    fn word_or_new(&self, place: Place) -> &Word {
        let words = || (0..FIRST << place.chunk).map(|_| Word(AtomicU64::new(0))).collect();
        &self.chunks[place.chunk].get_or_init(words)[place.offset]
    }

    fn get(&self, place: Place) -> u64 {
        self.word(place).map_or(0, Word::get)
    }

    /// Adds all words of `other`, whose writer is gone or here. Under the lock.
    fn take_over(&self, other: &Self) {
        for (chunk, words) in other.chunks.iter().enumerate() {
            for (offset, word) in words.get().into_iter().flatten().enumerate() {
                if word.get() != 0 {
                    self.word_or_new(Place { chunk, offset }).add(word.get());
                }
            }
        }
    }
}

impl Word {
    /// Adds and returns what stood there. For the one writer.
    #[inline]
    fn add(&self, by: u64) -> u64 {
        let before = self.get();
        self.0.store(before.wrapping_add(by), Ordering::Relaxed);
        before
    }

    #[inline]
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Place {
    /// Chunk `c` holds the numbers from `FIRST * (2^c - 1)` on.
    fn of(number: usize) -> Self {
        let chunk = (number / FIRST + 1).ilog2() as usize;
        Self { chunk, offset: number - FIRST * ((1 << chunk) - 1) }
    }
}

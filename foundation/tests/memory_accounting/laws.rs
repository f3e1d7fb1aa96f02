//! Who is charged for what, whichever allocator is below.
#![expect(clippy::unwrap_used, reason = "for tests")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use foundation::memory::{Account, installed, unaccounted};
use proptest::collection::vec;
use proptest::prelude::*;

/// Who does a step: which thread, in whose scope.
#[derive(Clone, Copy, Debug)]
struct By {
    other_thread: bool,
    /// An account, or none.
    account: Option<usize>,
}

#[derive(Clone, Debug)]
enum Step {
    Allocate(By, usize),
    AllocateZeroed(By, usize),
    Grow(By, usize, usize),
    Shrink(By, usize, usize),
    Free(By, usize),
    /// Another account takes the place of this one, whose blocks live on.
    Replace(usize),
    ResetPeak(usize),
}

const ACCOUNTS: usize = 3;

fn by() -> impl Strategy<Value = By> {
    let account = prop_oneof![1 => Just(None), 3 => (0..ACCOUNTS).prop_map(Some)];
    (any::<bool>(), account).prop_map(|(other_thread, account)| By { other_thread, account })
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 1_usize..300, 1 => 300_usize..200_000]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (by(), size()).prop_map(|(by, size)| Step::Allocate(by, size)),
        2 => (by(), size()).prop_map(|(by, size)| Step::AllocateZeroed(by, size)),
        2 => (by(), 0_usize..8, size()).prop_map(|(by, at, more)| Step::Grow(by, at, more)),
        2 => (by(), 0_usize..8, size()).prop_map(|(by, at, to)| Step::Shrink(by, at, to)),
        4 => (by(), 0_usize..8).prop_map(|(by, at)| Step::Free(by, at)),
        1 => (0..ACCOUNTS).prop_map(Step::Replace),
        1 => (0..ACCOUNTS).prop_map(Step::ResetPeak),
    ]
}

/// What an account's figures must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Figures {
    live: u64,
    count: u64,
    peak: u64,
    allocated: u64,
}

impl Figures {
    fn of(account: &Account) -> Self {
        Self {
            live: account.live().unwrap(),
            count: account.count().unwrap(),
            peak: account.peak().unwrap(),
            allocated: account.allocated().unwrap(),
        }
    }

    fn resize(&mut self, from: usize, to: usize) {
        self.live = self.live - from as u64 + to as u64;
        self.peak = self.peak.max(self.live);
        self.allocated += to.saturating_sub(from) as u64;
    }
}

/// A block, and which of the accounts it is charged to.
struct Block {
    bytes: Vec<u8>,
    owner: Option<usize>,
}

struct World {
    /// The accounts that are in use; `None` stands for one that was replaced.
    accounts: Vec<Option<Account>>,
    model: Vec<Figures>,
    /// Which of `accounts` the steps call 0, 1 and 2.
    present: [usize; ACCOUNTS],
    blocks: Vec<Block>,
}

impl World {
    fn new() -> Self {
        let accounts = (0..ACCOUNTS).map(|_| Some(Account::new().unwrap())).collect();
        let model = vec![Figures::default(); ACCOUNTS];
        Self { accounts, model, present: [0, 1, 2], blocks: Vec::new() }
    }

    /// Does `work` as `by` says.
    fn act<R: Send>(&self, by: By, work: impl FnOnce() -> R + Send) -> R {
        let account = by.account.and_then(|at| self.accounts[self.present[at]].as_ref());
        let act = || match account {
            Some(account) => account.enter(work),
            None => work(),
        };
        if by.other_thread {
            thread::scope(|scope| scope.spawn(act).join().unwrap())
        } else {
            act()
        }
    }

    fn keep(&mut self, by: By, bytes: Vec<u8>) {
        let owner = by.account.map(|at| self.present[at]);
        if let Some(owner) = owner {
            self.model[owner].resize(0, bytes.capacity());
            self.model[owner].count += 1;
        }
        self.blocks.push(Block { bytes, owner });
    }

    /// Lets `work` change the capacity of a block.
    fn resize(&mut self, by: By, at: usize, work: impl FnOnce(&mut Vec<u8>) + Send) {
        if at >= self.blocks.len() {
            return;
        }
        let mut block = self.blocks.swap_remove(at);
        let from = block.bytes.capacity();
        let expected = block.bytes.clone();
        let bytes = &mut block.bytes;
        self.act(by, move || work(bytes));
        let kept = block.bytes.len().min(expected.len());
        assert_eq!(block.bytes[..kept], expected[..kept]);
        if let Some(owner) = block.owner {
            self.model[owner].resize(from, block.bytes.capacity());
        }
        self.blocks.push(block);
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Allocate(by, size) => {
                let mut bytes = self.act(by, || Vec::with_capacity(size));
                bytes.extend((0..=u8::MAX).cycle().take(size));
                self.keep(by, bytes);
            }
            Step::AllocateZeroed(by, size) => {
                let mut bytes = self.act(by, || black_box(vec![0_u8; size]));
                assert!(bytes.iter().all(|byte| *byte == 0));
                bytes.fill(7);
                self.keep(by, bytes);
            }
            Step::Grow(by, at, more) => {
                self.resize(by, at, |bytes| bytes.reserve_exact(bytes.capacity() + more));
            }
            Step::Shrink(by, at, to) => self.resize(by, at, |bytes| {
                bytes.truncate(to);
                bytes.shrink_to_fit();
            }),
            Step::Free(by, at) => {
                if at < self.blocks.len() {
                    let block = self.blocks.swap_remove(at);
                    if let Some(owner) = block.owner {
                        self.model[owner].resize(block.bytes.capacity(), 0);
                        self.model[owner].count -= 1;
                    }
                    self.act(by, move || drop(block));
                }
            }
            Step::Replace(which) => {
                let replaced = self.present[which];
                self.present[which] = self.accounts.len();
                self.accounts.push(Some(Account::new().unwrap()));
                self.accounts[replaced] = None;
                self.model.push(Figures::default());
            }
            Step::ResetPeak(which) => {
                let at = self.present[which];
                if let Some(account) = &self.accounts[at] {
                    account.reset_peak();
                }
                self.model[at].peak = self.model[at].live;
            }
        }
    }

    /// The figures of the accounts that are in use, and what the model says they are.
    fn check(&self) -> Result<(), TestCaseError> {
        for (account, model) in self.accounts.iter().zip(&self.model) {
            if let Some(account) = account {
                prop_assert_eq!(Figures::of(account), *model);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_books_equal_a_model_after_each_step(steps in vec(step(), 0..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(&step);
            world.check()?;
        }
        world.blocks.clear();
        for account in world.accounts.iter().flatten() {
            prop_assert_eq!((account.live(), account.count()), (Some(0), Some(0)));
        }
    }
}

#[test]
fn the_allocator_is_found() {
    assert!(installed());
}

#[test]
fn a_producer_whose_strings_others_drop_does_not_grow_nor_do_they_shrink() {
    const STRINGS: usize = 20_000;
    let (producer, consumer) = (Account::new().unwrap(), Account::new().unwrap());
    let (sender, receiver) = mpsc::sync_channel::<String>(64);
    thread::scope(|scope| {
        let producing = &producer;
        scope.spawn(move || {
            for number in 0..STRINGS {
                let string = producing.enter(|| format!("{number:07}"));
                sender.send(string).unwrap();
            }
        });
        // Some in its own scope, some in none; what it keeps of them is its own.
        let mut kept = Vec::new();
        for (number, string) in receiver.into_iter().enumerate() {
            if number % 3 == 0 {
                consumer.enter(|| drop(string));
            } else if number % 1000 == 1 {
                kept.push(consumer.enter(|| Box::new(string.len())));
            }
        }
        let boxes = kept.len() as u64;
        assert_eq!((consumer.live(), consumer.count()), (Some(boxes * 8), Some(boxes)));
    });
    assert_eq!((producer.live(), producer.count()), (Some(0), Some(0)));
    assert_eq!((consumer.live(), consumer.count()), (Some(0), Some(0)));
    // `format!` allocates and may grow: seven bytes at least each.
    assert!(producer.allocated().unwrap() >= 7 * STRINGS as u64);
}

#[test]
fn threads_that_share_accounts_and_swap_blocks_leave_exact_books() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 3000;
    let accounts: Vec<Account> = (0..THREADS).map(|_| Account::new().unwrap()).collect();
    let mut ends: VecDeque<_> = (0..THREADS).map(|_| mpsc::channel::<Vec<u8>>()).collect();
    let senders: Vec<_> = ends.iter().map(|(sender, _)| sender.clone()).collect();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let accounts = &accounts;
            let to_next = senders[(thread + 1) % THREADS].clone();
            let (_, from_last) = ends.pop_front().unwrap();
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let size = 1 + (round * 37 + thread) % 400;
                    let account = &accounts[(thread + round) % THREADS];
                    let other = &accounts[round % THREADS];
                    account.enter(|| {
                        let bytes = Vec::with_capacity(size);
                        unaccounted(|| to_next.send(bytes).unwrap());
                        let mut received = unaccounted(|| from_last.recv().unwrap());
                        other.enter(|| received.reserve_exact(received.capacity() + 1));
                        drop(received);
                    });
                }
            });
        }
    });
    for account in &accounts {
        assert_eq!((account.live(), account.count()), (Some(0), Some(0)));
    }
}

/// Allocates, grows, shrinks and moves vectors of a type with the alignment `$align`.
macro_rules! aligned {
    ($account:expr, $($align:literal)*) => {$({
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[repr(align($align))]
        struct Aligned(u8);

        let size = size_of::<Aligned>() as u64;
        assert_eq!(size, $align);
        let before = $account.live().unwrap();
        let mut few: Vec<Aligned> = $account.enter(|| Vec::with_capacity(3));
        few.extend([Aligned(1), Aligned(2), Aligned(3)]);
        assert!(few.as_ptr().is_aligned());
        assert_eq!($account.live().unwrap() - before, 3 * size);
        few.reserve_exact(100);
        assert!(few.as_ptr().is_aligned());
        assert_eq!($account.live().unwrap() - before, few.capacity() as u64 * size);
        few.push(Aligned(4));
        let mut few = thread::scope(|scope| {
            scope.spawn(move || { few.shrink_to_fit(); few }).join().unwrap()
        });
        assert!(few.as_ptr().is_aligned());
        assert_eq!(few, [Aligned(1), Aligned(2), Aligned(3), Aligned(4)]);
        few.truncate(1);
        few.shrink_to_fit();
        assert_eq!($account.live().unwrap() - before, size);
        drop(few);
        assert_eq!($account.live().unwrap(), before);
    })*};
}

#[test]
fn every_alignment_is_kept_and_counted_without_overhead() {
    let account = Account::new().unwrap();
    aligned!(account, 1 2 4 8 16 32 64 128 256 512 1024 2048 4096);
    assert_eq!(account.count(), Some(0));
}

#[test]
#[cfg_attr(miri, ignore = "Miri ends where an allocation can't succeed")]
fn a_block_that_can_not_exist_is_refused_and_not_charged() {
    let account = Account::new().unwrap();
    account.enter(|| {
        for bytes in [isize::MAX.cast_unsigned(), isize::MAX.cast_unsigned() - 8] {
            let mut none: Vec<u8> = Vec::new();
            assert!(none.try_reserve_exact(bytes).is_err());
            let mut some = vec![1_u8; 10];
            assert!(some.try_reserve_exact(bytes - 10).is_err());
            assert_eq!(some, [1; 10]);
        }
    });
    assert_eq!((account.live(), account.count(), account.peak()), (Some(0), Some(0), Some(10)));
    assert_eq!(account.allocated(), Some(20));
}

#[test]
fn an_account_that_ends_keeps_its_blocks_out_of_the_books_of_others() {
    let ended = Account::new().unwrap();
    let left_behind: Vec<Box<u64>> = ended.enter(|| (0..100).map(Box::new).collect());
    drop(ended);
    let many = if cfg!(miri) { 10 } else { 5000 };
    let others: Vec<Account> = (0..many).map(|_| Account::new().unwrap()).collect();
    assert!(others.iter().all(|other| other.live() == Some(0)));
    // Freed both outside of all scopes and by another account.
    let mut left_behind = left_behind.into_iter();
    others[0].enter(|| drop(left_behind.next_back()));
    drop(left_behind);
    assert!(others.iter().all(|other| other.live() == Some(0) && other.count() == Some(0)));
}

#[test]
fn a_hundred_thousand_accounts_are_told_apart() {
    const ACCOUNTS: usize = 100_000;
    let accounts: Vec<Account> = (0..ACCOUNTS).map(|_| Account::new().unwrap()).collect();
    let size = |at: usize| 1 + at % 50;
    let held: Vec<Vec<u8>> = accounts
        .iter()
        .enumerate()
        .map(|(at, account)| account.enter(|| Vec::with_capacity(size(at))))
        .collect();
    let right = |(at, account): (usize, &Account)| account.live() == Some(size(at) as u64);
    assert!(accounts.iter().enumerate().all(right));
    drop(held);
    assert!(accounts.iter().all(|account| account.live() == Some(0)));
}

#[test]
fn a_scope_in_which_nobody_reads_ends_with_exact_figures() {
    let steps: u64 = if cfg!(miri) { 300 } else { 200_000 };
    for longest in [1, 40, 5000] {
        let account = Account::new().unwrap();
        let (mut live, mut peak, mut allocated) = (0_usize, 0_usize, 0_usize);
        let mut held: Vec<Vec<u8>> = Vec::with_capacity(200_000);
        let mut random = 0x9E37_79B9_7F4A_7C15_u64 + longest as u64;
        let mut below = |bound: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random >> 33).unwrap() % bound
        };
        account.enter(|| {
            for step in 0..steps {
                // More are made than dropped in the first half, fewer in the second.
                let made = if step < steps / 2 { 6 } else { 2 };
                let before: usize = live;
                match below(10) {
                    dice if dice < made || held.is_empty() => {
                        held.push(Vec::with_capacity(1 + below(longest)));
                        live += held.last().unwrap().capacity();
                    }
                    dice if dice < 8 => live -= held.swap_remove(below(held.len())).capacity(),
                    _ => {
                        let at = below(held.len());
                        let (bytes, to) = (&mut held[at], 1 + below(longest));
                        live -= bytes.capacity();
                        if to < bytes.capacity() {
                            bytes.shrink_to(to);
                        } else {
                            bytes.reserve_exact(to);
                        }
                        live += bytes.capacity();
                    }
                }
                peak = peak.max(live);
                allocated += live.saturating_sub(before);
            }
        });
        assert_eq!((account.live(), account.count()), (Some(live as u64), Some(held.len() as u64)));
        assert_eq!(
            (account.peak(), account.allocated()),
            (Some(peak as u64), Some(allocated as u64))
        );
        account.enter(|| held.clear());
        assert_eq!((account.live(), account.count()), (Some(0), Some(0)));
    }
}

#[test]
fn while_a_scope_is_open_elsewhere_less_than_64_kib_are_missing() {
    const BYTES: u64 = 1000;
    const LIMIT: u64 = 64 * 1024;
    let account = Account::new().unwrap();
    let turn = Barrier::new(2);
    let mut seen = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            account.enter(|| {
                let mut held = unaccounted(|| Vec::with_capacity(1000));
                for _ in 0..1000 {
                    held.push(vec![1_u8; 1000]);
                    turn.wait();
                    turn.wait();
                }
                turn.wait();
                turn.wait();
                for one in held.drain(..) {
                    drop(one);
                    turn.wait();
                    turn.wait();
                }
            });
        });
        // Judged only once the other thread has ended, which waits for this one at each step.
        for held in 1..=1000 {
            turn.wait();
            seen.push((account.live().unwrap(), held * BYTES));
            turn.wait();
        }
        turn.wait();
        turn.wait();
        for held in (0..1000).rev() {
            turn.wait();
            seen.push((account.live().unwrap(), held * BYTES));
            turn.wait();
        }
    });
    let wrong_by = seen.iter().map(|(live, held)| live.abs_diff(*held));
    let most = wrong_by.max().unwrap();
    assert!(most < LIMIT, "wrong by {most} bytes");
    assert!(most > LIMIT / 2, "postings are more frequent than they need be");
    assert_eq!((account.live(), account.peak()), (Some(0), Some(1000 * BYTES)));
}

#[test]
fn a_shared_value_is_charged_to_who_made_it_until_the_last_owner_drops_it() {
    let (maker, user) = (Account::new().unwrap(), Account::new().unwrap());
    let shared = maker.enter(|| Arc::new([0_u8; 100]));
    let size = Some(100 + 2 * size_of::<usize>() as u64);
    // The counts in front are words, so 100 bytes are rounded up to a multiple of one.
    let rounded = size.map(|size| size.next_multiple_of(align_of::<usize>() as u64));
    let cloned = user.enter(|| Arc::clone(&shared));
    drop(shared);
    assert_eq!((maker.live(), user.live()), (rounded, Some(0)));
    user.enter(|| drop(cloned));
    assert_eq!((maker.live(), user.live()), (Some(0), Some(0)));
}

//! One piece of mail, which becomes one turn: a message, then the future that handles it, then the
//! answer, in one block of memory that the agent owns.
//!
//! Owns the life of such a block. Promises: the future stands where it was first polled until it is
//! dropped; the answer is given once; whatever panics, the block is freed. Leaves to the [cell] when
//! each of this happens.
//!
//! A piece of mail goes through three stages, each step by the holder of the agent's token:
//! *waiting* (payload) → first poll → *turn* (future) → a poll is ready → *done*. Dropping it in any
//! stage drops what is there and answers whoever waits. Where the type of the payload is known, a
//! caller who lends its thread goes the same way through [`Typed`], without a table, and finds the
//! answer in the block.
//!
//! Handlers borrow the agent and its context. Their futures stand in the agent's own memory, beside
//! what they borrow, which the language cannot express: the borrows are given the lifetime `'static`,
//! and the cell keeps the promise behind it (see the safety section of [`Mail::poll`]).
//!
//! [cell]: super::cell

#![expect(unsafe_code, reason = "futures that borrow their neighbour, in raw memory")]

use std::any::{Any, type_name};
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Poll, Waker, ready};

use foundation::owner::Reason;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::inbox::Link;
use super::{block, cost};
use crate::{Agent, Context};

/// What whoever waits for an answer receives: the reply, or why the agent ended.
pub(crate) type Answered<R> = Result<R, Reason>;

/// Futures above this size are boxed, so that mail that waits stays small.
pub(crate) const INLINE_FUTURE_BYTES: usize = 256;

/// An owned piece of mail for agents of type `A`.
pub(crate) struct Mail<A: Agent>(NonNull<Header<A>>);

/// How every piece of mail begins.
#[repr(C, align(8))]
pub(crate) struct Header<A: Agent> {
    /// Where it stands in a list.
    next: *mut Self,
    table: &'static Table<A>,
    /// Where the payload's cost is known. See [`super::cost`].
    cost: u16,
    /// Whether it takes a place in the mailbox.
    has_place: bool,
    /// Whether somebody may wait for its answer.
    is_awaited: bool,
}

/// Polls the turn of a piece of mail on its ground.
type Poller<A> = unsafe fn(NonNull<Header<A>>, &Ground<A>, &Waker) -> Poll<()>;

/// What depends on the type of the payload.
struct Table<A: Agent> {
    /// Frees the block if it returns that the turn is ready.
    poll: Poller<A>,
    destroy: unsafe fn(NonNull<Header<A>>, Option<&Reason>),
    defer: unsafe fn(NonNull<Header<A>>, &mut dyn Any) -> bool,
    is_stale: unsafe fn(NonNull<Header<A>>) -> bool,
    payload: fn() -> &'static str,
}

/// What turns borrow.
pub(crate) struct Ground<A: Agent> {
    pub(crate) agent: *mut Option<A>,
    pub(crate) context: *mut Context<A>,
}

/// The whole block. Small ones fit into a cache line: those of casts have no place for an answer.
#[repr(C)]
struct Block<A: Agent, T, R, F, G, W> {
    header: Header<A>,
    waiter: W,
    stage: Stage<T, F, G>,
    reply: PhantomData<fn() -> R>,
}

enum Stage<T, F, G> {
    Waiting(T, G),
    Turn(F),
    Done,
}

/// Who waits for the answer to a piece of mail.
pub(crate) trait Waiter<R>: Send + 'static {
    /// Whether there may be somebody.
    const IS_AWAITED: bool;

    /// Gives the answer.
    fn give(&mut self, reply: R);

    /// Says that there is none, and why if that is known.
    fn fail(&mut self, reason: Option<&Reason>);

    /// Hands over what answers: `None` if nobody waits. `Err` if it was handed over before.
    fn defer(&mut self) -> Result<Option<oneshot::Sender<Answered<R>>>, Deferred>;

    /// Whether nobody wants the answer any more.
    fn is_stale(&self) -> bool;
}

/// The answer was handed over before.
pub(crate) struct Deferred;

/// Nobody waits.
pub(crate) struct Nobody;

/// Somebody waits.
pub(crate) struct Awaited<R> {
    /// Where the answer goes.
    pub(crate) answer: Answer<R>,
    /// After this it is not wanted any more.
    pub(crate) deadline: Option<Instant>,
}

/// Where the answer goes.
pub(crate) enum Answer<R> {
    /// Nobody waits.
    Nobody,
    /// Whoever polls the turn takes it from here.
    Here,
    /// It is here.
    Given(R),
    /// To somebody who waits.
    To(oneshot::Sender<Answered<R>>),
    /// The handler took it upon itself to answer; this end is for whoever polls the turn.
    From(oneshot::Receiver<Answered<R>>),
}

/// What is known of a lent turn after its first poll.
pub(crate) enum Lent<R> {
    /// The answer.
    Given(R),
    /// It will come here.
    Later(oneshot::Receiver<Answered<R>>),
}

/// What is known of a piece of mail where it is posted.
pub(crate) struct Typed<A: Agent, T, R, W> {
    poll: Poller<A>,
    free: unsafe fn(NonNull<Header<A>>),
    withdraw: unsafe fn(NonNull<Header<A>>) -> Option<T>,
    waiter: NonNull<W>,
    reply: PhantomData<fn() -> R>,
}

/// Makes a piece of mail. `run` makes its turn.
#[inline]
pub(crate) fn post<A, T, R, F, G, W>(payload: T, waiter: W, run: G) -> (Mail<A>, Typed<A, T, R, W>)
where
    A: Agent,
    T: Send + 'static,
    R: Send + 'static,
    W: Waiter<R>,
    F: Future<Output = R> + Send + 'static,
    G: FnOnce(&'static mut A, T, &'static mut Context<A>) -> F + Send + 'static,
{
    if const { size_of::<F>() <= INLINE_FUTURE_BYTES } {
        Block::post(payload, waiter, run)
    } else {
        Block::post(payload, waiter, |agent, payload, context| {
            Box::pin(run(agent, payload, context))
        })
    }
}

impl<A: Agent> Mail<A> {
    /// Hands the piece over to a list.
    pub(crate) fn into_raw(self) -> NonNull<Header<A>> {
        let header = self.0;
        mem::forget(self);
        header
    }

    /// Takes a piece from a list.
    ///
    /// # Safety
    ///
    /// `header` is from [`into_raw`](Self::into_raw), and owned by nobody else.
    pub(crate) unsafe fn from_raw(header: NonNull<Header<A>>) -> Self {
        Self(header)
    }

    fn header(&self) -> &Header<A> {
        // SAFETY: the piece owns its block, and nobody writes the header but through it.
        unsafe { self.0.as_ref() }
    }

    /// Says whether it takes a place in the mailbox.
    pub(crate) fn set_place(&mut self, has_place: bool) {
        // SAFETY: the piece owns its block.
        unsafe { self.0.as_mut().has_place = has_place };
    }

    /// Whether it takes a place in the mailbox.
    pub(crate) fn has_place(&self) -> bool {
        self.header().has_place
    }

    /// Polls the turn, and makes it before if this is the first poll. When it is ready, the answer was
    /// given and the piece is gone.
    ///
    /// # Safety
    ///
    /// `header` is from [`into_raw`](Self::into_raw) and the caller's. Each poll has the same ground.
    /// From the first poll until the turn was ready or this piece is dropped, what stands there stays
    /// where it is, and nobody else borrows it.
    #[inline]
    pub(crate) unsafe fn poll(
        header: NonNull<Header<A>>,
        ground: &Ground<A>,
        waker: &Waker,
    ) -> Poll<()> {
        // SAFETY: the table is of this block's type; the rest is promised by the caller.
        unsafe { (header.as_ref().table.poll)(header, ground, waker) }
    }

    /// Lets the turn answer for itself: puts the sender of the answer into `place`, an
    /// `Option<oneshot::Sender<Answered<R>>>`, or `None` if nobody waits. `false` if the turn's
    /// answer has another type, or was taken before.
    ///
    /// # Safety
    ///
    /// `header` is of a turn that is being polled on this thread.
    pub(crate) unsafe fn defer(header: NonNull<Header<A>>, place: &mut dyn Any) -> bool {
        // SAFETY: promised by the caller; the table is of this block's type.
        unsafe { (header.as_ref().table.defer)(header, place) }
    }

    /// Whether somebody waited for the answer and does not any more: then it is not to be begun.
    #[inline]
    pub(crate) fn is_stale(&self) -> bool {
        // SAFETY: the table is of this block's type.
        self.header().is_awaited && unsafe { (self.header().table.is_stale)(self.0) }
    }

    /// The name of the payload's type.
    pub(crate) fn payload(&self) -> &'static str {
        (self.header().table.payload)()
    }

    /// What tells the name of the payload's type.
    ///
    /// # Safety
    ///
    /// `header` is from [`into_raw`](Self::into_raw) and the caller's.
    #[inline]
    pub(crate) unsafe fn namer(header: NonNull<Header<A>>) -> fn() -> &'static str {
        // SAFETY: promised by the caller.
        unsafe { header.as_ref().table.payload }
    }

    /// Where the payload's cost is known. See [`super::cost`].
    ///
    /// # Safety
    ///
    /// `header` is from [`into_raw`](Self::into_raw) and the caller's.
    #[inline]
    pub(crate) unsafe fn cost(header: NonNull<Header<A>>) -> u16 {
        // SAFETY: promised by the caller.
        unsafe { header.as_ref().cost }
    }

    /// Drops the piece and tells whoever waits for its answer that the agent has ended.
    pub(crate) fn fail(self, reason: &Reason) {
        let header = self.into_raw();
        // SAFETY: the piece owned its block, whose type the table is of.
        unsafe { (header.as_ref().table.destroy)(header, Some(reason)) }
    }
}

impl<A: Agent> Drop for Mail<A> {
    fn drop(&mut self) {
        // SAFETY: the piece owns its block, whose type the table is of.
        unsafe { (self.header().table.destroy)(self.0, None) }
    }
}

// SAFETY: payload, future and answer are `Send` (see `post`).
unsafe impl<A: Agent> Send for Mail<A> {}

// SAFETY: what was written to `next` is read from it; the header is aligned to 8 bytes.
unsafe impl<A: Agent> Link for Header<A> {
    unsafe fn link(item: NonNull<Self>) -> *mut Self {
        // SAFETY: promised by the caller.
        unsafe { (*item.as_ptr()).next }
    }

    unsafe fn set_link(item: NonNull<Self>, next: *mut Self) {
        // SAFETY: promised by the caller.
        unsafe { (*item.as_ptr()).next = next }
    }
}

impl<A: Agent, T, R, W> Typed<A, T, R, W> {
    /// The payload of a piece that was never polled.
    pub(crate) fn withdraw(self, mail: Mail<A>) -> Option<T> {
        // SAFETY: the function is of this block's type, and the piece is owned.
        let payload = unsafe { (self.withdraw)(mail.0) };
        drop(mail);
        payload
    }

    /// As [`Mail::poll`], but the piece stays, and the answer in it.
    ///
    /// # Safety
    ///
    /// As for [`Mail::poll`]; the header is that of the piece that this came with.
    #[inline]
    pub(crate) unsafe fn poll(
        &self,
        header: NonNull<Header<A>>,
        ground: &Ground<A>,
        waker: &Waker,
    ) -> Poll<()> {
        // SAFETY: promised by the caller.
        unsafe { (self.poll)(header, ground, waker) }
    }

    /// Frees a piece whose turn was ready and whose answer was taken.
    ///
    /// # Safety
    ///
    /// The header is that of the piece that this came with, and the caller's; it is not used any more.
    #[inline]
    pub(crate) unsafe fn free(&self, header: NonNull<Header<A>>) {
        // SAFETY: promised by the caller.
        unsafe { (self.free)(header) }
    }
}

impl<A: Agent, T, R> Typed<A, T, R, Awaited<R>> {
    /// After a first poll: the answer, or where it will come.
    ///
    /// # Safety
    ///
    /// The piece that this came with exists, and is the caller's; its turn is not being polled.
    #[inline]
    pub(crate) unsafe fn answer(&self) -> Lent<R> {
        // SAFETY: promised by the caller.
        let answer = unsafe { &mut (*self.waiter.as_ptr()).answer };
        match mem::replace(answer, Answer::Nobody) {
            Answer::Given(reply) => Lent::Given(reply),
            Answer::From(receiver) => Lent::Later(receiver),
            Answer::Here | Answer::Nobody | Answer::To(_) => {
                let (sender, receiver) = oneshot::channel();
                *answer = Answer::To(sender);
                Lent::Later(receiver)
            }
        }
    }
}

impl<R: Send + 'static> Waiter<R> for Nobody {
    const IS_AWAITED: bool = false;

    fn give(&mut self, reply: R) {
        drop(reply);
    }

    fn fail(&mut self, _reason: Option<&Reason>) {}

    fn defer(&mut self) -> Result<Option<oneshot::Sender<Answered<R>>>, Deferred> {
        Ok(None)
    }

    fn is_stale(&self) -> bool {
        false
    }
}

impl<R: Send + 'static> Waiter<R> for Awaited<R> {
    const IS_AWAITED: bool = true;

    /// A caller that has gone does not want it; and if the handler took it upon itself to answer by
    /// other means, and returned, that counts.
    fn give(&mut self, reply: R) {
        match mem::replace(&mut self.answer, Answer::Nobody) {
            Answer::To(sender) => drop(sender.send(Ok(reply))),
            Answer::Here => self.answer = Answer::Given(reply),
            other => self.answer = other,
        }
    }

    fn fail(&mut self, reason: Option<&Reason>) {
        if let (Answer::To(sender), Some(reason)) =
            (mem::replace(&mut self.answer, Answer::Nobody), reason)
        {
            drop(sender.send(Err(reason.clone())));
        }
    }

    fn defer(&mut self) -> Result<Option<oneshot::Sender<Answered<R>>>, Deferred> {
        match mem::replace(&mut self.answer, Answer::Nobody) {
            Answer::To(sender) => Ok(Some(sender)),
            Answer::Nobody => Ok(None),
            Answer::Here => {
                let (sender, receiver) = oneshot::channel();
                self.answer = Answer::From(receiver);
                Ok(Some(sender))
            }
            other => {
                self.answer = other;
                Err(Deferred)
            }
        }
    }

    fn is_stale(&self) -> bool {
        matches!(&self.answer, Answer::To(sender) if sender.is_closed())
            || self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }
}

impl<A, T, R, F, G, W> Block<A, T, R, F, G, W>
where
    A: Agent,
    T: Send + 'static,
    R: Send + 'static,
    W: Waiter<R>,
    F: Future<Output = R> + Send + 'static,
    G: FnOnce(&'static mut A, T, &'static mut Context<A>) -> F + Send + 'static,
{
    const TABLE: Table<A> = Table {
        poll: Self::poll,
        destroy: Self::destroy,
        defer: Self::defer,
        is_stale: Self::is_stale,
        payload: type_name::<T>,
    };

    #[inline]
    fn post(payload: T, waiter: W, run: G) -> (Mail<A>, Typed<A, T, R, W>) {
        let block = block::allocate::<Self>();
        let header = Header {
            next: ptr::null_mut(),
            table: &Self::TABLE,
            cost: cost::place::<A, T>(),
            has_place: false,
            is_awaited: W::IS_AWAITED,
        };
        let (stage, reply) = (Stage::Waiting(payload, run), PhantomData);
        // SAFETY: the block was allocated for this type.
        let waiter = unsafe {
            block.write(Self { header, waiter, stage, reply });
            NonNull::new_unchecked(&raw mut (*block.as_ptr()).waiter)
        };
        let (poll, free, withdraw) =
            (Self::poll_and_keep as _, Self::free as _, Self::withdraw as _);
        (Mail(block.cast()), Typed { poll, free, withdraw, waiter, reply })
    }

    unsafe fn withdraw(header: NonNull<Header<A>>) -> Option<T> {
        let block = header.cast::<Self>().as_ptr();
        // SAFETY: as in `advance`.
        match unsafe { (&raw mut (*block).stage).replace(Stage::Done) } {
            Stage::Waiting(payload, _) => Some(payload),
            Stage::Turn(_) | Stage::Done => None,
        }
    }

    /// Polls the turn, and makes it before if there is none. When it is ready it was dropped. `None`
    /// if there is nothing to poll.
    ///
    /// # Safety
    ///
    /// As for [`Mail::poll`].
    #[inline]
    unsafe fn advance(
        header: NonNull<Header<A>>,
        ground: &Ground<A>,
        waker: &Waker,
    ) -> Poll<Option<R>> {
        let block = header.cast::<Self>().as_ptr();
        // SAFETY: the header is that of a block of this type, which the caller owns. The borrows of
        // the ground are exclusive and end with the turn: promised by the caller. The future is never
        // moved: its stage is written over only after it was dropped in place. The answer is not
        // borrowed here, because the future may defer it.
        unsafe {
            let stage = &raw mut (*block).stage;
            if matches!(*stage, Stage::Waiting(..))
                && let Stage::Waiting(payload, run) = stage.replace(Stage::Done)
                && let Some(agent) = &mut *ground.agent
            {
                stage.write(Stage::Turn(run(agent, payload, &mut *ground.context)));
            }
            let Stage::Turn(turn) = &mut *stage else { return Poll::Ready(None) };
            let turn = Pin::new_unchecked(turn);
            let reply = ready!(turn.poll(&mut std::task::Context::from_waker(waker)));
            let done = Done(stage);
            ptr::drop_in_place(stage);
            drop(done);
            Poll::Ready(Some(reply))
        }
    }

    unsafe fn poll(header: NonNull<Header<A>>, ground: &Ground<A>, waker: &Waker) -> Poll<()> {
        // SAFETY: as in `advance`. Before the block is freed, nothing is left in it to be dropped: its
        // stage is done, and its waiter was answered.
        unsafe {
            ready!(Self::poll_and_keep(header, ground, waker));
            Self::free(header);
        }
        Poll::Ready(())
    }

    #[inline]
    unsafe fn poll_and_keep(
        header: NonNull<Header<A>>,
        ground: &Ground<A>,
        waker: &Waker,
    ) -> Poll<()> {
        // SAFETY: as in `advance`.
        unsafe {
            if let Some(reply) = ready!(Self::advance(header, ground, waker)) {
                (*header.cast::<Self>().as_ptr()).waiter.give(reply);
            }
        }
        Poll::Ready(())
    }

    unsafe fn free(header: NonNull<Header<A>>) {
        // SAFETY: as in `advance`; promised by the caller.
        unsafe { block::free(header.cast::<Self>()) };
    }

    unsafe fn destroy(header: NonNull<Header<A>>, reason: Option<&Reason>) {
        let block = header.cast::<Self>();
        let _freed = Freed(block);
        // SAFETY: as in `advance`; the block is freed after this whatever panics, and not used again.
        unsafe {
            let waiter = (&raw mut (*block.as_ptr()).waiter).read();
            let told = Told(waiter, reason, PhantomData);
            ptr::drop_in_place(&raw mut (*block.as_ptr()).stage);
            drop(told);
        }
    }

    unsafe fn defer(header: NonNull<Header<A>>, place: &mut dyn Any) -> bool {
        let Some(place) = place.downcast_mut::<Option<oneshot::Sender<Answered<R>>>>() else {
            return false;
        };
        let block = header.cast::<Self>().as_ptr();
        // SAFETY: as in `advance`; the poll that calls this does not borrow the waiter.
        let deferred = unsafe { (*block).waiter.defer() };
        deferred.is_ok_and(|sender| {
            *place = sender;
            true
        })
    }

    unsafe fn is_stale(header: NonNull<Header<A>>) -> bool {
        let block = header.cast::<Self>().as_ptr();
        // SAFETY: as in `advance`.
        unsafe { (*block).waiter.is_stale() }
    }
}

/// Marks a stage as done, without dropping what stood there.
struct Done<T, F, G>(*mut Stage<T, F, G>);

impl<T, F, G> Drop for Done<T, F, G> {
    fn drop(&mut self) {
        // SAFETY: made by `poll` for the stage of its block, which was dropped in place before.
        unsafe { self.0.write(Stage::Done) };
    }
}

/// Frees a block, without dropping what stood there.
struct Freed<B>(NonNull<B>);

impl<B> Drop for Freed<B> {
    fn drop(&mut self) {
        // SAFETY: made by `destroy` for the block that it owns.
        unsafe { block::free(self.0) };
    }
}

/// Tells whoever waits that there is no answer, also if a destructor panics in between.
struct Told<'a, R, W: Waiter<R>>(W, Option<&'a Reason>, PhantomData<fn() -> R>);

impl<R, W: Waiter<R>> Drop for Told<'_, R, W> {
    fn drop(&mut self) {
        self.0.fail(self.1);
    }
}

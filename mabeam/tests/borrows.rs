//! Handlers that borrow themselves mutably across a wait. Miri looks at this under both of its models:
//! the kernel must not borrow a suspended turn for anything but its poll.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::time::Duration;

use mabeam::{Agent, Config, Context, Handler, Message, System};

struct Borrower(u64);
impl Agent for Borrower {}

/// Handled by a future of so many words.
struct Add<const WORDS: usize>;
impl<const WORDS: usize> Message for Add<WORDS> {
    type Reply = u64;
}

impl<const WORDS: usize> Handler<Add<WORDS>> for Borrower {
    async fn handle(&mut self, _: Add<WORDS>, _: &mut Context<Self>) -> u64 {
        let mut words = [1; WORDS];
        let last = &mut words[WORDS - 1];
        tokio::task::yield_now().await;
        *last += 1;
        tokio::task::yield_now().await;
        *last += 1;
        self.0 += *last;
        self.0
    }
}

/// Three calls by a task, of which those of a known cost are lent a thread if any may be.
fn three_calls<const WORDS: usize>(lendable: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut config = Config::default();
    (config.lendable, config.call_deadline) = (lendable, Duration::from_secs(600));
    let calls = runtime.block_on(async {
        tokio::spawn(async move {
            let system = System::new(config).unwrap();
            let agent = system.spawn(Borrower(0)).await.unwrap();
            for call in 1..=3 {
                assert_eq!(agent.call(Add::<WORDS>).await.unwrap(), 3 * call);
            }
        })
        .await
    });
    calls.unwrap();
}

#[test]
fn a_turn_that_stands_in_its_block_keeps_its_borrows() {
    three_calls::<1>(Duration::ZERO);
    three_calls::<1>(Duration::MAX);
}

#[test]
fn a_turn_that_is_boxed_keeps_its_borrows() {
    three_calls::<100>(Duration::ZERO);
    three_calls::<100>(Duration::MAX);
}

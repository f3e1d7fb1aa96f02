//! Many senders at once: nothing is lost but by the policy, and no limit is exceeded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use mabeam::{
    Agent, AgentRef, CastError, Config, Context, Handler, Mailbox, Reason, System, WhenFull,
};
use tokio::time::timeout;

use crate::keeper::LONG;
use crate::reader::{Item, Letter, Reading};

const SENDERS: u64 = 4;
const EACH: u64 = 500;

/// Keeps what it handles where it is found after its end.
struct Book(Arc<Mutex<Vec<Letter>>>);

impl Agent for Book {}

impl Handler<Item<0>> for Book {
    async fn handle(&mut self, Item(letter): Item<0>, _: &mut Context<Self>) -> u64 {
        self.0.lock().unwrap().push(letter);
        letter.number
    }
}

/// A book, and what will be in it.
struct Kept {
    agent: AgentRef<Book>,
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl Kept {
    async fn new(system: &System, mailbox: Mailbox) -> Self {
        let letters = Arc::default();
        let book = Book(Arc::clone(&letters));
        Self { agent: system.spawn(book).mailbox(mailbox).await.unwrap(), letters }
    }

    /// What it has handled when the last handle is gone and all its mail worked off.
    async fn read(self) -> Vec<Letter> {
        let end = self.agent.monitor();
        drop(self.agent);
        let down = timeout(LONG, end.down()).await.unwrap().unwrap();
        assert!(matches!(down.reason, Reason::Normal | Reason::NoProc), "{down:?}");
        std::mem::take(&mut self.letters.lock().unwrap())
    }
}

fn system() -> System {
    System::new(Config::default()).unwrap()
}

/// What one sends, in order: numbers grow.
fn letter(sender: u64, turn: u64) -> Item<0> {
    // Every third has a key of its sender's.
    let key = turn.is_multiple_of(3).then_some(sender);
    Item(Letter { number: sender * EACH + turn, kind: 0, key, bytes: (turn % 5) as usize })
}

/// Casts from threads; how many were taken.
fn cast_all<A: Handler<Item<0>>>(agent: &AgentRef<A>) -> u64 {
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                scope.spawn(move || {
                    let cast = |turn| u64::from(agent.cast(letter(sender, turn)).is_ok());
                    (0..EACH).map(cast).sum::<u64>()
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).sum()
    })
}

/// Each sender's letters are in order.
fn assert_in_order(letters: &[Letter]) {
    let mut last = BTreeMap::new();
    for letter in letters {
        let before = last.insert(letter.number / EACH, letter.number);
        assert!(before.is_none_or(|before| before < letter.number), "{before:?} {letter:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_is_handled_in_order_or_a_dead_letter() {
    for when_full in [WhenFull::Wait, WhenFull::Reject, WhenFull::DropOldest, WhenFull::DropNewest]
    {
        let system = system();
        let mailbox = Mailbox::bounded(8).bytes(20).when_full(when_full);
        let book = Kept::new(&system, mailbox).await;
        let taken = cast_all(&book.agent);
        let letters = book.read().await;
        assert_in_order(&letters);
        assert_eq!(letters.len() as u64 + system.dead_letter_count(), taken);
        let drops = matches!(when_full, WhenFull::DropOldest | WhenFull::DropNewest);
        assert!(!drops || taken == SENDERS * EACH);
        assert!(drops || system.dead_letter_count() == 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_senders_as_many_get_in_as_the_limits_allow() {
    for when_full in [WhenFull::Reject, WhenFull::DropOldest, WhenFull::DropNewest] {
        for mailbox in [Mailbox::bounded(8).bytes(1000), Mailbox::unbounded().bytes(20)] {
            let system = system();
            let mut reading = Reading::held(&system, mailbox.when_full(when_full)).await;
            let taken = cast_all(&reading.agent);
            let waiting = taken - system.dead_letter_count();
            let (mut count, mut bytes) = (0, 0);
            for _ in 0..waiting {
                let number = reading.read().await;
                count += 1;
                bytes += letter(number / EACH, number % EACH).0.bytes;
            }
            assert!(bytes <= 1000 && (mailbox == Mailbox::bounded(8).bytes(1000) || bytes <= 20));
            assert!(count == 8 || mailbox != Mailbox::bounded(8).bytes(1000), "{count}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_each_key_is_handled_and_nothing_without_a_key_is_lost() {
    let system = system();
    let mailbox = Mailbox::unbounded().coalescing();
    let book = Kept::new(&system, mailbox).await;
    assert_eq!(cast_all(&book.agent), SENDERS * EACH);
    let letters = book.read().await;
    for sender in 0..SENDERS {
        let of_sender = |letter: &&Letter| letter.number / EACH == sender;
        let mine: Vec<_> = letters.iter().filter(of_sender).collect();
        let plain = mine.iter().filter(|letter| letter.key.is_none()).count() as u64;
        assert_eq!(plain, EACH - EACH.div_ceil(3));
        let keys: Vec<_> = mine.iter().filter(|letter| letter.key.is_some()).collect();
        assert!(keys.is_sorted_by(|one, next| one.number < next.number));
        let last = (0..EACH).rfind(|turn| turn.is_multiple_of(3)).unwrap();
        assert_eq!(keys.last().unwrap().number, sender * EACH + last);
    }
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_place_gets_one_also_where_others_replace_or_are_too_large() {
    let system = system();
    let mailbox = Mailbox::bounded(2).bytes(6).coalescing();
    let book = Kept::new(&system, mailbox).await;
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let agent = book.agent.clone();
            tokio::spawn(async move {
                let mut sent = Vec::new();
                for turn in 0..EACH {
                    let letter = letter(sender, turn);
                    match agent.send(letter).deadline(LONG).await {
                        Ok(()) => sent.push(sender * EACH + turn),
                        Err(CastError::TooLarge { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
                sent
            })
        })
        .collect();
    let mut sent = Vec::new();
    for sender in senders {
        sent.extend(timeout(LONG, sender).await.unwrap().unwrap());
    }
    let letters = book.read().await;
    let handled: Vec<_> =
        letters.iter().filter(|letter| letter.key.is_none()).map(|letter| letter.number).collect();
    let plain: Vec<_> =
        sent.into_iter().filter(|number| !(number % EACH).is_multiple_of(3)).collect();
    assert_eq!(handled.len(), plain.len());
    assert!(plain.iter().all(|number| handled.contains(number)));
    assert_eq!(system.dead_letter_count(), 0);
}

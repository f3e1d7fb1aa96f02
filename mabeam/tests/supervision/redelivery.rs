//! Mail that its agent dies of.

use super::*;

/// Kills its worker as often as is said.
#[derive(Clone)]
struct Poison {
    deaths: Arc<AtomicU32>,
    fatal: u32,
    tag: u64,
}

impl Message for Poison {
    type Reply = ();

    const ATTEMPTS: u32 = 3;

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl Handler<Poison> for Worker {
    async fn handle(&mut self, poison: Poison, _: &mut Context<Self>) {
        tokio::task::yield_now().await;
        let deaths = poison.deaths.fetch_add(1, Ordering::Relaxed);
        assert!(deaths >= poison.fatal, "poisoned");
        self.diary.note(format!("{}", poison.tag));
    }
}

/// Is only noted.
#[derive(Clone)]
struct Mark(u64);

impl Message for Mark {
    type Reply = ();
}

impl Handler<Mark> for Worker {
    async fn handle(&mut self, Mark(tag): Mark, _: &mut Context<Self>) {
        self.diary.note(format!("{tag}"));
    }
}

fn poison(fatal: u32, tag: u64) -> Poison {
    Poison { deaths: Arc::default(), fatal, tag }
}

#[tokio::test(start_paused = true)]
async fn mail_that_killed_its_agent_comes_once_more_before_the_mail_that_waits() {
    let (system, _supervisor, workers, diary) = begin(Strategy::OneForOne, &["a"]).await;
    diary.read();
    workers[0].cast(Mark(1)).unwrap();
    workers[0].cast(poison(2, 2)).unwrap();
    workers[0].cast(Mark(3)).unwrap();
    workers[0].cast(poison(1, 4)).unwrap();
    assert_eq!(soon(workers[0].call(Life)).await.unwrap(), 3);
    assert_eq!(diary.read(), "1 !a +a !a +a 2 3 !a +a 4");
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn mail_that_killed_its_agent_so_often_is_a_dead_letter() {
    let (system, _supervisor, workers, diary) = begin(Strategy::OneForOne, &["a"]).await;
    diary.read();
    let poison = poison(u32::MAX, 2);
    let deaths = Arc::clone(&poison.deaths);
    workers[0].cast(poison).unwrap();
    workers[0].cast(Mark(3)).unwrap();
    assert_eq!(soon(workers[0].call(Life)).await.unwrap(), 3);
    assert_eq!(deaths.load(Ordering::Relaxed), 3);
    assert_eq!(diary.read(), "!a +a !a +a !a +a 3");
    assert_eq!(system.dead_letter_count(), 1);
    let letter = soon(system.dead_letters().next()).await.unwrap();
    assert_eq!((letter.message, &*letter.name), (std::any::type_name::<Poison>(), "a"));
    assert_eq!(letter.reason, Reason::Panic("poisoned".into()));
}

#[tokio::test(start_paused = true)]
async fn a_later_failure_brings_nothing_back_that_was_handled() {
    let (system, _supervisor, workers, diary) = begin(Strategy::OneForOne, &["a"]).await;
    diary.read();
    workers[0].cast(poison(0, 1)).unwrap();
    assert_eq!(crash(&workers[0]).await.unwrap(), 1);
    assert_eq!(diary.read(), "1 !a +a");
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_not_tried_again() {
    let (_system, _supervisor, workers, diary) = begin(Strategy::OneForOne, &["a"]).await;
    diary.read();
    let died = soon(workers[0].call(poison(1, 1))).await;
    assert!(matches!(died, Err(CallError::Exited { .. })), "{died:?}");
    assert_eq!(soon(workers[0].call(Life)).await.unwrap(), 1);
    assert_eq!(diary.read(), "!a +a");
}

#[tokio::test(start_paused = true)]
async fn an_agent_without_supervisor_takes_its_mail_along() {
    let system = System::new(Config::default()).unwrap();
    let diary = Diary::default();
    let worker = system.spawn(Nursery::new(&diary).worker("a")).await.unwrap();
    let end = worker.monitor();
    worker.cast(poison(1, 1)).unwrap();
    soon(end.down()).await.unwrap();
    assert_eq!(diary.read(), "+a !a");
}

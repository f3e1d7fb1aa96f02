//! A tree of agents, one of which fails.
//!
//! `cargo run -p mabeam --example supervision`

use std::time::Duration;

use mabeam::supervision::{Child, Shutdown, Strategy, Supervisor};
use mabeam::{Agent, Config, Context, Handler, Message, System};

struct Store;
impl Agent for Store {}

struct Models;
impl Agent for Models {}

struct Worker {
    id: u32,
    done: u32,
}

impl Agent for Worker {}

/// A job; one of them is malformed.
struct Job(&'static str);

impl Message for Job {
    type Reply = String;
}

impl Handler<Job> for Worker {
    async fn handle(&mut self, Job(text): Job, _: &mut Context<Self>) -> String {
        let Ok(number) = text.parse::<u32>() else { panic!("`{text}` is no number") };
        self.done += 1;
        format!("worker {}, job {}: {}", self.id, self.done, number * number)
    }
}

fn main() -> Result<(), mabeam::Error> {
    let workers = || {
        let supervisor =
            Supervisor::new(Strategy::OneForOne).intensity(10, Duration::from_secs(60));
        (0..3).fold(supervisor, |supervisor, id| {
            let worker = Child::new(move || Worker { id, done: 0 });
            supervisor.child(worker.named(format!("worker-{id}")))
        })
    };
    let top = Supervisor::new(Strategy::RestForOne)
        .intensity(3, Duration::from_secs(60))
        .child(Child::new(|| Store).named("store"))
        .child(Child::new(|| Models).named("models"))
        .child(Child::new(workers).label("workers").shutdown(Shutdown::Wait));

    let system = System::new(Config::default())?;
    system.block_on(async {
        let _top = system.spawn(top).await?; // returns when every one of them is up
        let worker = system.lookup::<Worker>("worker-1")?;
        println!("{}", worker.call(Job("12")).await?);
        if let Err(error) = worker.call(Job("twelve")).await {
            println!("{error}");
        }
        // The same handle reaches the next incarnation, which begins anew.
        println!("{}", worker.call(Job("7")).await?);
        println!("{}", system.inspect().tree());
        system.shutdown(Duration::from_secs(5)).await?;
        Ok(())
    })
}

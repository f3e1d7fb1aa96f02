//! An agent that monitors a worker, and replaces it when it panicked.
//!
//! `cargo run -p mabeam --example monitor`

use mabeam::{Agent, Config, Context, Down, Error, Handler, Message, Reason, System};

struct Worker(u32);
impl Agent for Worker {}
struct Work;
impl Message for Work {
    type Reply = ();
}
impl Handler<Work> for Worker {
    async fn handle(&mut self, Work: Work, _: &mut Context<Self>) {
        assert!(self.0 >= 3, "worker {} has no luck", self.0);
        println!("worker {} has done it", self.0);
    }
}

struct Boss(u32);
impl Boss {
    async fn hire(&mut self, context: &mut Context<Self>) -> Result<(), Error> {
        self.0 += 1;
        let worker = context.spawn_agent(Worker(self.0)).await?;
        context.monitor(&worker);
        // This is the only handle: the worker ends, normally, when it has handled its mail.
        Ok(worker.cast(Work)?)
    }
}
impl Agent for Boss {
    async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
        self.hire(context).await.map_err(|error| Reason::Failed(error.to_string().into()))
    }
    async fn on_down(&mut self, down: Down, context: &mut Context<Self>) {
        println!("worker {} ended: {}", self.0, down.reason);
        if down.reason.is_intended() {
            context.stop(Reason::Normal);
        } else if let Err(error) = self.hire(context).await {
            context.stop(Reason::Failed(error.to_string().into()));
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let system = System::new(Config::default())?;
    let boss = system.spawn(Boss(0)).await?;
    boss.monitor().down().await;
    println!("the boss has ended");
    Ok(())
}

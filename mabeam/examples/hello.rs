//! An agent, a cast and a call.
//!
//! `cargo run -p mabeam --example hello`

use mabeam::{Agent, Config, Context, Handler, Message, System};

struct Counter {
    n: u64,
}

impl Agent for Counter {} // Lifecycle hooks have defaults: `init`, `on_exit`, `on_down`.

struct Add(u64);

impl Message for Add {
    type Reply = u64;
}

impl Handler<Add> for Counter {
    async fn handle(&mut self, Add(x): Add, _ctx: &mut Context<Self>) -> u64 {
        self.n += x;
        self.n
    }
}

#[tokio::main]
async fn main() -> Result<(), mabeam::Error> {
    let system = System::new(Config::default())?;
    // Returns after `init` said that the agent is ready, or why it is not.
    let counter = system.spawn(Counter { n: 0 }).named("counter").await?;
    counter.cast(Add(1))?;
    assert_eq!(counter.call(Add(2)).await?, 3);
    println!("{counter:?} counted to 3");
    Ok(())
}

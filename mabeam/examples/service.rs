//! A service that ends well: on SIGTERM it does what it has accepted, and says what was left.
//!
//! `cargo run -p mabeam --features signal --example service`, then ctrl-c.

use std::time::Duration;

use mabeam::{Agent, Config, Context, Handler, Message, Reason, System};

/// Beats, and says so.
struct Heart {
    beats: u64,
}

struct Beat;

impl Message for Beat {
    type Reply = ();
}

impl Agent for Heart {
    async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
        context.send_every(Duration::from_secs(1), || Beat);
        Ok(())
    }

    async fn on_exit(&mut self, _: &Reason, _: &mut Context<Self>) {
        println!("the heart stops after {} beats", self.beats);
    }
}

impl Handler<Beat> for Heart {
    async fn handle(&mut self, Beat: Beat, _: &mut Context<Self>) {
        self.beats += 1;
        println!("beat {}", self.beats);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let system = System::new(Config::default())?;
    let heart = system.spawn(Heart { beats: 0 }).await?;
    println!("{heart:?} beats");
    let drained = system.run_until_terminated(Duration::from_secs(20)).await?;
    println!("{drained}");
    Ok(())
}

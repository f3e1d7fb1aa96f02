//! A question to 1,000 agents at once: what came in time, then as soon as enough have answered.
//!
//! `cargo run -p mabeam --example fan_out`

use std::time::Duration;

use mabeam::{Agent, CallError, Config, Context, Handler, Message, System, call_all};

struct Voter(u32);
impl Agent for Voter {}

struct Vote;
impl Message for Vote {
    type Reply = bool;
}
impl Handler<Vote> for Voter {
    async fn handle(&mut self, Vote: Vote, _: &mut Context<Self>) -> bool {
        if self.0 % 100 == 50 {
            std::future::pending::<()>().await; // Thinks for ever.
        }
        !self.0.is_multiple_of(3)
    }
}

#[tokio::main]
async fn main() -> Result<(), mabeam::Error> {
    let system = System::new(Config::default())?;
    let mut voters = Vec::new();
    for number in 0..1_000 {
        voters.push(system.spawn(Voter(number)).await?);
    }
    voters[7].kill();
    voters[7].monitor().down().await;

    let replies = call_all(&voters, |_| Vote).deadline(Duration::from_secs(1)).await;
    let ayes = replies.ok().filter(|(_, vote)| **vote).count();
    println!("{} of {} voted, {ayes} of them aye", replies.count_ok(), replies.len());
    let (late, dead): (Vec<_>, Vec<_>) =
        replies.failed().partition(|(_, error)| matches!(error, CallError::Deadline { .. }));
    println!("{} were late, {} could not be asked:", late.len(), dead.len());
    for (_, error) in dead {
        println!("  {error}");
    }

    // Those who were late still think; nobody waits for them, or for more than it takes.
    let replies = call_all(&voters, |_| Vote).quorum(501).await;
    println!("the quorum is there: {} voted", replies.count_ok());
    Ok(())
}

//! A handler that answers later, and a caller that does not wait for ever.
//!
//! `cargo run -p mabeam --example request_reply`

use std::time::Duration;

use mabeam::{Agent, Config, Context, Handler, Message, ReplyTo, System};

/// Collects questions until it is told the answer.
#[derive(Default)]
struct Oracle {
    asked: Vec<ReplyTo<&'static str>>,
}
impl Agent for Oracle {}

struct Ask;
impl Message for Ask {
    type Reply = &'static str;
}
impl Handler<Ask> for Oracle {
    async fn handle(&mut self, Ask: Ask, context: &mut Context<Self>) -> &'static str {
        // Ends this handler, and never comes back: the agent goes on with its next message.
        context.reply_later(|reply| self.asked.push(reply)).await
    }
}

/// Replied to with the number of those who still wanted the answer.
struct Tell(&'static str);
impl Message for Tell {
    type Reply = usize;
}
impl Handler<Tell> for Oracle {
    async fn handle(&mut self, Tell(answer): Tell, _: &mut Context<Self>) -> usize {
        self.asked.drain(..).filter_map(|reply| reply.send(answer).ok()).count()
    }
}

#[tokio::main]
async fn main() -> Result<(), mabeam::Error> {
    let system = System::new(Config::default())?;
    let oracle = system.spawn(Oracle::default()).await?;
    if let Err(error) = oracle.call(Ask).deadline(Duration::from_millis(50)).await {
        println!("asked too early: {error}");
    }
    // Asks first, then tells: messages of one sender are handled in order.
    let (answer, wanted) = tokio::join!(biased; oracle.call(Ask), oracle.call(Tell("forty-two")));
    println!("asked again: {}; of the two, {} still waited", answer?, wanted?);
    Ok(())
}

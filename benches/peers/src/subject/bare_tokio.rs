//! Bare tokio: a task that receives from an unbounded `mpsc` channel and answers through a `oneshot`,
//! as tokio's tutorial builds an actor. No names, no supervision, no isolation of panics: the floor
//! under everything that is built this way.
//!
//! It stops by a message; its end is seen by its closed channel. Its nearest to a monitored death is
//! an aborted task of a `JoinSet`.

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::{Subject, Watched};
use crate::work::{State, Work};

/// Bare tokio.
pub struct BareTokio;

/// A message with where its reply goes, if anywhere.
pub enum Mail {
    Work(Work, Option<oneshot::Sender<u64>>),
    Stop,
}

async fn run(mut mailbox: mpsc::UnboundedReceiver<Mail>) {
    let mut state = State::default();
    while let Some(Mail::Work(work, answer)) = mailbox.recv().await {
        let reply = state.handle(work);
        if let Some(answer) = answer {
            // Who does not wait any more does not want it.
            let _ = answer.send(reply);
        }
    }
}

fn ask(agent: &mpsc::UnboundedSender<Mail>, work: Work) -> oneshot::Receiver<u64> {
    let (answer, reply) = oneshot::channel();
    send(agent, Mail::Work(work, Some(answer)));
    reply
}

fn send(agent: &mpsc::UnboundedSender<Mail>, mail: Mail) {
    assert!(agent.send(mail).is_ok(), "the agent lives");
}

impl Subject for BareTokio {
    const NAME: &'static str = "tokio mpsc + oneshot";
    type Agent = mpsc::UnboundedSender<Mail>;

    async fn spawn() -> Self::Agent {
        let (agent, mailbox) = mpsc::unbounded_channel();
        drop(tokio::spawn(run(mailbox)));
        agent
    }

    async fn call(agent: &Self::Agent, work: Work) -> u64 {
        ask(agent, work).await.expect("the agent answers")
    }

    async fn cast(agent: &Self::Agent, work: Work) {
        send(agent, Mail::Work(work, None));
    }

    async fn call_all(agents: &[Self::Agent], work: Work) -> usize {
        let replies: Vec<_> = agents.iter().map(|agent| ask(agent, work)).collect();
        let count = replies.len();
        // One after the other wakes the caller less often than `join_all` does.
        for reply in replies {
            reply.await.expect("the agent answers");
        }
        count
    }

    async fn stop(agent: Self::Agent) -> impl Future<Output = ()> + Send + 'static {
        send(&agent, Mail::Stop);
        async move { agent.closed().await }
    }

    async fn watched(count: usize) -> Option<Watched> {
        let mut tasks = JoinSet::new();
        let mut agents = Vec::with_capacity(count);
        for _ in 0..count {
            let (agent, mailbox) = mpsc::unbounded_channel();
            tasks.spawn(run(mailbox));
            Self::call(&agent, Work::Add(1)).await;
            agents.push(agent);
        }
        let (tell, told) = oneshot::channel();
        Some(Watched {
            kill: Box::pin(async move {
                tasks.abort_all();
                let _ = tell.send(tasks);
            }),
            notices: Box::pin(async move {
                let mut tasks = told.await.expect("the killer passes the tasks on");
                let mut notices = 0;
                while tasks.join_next().await.is_some() {
                    notices += 1;
                }
                drop(agents);
                notices
            }),
        })
    }
}

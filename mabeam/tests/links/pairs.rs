//! Two that are linked: what ends both, and what does not.

use super::*;

#[tokio::test(start_paused = true)]
async fn whichever_fails_the_other_ends_with_the_same_reason() {
    let system = system();
    for ends in [0, 1] {
        let (pair, _) = pair(&system).await;
        pair[ends].stop(failed());
        assert_eq!(end_of(&pair[1 - ends]).await, failed());
    }
    for ends in [0, 1] {
        let (pair, _) = pair(&system).await;
        pair[ends].kill();
        assert_eq!(end_of(&pair[1 - ends]).await, Reason::Killed);
    }
    let (pair, _) = pair(&system).await;
    let end = pair[1].monitor();
    let panics = |_: &mut Context<Probe>| -> () { panic!("as asked") };
    assert!(pair[0].call(Run(Box::new(panics))).await.is_err());
    let reason = soon(end.down()).await.unwrap().reason;
    assert_eq!(reason, Reason::Panic("as asked".into()));
}

#[tokio::test(start_paused = true)]
async fn a_normal_end_ends_nobody_and_the_link() {
    let system = system();
    let (pair, link) = pair(&system).await;
    pair[1].stop(Reason::Normal);
    assert_eq!(end_of(&pair[1]).await, Reason::Normal);
    assert_eq!(soon(pair[0].call(Say(1))).await.unwrap(), 1);
    assert!(!link.unlink(), "it is over");
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_in_a_handler_is_ended_there_without_on_exit() {
    let system = system();
    let (one, mut seen) = probe(&system).await;
    let (two, _) = probe(&system).await;
    link(&one, &two).await;
    let _hold = hold(&one).await;
    two.stop(failed());
    assert_eq!(end_of(&one).await, failed());
    assert_eq!(soon(seen.recv()).await, None, "it told nothing");
}

#[tokio::test(start_paused = true)]
async fn a_kill_by_a_link_overrules_a_stop_that_waits_for_a_handler() {
    let system = system();
    let (pair, _) = pair(&system).await;
    let _hold = hold(&pair[0]).await;
    pair[0].stop(Reason::Normal);
    pair[1].stop(failed());
    assert_eq!(end_of(&pair[0]).await, failed());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_the_handler_and_on_exit_run() {
    let system = system();
    let (one, mut seen) = probe(&system).await;
    let (two, _) = probe(&system).await;
    link(&one, &two).await;
    let hold = hold(&one).await;
    two.stop(Reason::Shutdown);
    assert_eq!(end_of(&two).await, Reason::Shutdown);
    drop(hold);
    assert_eq!(end_of(&one).await, Reason::Shutdown);
    assert_eq!(next(&mut seen).await, Seen::Ends(Reason::Shutdown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_system_shuts_down_every_on_exit_runs_whoever_is_linked() {
    const AGENTS: usize = 500;
    let system = system();
    let (mut seen, mut agents) = (Vec::new(), Vec::<AgentRef<Probe>>::new());
    for _ in 0..AGENTS {
        let (agent, its) = probe(&system).await;
        if let Some(before) = agents.last() {
            link(before, &agent).await;
        }
        agents.push(agent);
        seen.push(its);
    }
    system.shutdown(Duration::from_secs(30)).await.unwrap();
    for mut seen in seen {
        assert_eq!(next(&mut seen).await, Seen::Ends(Reason::Shutdown));
    }
}

struct Slow(
    Option<oneshot::Sender<()>>,
    Option<oneshot::Receiver<()>>,
    Option<oneshot::Sender<()>>,
);

impl Agent for Slow {
    async fn on_exit(&mut self, _: &Reason, _: &mut Context<Self>) {
        let (Some(began), Some(until), Some(done)) = (self.0.take(), self.1.take(), self.2.take())
        else {
            return;
        };
        let _ = began.send(());
        let _ = until.await;
        let _ = done.send(());
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_already_is_left_to_its_on_exit() {
    let system = system();
    let (one, _) = probe(&system).await;
    let ((began, has_begun), (go, until)) = (oneshot::channel(), oneshot::channel());
    let (done, is_done) = oneshot::channel();
    let slow = system.spawn(Slow(Some(began), Some(until), Some(done))).await.unwrap();
    link(&one, &slow).await;
    slow.stop(Reason::Normal);
    soon(has_begun).await.unwrap();
    one.stop(failed());
    assert_eq!(end_of(&one).await, failed());
    go.send(()).unwrap();
    soon(is_done).await.unwrap();
    assert_eq!(soon(slow.monitor().down()).await.unwrap().reason, Reason::NoProc);
}

#[tokio::test(start_paused = true)]
async fn linking_one_that_has_ended_is_an_end_with_noproc() {
    let system = system();
    let (one, _) = probe(&system).await;
    let (two, _) = probe(&system).await;
    two.kill();
    end_of(&two).await;
    // The turn that links comes to its end, or to where it waits.
    let linked = run(&one, move |context| context.link(&two)).await;
    assert_eq!(end_of(&one).await, Reason::NoProc);
    assert!(!linked.unlink());
}

#[tokio::test(start_paused = true)]
async fn one_may_be_linked_to_itself() {
    let system = system();
    let (one, mut seen) = probe(&system).await;
    trap(&one).await;
    let own = one.any();
    link(&one, &own).await;
    drop(own);
    one.stop(failed());
    assert_eq!(end_of(&one).await, failed());
    drop(one);
    assert_eq!(next(&mut seen).await, Seen::Ends(failed()));
    assert_eq!(soon(seen.recv()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_link_keeps_nobody_alive() {
    let system = system();
    let ([one, two], link) = pair(&system).await;
    let (monitor, weak) = (two.monitor(), two.downgrade());
    drop(two);
    assert_eq!(soon(monitor.down()).await.unwrap().reason, Reason::Normal);
    assert!(weak.upgrade().is_none());
    assert_eq!(soon(one.call(Say(1))).await.unwrap(), 1);
    drop(link);
}

//! Links that are undone.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_that_was_undone_ends_nobody_whoever_undid_it() {
    let system = system();
    let (pair, link) = pair(&system).await;
    let copy = link.clone();
    assert!(run(&pair[1], move |_| copy.unlink()).await, "the other side may do it");
    assert!(!link.unlink());
    pair[0].kill();
    end_of(&pair[0]).await;
    assert_eq!(soon(pair[1].call(Say(1))).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_links_the_one_that_was_not_undone_holds() {
    let system = system();
    let (pair, one) = pair(&system).await;
    link(&pair[0], &pair[1]).await;
    assert!(one.unlink());
    pair[0].kill();
    assert_eq!(end_of(&pair[1]).await, Reason::Killed);
}

#[tokio::test(start_paused = true)]
async fn an_exit_on_its_way_is_silenced() {
    let system = system();
    let (one, mut seen) = probe(&system).await;
    let (two, _) = probe(&system).await;
    trap(&one).await;
    let link = link(&one, &two).await;
    let hold = hold(&one).await;
    two.kill();
    end_of(&two).await;
    assert!(hold.send(Box::new(move |_| assert!(link.unlink(), "on its way"))).is_ok());
    assert_eq!(soon(one.call(Say(1))).await.unwrap(), 1);
    assert_eq!(next(&mut seen).await, Seen::Said(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_end_and_an_unlink_one_comes_first() {
    let system = system();
    for round in 0..500 {
        let ([one, two], link) = pair(&system).await;
        let ends = [one.monitor(), two.monitor()];
        let (tell, told) = oneshot::channel();
        let racer = tokio::spawn(async move {
            let _ = told.await;
            link.unlink()
        });
        // Either may have a head start.
        if round % 2 == 0 {
            tell.send(()).unwrap();
            two.kill();
        } else {
            two.kill();
            tell.send(()).unwrap();
        }
        let is_undone = soon(racer).await.unwrap();
        let [end_of_one, end_of_two] = ends;
        assert_eq!(soon(end_of_two.down()).await.unwrap().reason, Reason::Killed);
        if is_undone {
            assert_eq!(soon(one.call(Say(1))).await.unwrap(), 1);
        } else {
            assert_eq!(soon(end_of_one.down()).await.unwrap().reason, Reason::Killed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_end_at_once_while_they_are_linked_both_end() {
    let system = system();
    for _ in 0..500 {
        let (one, _) = probe(&system).await;
        let (two, _) = probe(&system).await;
        let other = two.any();
        one.cast(Run(Box::new(move |context| {
            context.link(&other);
        })))
        .unwrap();
        let ends = [one.monitor(), two.monitor()];
        let killer = tokio::spawn({
            let one = one.clone();
            async move { one.stop(Reason::Failed("one".into())) }
        });
        two.stop(Reason::Failed("two".into()));
        soon(killer).await.unwrap();
        for end in ends {
            soon(end.down()).await.unwrap();
        }
    }
    assert_eq!(system.agents(), 0);
}

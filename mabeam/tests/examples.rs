//! The examples run, end well and print what they are about.
#![cfg(feature = "runtime")]
#![expect(clippy::expect_used, reason = "a test that can't go on must say why")]

use std::process::Command;

/// Runs an example, which cargo builds beside the tests, and returns what it printed.
fn run(example: &str) -> String {
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("target/debug/deps");
    let program =
        profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(program)
        .output()
        .expect("the example is built: `cargo test` does it unless targets are selected");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}: {}\n{complaints}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn hello_counts() {
    assert_eq!(run("hello"), "AgentRef(counter) counted to 3\n");
}

#[test]
fn request_reply_shows_a_deadline_and_a_later_answer() {
    let printed = run("request_reply");
    assert!(printed.contains("asked too early: agent-1 did not answer within 50ms\n"), "{printed}");
    assert!(printed.contains("asked again: forty-two; of the two, 1 still waited\n"), "{printed}");
}

#[test]
fn fan_out_shows_partial_results_and_a_quorum() {
    let printed = run("fan_out");
    assert!(printed.contains("of 1000 voted"), "{printed}");
    assert!(printed.contains("agent-8 has ended: killed\n"), "{printed}");
    assert!(printed.contains("the quorum is there"), "{printed}");
}

#[test]
fn monitor_replaces_what_panicked() {
    let printed = run("monitor");
    assert!(printed.contains("worker 2 ended: panic: worker 2 has no luck\n"), "{printed}");
    assert!(printed.ends_with("worker 3 ended: normal\nthe boss has ended\n"), "{printed}");
}

#[test]
fn supervision_shows_a_worker_that_was_begun_anew_and_the_tree() {
    let printed = run("supervision");
    assert!(
        printed.contains("agent-6 ended before it answered: panic: `twelve` is no number"),
        "{printed}"
    );
    assert!(printed.contains("worker 1, job 1: 49\n"), "{printed}");
    assert!(printed.contains("1 restart\n"), "{printed}");
}

//! Child processes with a deadline and a tail of what they said.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How much of a failed child's standard error is kept for the message.
const TAIL_BYTES: usize = 2000;
/// Output beyond this is read and thrown away.
const OUTPUT_BYTES: u64 = 64 << 20;

/// Why a child did not end well, in a sentence.
pub(super) type Complaint = String;

/// Runs `command` to its end, or kills it after `deadline`. Returns what it printed.
pub(super) fn run(command: &mut Command, deadline: Duration) -> Result<Vec<u8>, Complaint> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{program}` could not be started: {error}"))?;
    let (closed, ends) = mpsc::channel();
    let stdout = drain(child.stdout.take(), closed.clone());
    let stderr = drain(child.stderr.take(), closed);
    // A pipe closes when the last process that holds it has ended: that is the event to wait for.
    let ends_by = Instant::now() + deadline;
    let in_time = (0..2).all(|_| {
        let left = ends_by.saturating_duration_since(Instant::now());
        ends.recv_timeout(left).is_ok()
    });
    if !in_time {
        end(&mut child);
        return Err(format!("`{program}` was ended after {} s", deadline.as_secs()));
    }
    let status = child.wait().map_err(|error| format!("`{program}` was lost: {error}"))?;
    let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().unwrap_or_default());
    if status.success() {
        return Ok(stdout);
    }
    // The cut may fall inside a character, which is then shown as a replacement.
    let tail = &stderr[stderr.len().saturating_sub(TAIL_BYTES)..];
    Err(format!("`{program}` ended with {status}: {}", String::from_utf8_lossy(tail).trim()))
}

/// Kills and reaps; a child that is gone already is as good.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn drain(
    pipe: Option<impl Read + Send + 'static>,
    closed: mpsc::Sender<()>,
) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(pipe) = pipe {
            let mut pipe = pipe.take(OUTPUT_BYTES);
            let _ = pipe.read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe.into_inner(), &mut std::io::sink());
        }
        let _ = closed.send(());
        kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_is_returned_and_failure_names_status_and_last_words() {
        assert_eq!(run(&mut sh("printf hello"), Duration::from_secs(60)), Ok(b"hello".to_vec()));
        let complaint = run(&mut sh("echo broken >&2; exit 7"), Duration::from_secs(60));
        let complaint = complaint.expect_err("exit code 7");
        assert!(complaint.contains("exit status: 7"), "{complaint}");
        assert!(complaint.contains("broken"), "{complaint}");
    }

    #[test]
    fn a_child_that_does_not_end_is_ended() {
        let complaint = run(&mut sh("exec tail -f /dev/null"), Duration::from_millis(50));
        assert!(complaint.expect_err("killed").contains("was ended"));
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let complaint = run(&mut Command::new("no-such-program"), Duration::from_secs(1));
        assert!(complaint.expect_err("absent").contains("`no-such-program`"));
    }
}

//! A child process that may take only so long.
//!
//! Owns the wait and the end at the deadline; what was printed until then is kept, because it is
//! what tells where a program hangs. Ends the child itself, not what the child has started.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

/// Of each stream this much is kept; what follows is read and thrown away.
const KEPT_BYTES: usize = 64 << 20;
const CHUNK_BYTES: usize = 8 << 10;
/// Chunks under way from the readers.
const CHUNKS: usize = 16;

/// What a child printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// Standard output, then standard error.
    pub(crate) printed: Vec<u8>,
    pub(crate) ending: Ending,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself.
    Exited(ExitStatus),
    /// By us, after this time.
    Overdue(Duration),
}

#[derive(Clone, Copy)]
enum Stream {
    Output,
    Error,
}

/// Runs `command` to its end, or ends it after `deadline`.
pub(super) fn run(command: &mut Command, deadline: Duration) -> io::Result<Run> {
    let until = Instant::now() + deadline;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (sender, chunks) = mpsc::sync_channel(CHUNKS);
    forward(child.stdout.take(), Stream::Output, sender.clone());
    forward(child.stderr.take(), Stream::Error, sender);
    let (mut output, mut error) = (Vec::new(), Vec::new());
    // The channel closes when the last process that holds a pipe has ended. What is left is looked
    // at each time: a child that prints without end always has a chunk ready.
    let is_overdue = loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break true;
        }
        match chunks.recv_timeout(left) {
            Ok((Stream::Output, chunk)) => keep(&mut output, &chunk),
            Ok((Stream::Error, chunk)) => keep(&mut error, &chunk),
            Err(RecvTimeoutError::Disconnected) => break false,
            Err(RecvTimeoutError::Timeout) => break true,
        }
    };
    let ending = if is_overdue {
        end(&mut child);
        Ending::Overdue(deadline)
    } else {
        Ending::Exited(child.wait()?)
    };
    output.append(&mut error);
    Ok(Run { printed: output, ending })
}

/// Sends what comes through `pipe`, until its end or until nobody listens.
fn forward(
    pipe: Option<impl Read + Send + 'static>,
    stream: Stream,
    chunks: SyncSender<(Stream, Vec<u8>)>,
) {
    let Some(mut pipe) = pipe else { return };
    thread::spawn(move || {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            match pipe.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    if chunks.send((stream, buffer[..length].to_vec())).is_err() {
                        return;
                    }
                }
            }
        }
    });
}

fn keep(kept: &mut Vec<u8>, chunk: &[u8]) {
    let room = KEPT_BYTES.saturating_sub(kept.len());
    kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
}

/// Kills and reaps; a child that is gone already is as good.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, deadline: Duration) -> Run {
        run(Command::new("sh").args(["-c", script]), deadline).expect("sh starts")
    }

    #[test]
    fn both_streams_are_returned_with_the_status() {
        let run = sh("printf out; printf err >&2; exit 7", Duration::from_secs(60));
        assert_eq!(run.printed, b"outerr");
        assert!(matches!(run.ending, Ending::Exited(status) if status.code() == Some(7)));
    }

    #[test]
    fn a_child_that_hangs_is_ended_and_what_it_printed_is_kept() {
        let deadline = Duration::from_secs(2);
        let run = sh("echo before; exec tail -f /dev/null", deadline);
        assert_eq!(run.ending, Ending::Overdue(deadline));
        assert_eq!(run.printed, b"before\n");
    }

    #[test]
    fn a_child_that_prints_without_end_is_ended() {
        let deadline = Duration::from_millis(50);
        let run = run(&mut Command::new("yes"), deadline).expect("yes starts");
        assert_eq!(run.ending, Ending::Overdue(deadline));
    }
}

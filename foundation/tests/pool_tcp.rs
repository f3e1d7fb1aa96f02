//! The pool against a real server that dies and comes back, while callers give up as they please.
#![cfg(feature = "pool")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "for tests")]

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use foundation::pool::{Connect, GetError, Pool, PoolSettings, Pooled};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::timeout;

/// Far beyond what a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects to the server and asks it for an echo.
struct Echo(SocketAddr);

impl Connect for Echo {
    type Connection = TcpStream;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.0).await
    }

    async fn check(&self, line: &mut TcpStream) -> io::Result<()> {
        echo(line, 0).await
    }
}

/// Sends a byte and expects it back.
async fn echo(line: &mut TcpStream, byte: u8) -> io::Result<()> {
    line.write_all(&[byte]).await?;
    if line.read_u8().await? == byte { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// A server whose port stays its own while it is down.
enum Server {
    Down(TcpSocket),
    Up { address: SocketAddr, retire: oneshot::Sender<()>, serving: JoinHandle<()> },
}

impl Server {
    fn bound(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::Down(socket))
    }

    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Down(socket) => socket.local_addr(),
            Self::Up { address, .. } => Ok(*address),
        }
    }

    fn rise(self) -> io::Result<Self> {
        let Self::Down(socket) = self else { return Ok(self) };
        let address = socket.local_addr()?;
        let listener = socket.listen(1024)?;
        let (retire, retired) = oneshot::channel();
        Ok(Self::Up { address, retire, serving: tokio::spawn(serve(listener, retired)) })
    }

    /// Cuts every line and stops listening.
    async fn die(self) -> io::Result<Self> {
        let Self::Up { address, serving, .. } = self else { return Ok(self) };
        serving.abort();
        assert!(serving.await.is_err_and(|error| error.is_cancelled()));
        Self::bound(address)
    }

    /// Stops listening and waits until its clients have closed every line.
    async fn outlive_its_clients(self) {
        let Self::Up { retire, serving, .. } = self else { return };
        assert!(retire.send(()).is_ok());
        timeout(PATIENCE, serving).await.expect("a client keeps its line open").unwrap();
    }
}

async fn serve(listener: TcpListener, mut retired: oneshot::Receiver<()>) {
    let mut lines = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut retired => break,
            accepted = listener.accept() => {
                let (mut line, _) = accepted.unwrap();
                lines.spawn(async move {
                    while let Ok(byte) = line.read_u8().await {
                        if line.write_all(&[byte]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        }
    }
    drop(listener);
    lines.join_all().await;
}

fn any_port() -> io::Result<Server> {
    Server::bound(SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn patient(size: usize, max_overflow: usize) -> PoolSettings {
    PoolSettings {
        size,
        max_overflow,
        get_timeout: PATIENCE,
        check_timeout: PATIENCE,
        ..PoolSettings::default()
    }
}

#[tokio::test]
async fn gets_fail_with_the_cause_while_the_server_is_down_and_work_once_it_is_back()
-> io::Result<()> {
    let server = any_port()?.rise()?;
    let pool = Pool::new(Echo(server.address()?), patient(2, 0)).unwrap();
    let (mut first, mut second) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    echo(&mut first, 1).await?;
    echo(&mut second, 2).await?;
    drop((first, second));
    assert_eq!(pool.status().idle, 2);

    let server = server.die().await?;
    for failed_checks in [1, 2, 2] {
        let Err(GetError::Connect { attempts: 1, source }) = pool.get().await else {
            panic!("a connection to a server that is down");
        };
        assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(pool.status().failed_checks, failed_checks);
        assert_eq!(pool.status().in_use, 0);
    }
    assert_eq!(pool.status().idle, 0);

    let server = server.rise()?;
    let (mut first, mut second) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    echo(&mut first, 3).await?;
    echo(&mut second, 4).await?;
    let status = pool.status();
    assert_eq!((status.created, status.closed, status.failed_connects), (4, 2, 3));
    drop((first, second));
    pool.drain(PATIENCE).await.unwrap();
    server.outlive_its_clients().await;
    Ok(())
}

/// Uses the pool `rounds` times and counts its successes. Every tenth caller waits for what comes;
/// the others give up after a varying number of polls.
async fn call(pool: Pool<Echo>, caller: usize, rounds: usize) -> usize {
    let mut served = 0;
    for round in 0..rounds {
        let mut patience = (!caller.is_multiple_of(10)).then_some((caller * 5 + round * 3) % 11);
        let mut get = pin!(pool.get());
        let got = poll_fn(|context| match get.as_mut().poll(context) {
            Poll::Ready(got) => Poll::Ready(Some(got)),
            Poll::Pending => match &mut patience {
                None => Poll::Pending,
                Some(0) => Poll::Ready(None),
                Some(left) => {
                    *left -= 1;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            },
        });
        match got.await {
            Some(Ok(mut line)) => match echo(&mut line, 7).await {
                Ok(()) => served += 1,
                Err(_) => Pooled::discard(line),
            },
            Some(Err(GetError::Connect { .. })) | None => {}
            Some(Err(other)) => panic!("{other}"),
        }
        yield_now().await;
    }
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_flaps_under_callers_that_give_up_costs_the_pool_nothing() -> io::Result<()> {
    const CALLERS: usize = 40;
    let mut server = any_port()?.rise()?;
    let pool = Pool::new(Echo(server.address()?), patient(3, 2)).unwrap();
    for _ in 0..4 {
        let callers: Vec<_> =
            (0..CALLERS).map(|caller| tokio::spawn(call(pool.clone(), caller, 25))).collect();
        server = server.die().await?;
        yield_now().await;
        server = server.rise()?;
        for caller in callers {
            caller.await.unwrap();
        }
        let status = pool.status();
        assert_eq!((status.in_use, status.waiting), (0, 0), "{status:?}");
        assert!(status.idle <= 3, "{status:?}");
        assert_eq!(status.created - status.closed, status.idle as u64);
    }
    // Every slot is there, and every line works.
    let mut lines = Vec::new();
    for byte in 0..5 {
        let mut line = pool.get_within(PATIENCE).await.unwrap();
        echo(&mut line, byte).await?;
        lines.push(line);
    }
    drop(lines);
    assert_eq!(call(pool.clone(), 0, 10).await, 10);
    assert_eq!(pool.status().idle, 3);
    pool.drain(PATIENCE).await.unwrap();
    // No line leaked: the server sees all of them end.
    server.outlive_its_clients().await;
    Ok(())
}

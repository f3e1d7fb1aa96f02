//! Eight callers share a pool of two connections, and two more under pressure, to a server that is
//! restarted underneath them.
//!
//! `cargo run -p foundation --example pool --features pool`

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use foundation::pool::{Connect, Pool, PoolSettings, Pooled};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connects to the server of this example.
struct Doubler(SocketAddr);

impl Connect for Doubler {
    type Connection = TcpStream;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.0).await
    }

    async fn check(&self, line: &mut TcpStream) -> io::Result<()> {
        double(line, 0).await.map(drop)
    }
}

/// Asks the server for twice `number`.
async fn double(line: &mut TcpStream, number: u16) -> io::Result<u16> {
    line.write_u16(number).await?;
    line.read_u16().await
}

/// Answers on every line until it is dropped, and all lines with it.
async fn serve(listener: TcpListener) -> io::Result<()> {
    let mut lines = JoinSet::new();
    loop {
        let (mut line, _) = listener.accept().await?;
        lines.spawn(async move {
            while let Ok(number) = line.read_u16().await {
                line.write_u16(number.wrapping_mul(2)).await?;
            }
            io::Result::Ok(())
        });
    }
}

async fn ask(pool: Pool<Doubler>, number: u16) -> Result<u16, Box<dyn Error + Send + Sync>> {
    let mut line = pool.get().await?;
    match double(&mut line, number).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            // Nobody knows what is still under way on this line.
            Pooled::discard(line);
            Err(error.into())
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(listener));

    let settings = PoolSettings { size: 2, max_overflow: 2, ..PoolSettings::default() };
    let pool = Pool::new(Doubler(address), settings)?;
    let mut callers = JoinSet::new();
    for number in 0..8 {
        callers.spawn(ask(pool.clone(), number));
    }
    while let Some(answer) = callers.join_next().await {
        println!("answer: {}", answer??);
    }
    println!("after eight callers: {:?}", pool.status());

    server.abort();
    drop(server.await);
    if let Err(error) = ask(pool.clone(), 21).await {
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        println!("while the server is down: {error}: {source}");
    }

    let server = tokio::spawn(serve(TcpListener::bind(address).await?));
    println!("once it is back: {}", ask(pool.clone(), 21).await?);

    pool.drain(Duration::from_secs(5)).await?;
    println!("after the end: {:?}", pool.status());
    server.abort();
    Ok(())
}

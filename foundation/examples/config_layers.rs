//! Configuration in layers: a file, the environment and the running program, each value with its
//! source; a secret; and a bad file that changes nothing.
//!
//! `cargo run -p foundation --example config_layers`

use std::error::Error;
use std::fs;
use std::time::Duration;

use foundation::config::{Config, KeySpec, Schema, Secret};

const KEYS: &[KeySpec] = &[
    KeySpec::integer("shop.workers", 4, 1..=64).doc("How many orders are packed at a time."),
    KeySpec::duration("shop.patience", Duration::from_secs(5), Duration::ZERO..=Duration::MAX)
        .doc("How long an order waits for a worker."),
    KeySpec::secret("shop.token").doc("What the bank knows the shop by."),
];

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("shop.toml");
    fs::write(&file, "[shop]\nworkers = 8\npatience = '10 s'\n")?;

    // A program passes `std::env::vars_os()`.
    let environment = [("SHOP__SHOP__PATIENCE", "1 min"), ("SHOP__SHOP__TOKEN", "hunter2")];
    let config = Config::builder(Schema::new(&[KEYS])?)
        .file(&file)
        .optional_file(directory.path().join("local.toml"))
        .environment("SHOP", environment)
        .build()?;
    show(&config)?;

    // Hot paths read a key; it notices every change.
    let mut workers = config.key::<usize>("shop.workers")?;
    config.update(|draft| Ok(draft.set("shop.workers", 16)?))?;
    println!("\nworkers: {}", workers.get());

    // The override stays above the file until it is cleared.
    fs::write(&file, "[shop]\nworkers = 12\n")?;
    println!("reloaded: {:?}", config.reload()?);
    config.update(|draft| Ok(draft.clear("shop.workers")?))?;
    println!("cleared: {}", workers.get());

    // Nothing of a bad file counts.
    fs::write(&file, "[shop]\nworkers = 100\npatiense = '1 s'\n")?;
    if let Err(error) = config.reload() {
        println!("\nrefused:\n{error}");
    }
    println!("workers: {}", workers.get());

    let token: Secret = config.get("shop.token")?;
    println!("\nthe token is {token} and has {} bytes", token.expose().len());
    Ok(())
}

fn show(config: &Config) -> Result<(), Box<dyn Error>> {
    let snapshot = config.snapshot();
    for (path, value) in snapshot.iter() {
        println!("{path} = {value} from {}", snapshot.source(path)?);
    }
    Ok(())
}

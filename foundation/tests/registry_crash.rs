//! What a registry on record promises about the death of its process, whenever that comes.
//!
//! The test starts itself as a child that registers and unregisters, and says on its standard output
//! what it is about to do and what was done. The parent kills it after some lines, at a point that
//! depends on the round, reopens the file and compares.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "in tests")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use foundation::registry::{DurableRegistry, Metadata, Name, Registry, SqliteBackend};
use foundation::sqlite::DatabaseLimits;

/// Tells the child where the file is.
const FILE: &str = "REGISTRY_CRASH_FILE";
/// Tells the child where its random numbers begin.
const SEED: &str = "REGISTRY_CRASH_SEED";
const ROUNDS: u64 = 20;
const NAMES: u64 = 40;

/// What is known of a name from the child's last word on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It is on record.
    Registered,
    /// It may be.
    Uncertain,
    /// It is not.
    Gone,
}

/// Knuth's MMIX generator.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

async fn open(path: &Path) -> (DurableRegistry<u64>, Arc<SqliteBackend>) {
    let backend = Arc::new(SqliteBackend::open(path, &DatabaseLimits::default()).unwrap());
    let records = Arc::clone(&backend);
    (DurableRegistry::open(Registry::new(), records).await.unwrap(), backend)
}

/// Runs until it is killed; outside of the test below, does nothing.
#[tokio::test]
async fn child() {
    let Ok(path) = env::var(FILE) else { return };
    let mut out = io::stdout().lock();
    // The name of the test stands before the first line.
    let mut say = |what: &str, name: &str| {
        writeln!(out, "\n{what} {name}").unwrap();
        out.flush().unwrap();
    };
    let (registry, _backend) = open(path.as_ref()).await;
    let mut held = HashMap::new();
    let mut seed = env::var(SEED).unwrap().parse().unwrap();
    loop {
        let text = format!("crash/{}", next(&mut seed) % NAMES);
        match held.remove(&text) {
            None => {
                say("uncertain", &text);
                let (name, metadata) = (Name::new(&text).unwrap(), Metadata::from([("k", "v")]));
                let registered = registry.register(name, 1, metadata).await.unwrap();
                say("registered", &text);
                held.insert(text, registered);
            }
            Some(registered) => {
                say("uncertain", &text);
                registered.unregister().await.unwrap();
                say("gone", &text);
            }
        }
    }
}

/// Kills a child that works on the file at `path` once it has said `lines` lines; applies all that
/// it said to `known`.
fn kill_after(path: &Path, seed: u64, lines: usize, known: &mut BTreeMap<String, Known>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FILE, path)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = 0;
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        // The last line may be torn: what it would have said is then left uncertain.
        if let Some((what, name)) = line.strip_suffix('\n').and_then(|line| line.split_once(' ')) {
            let what = match what {
                "registered" => Some(Known::Registered),
                "uncertain" => Some(Known::Uncertain),
                "gone" => Some(Known::Gone),
                _ => None,
            };
            if let Some(what) = what {
                known.insert(name.to_owned(), what);
                heard += 1;
                if heard == lines {
                    child.kill().unwrap();
                }
            }
        }
        line.clear();
    }
    child.wait().unwrap();
    assert!(heard >= lines, "the child ended by itself after {heard} lines");
}

#[tokio::test]
async fn after_every_kill_what_was_acknowledged_and_had_not_ended_is_recovered() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.db");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut known = BTreeMap::new();
    for round in 0..ROUNDS {
        let lines = 1 + usize::try_from(next(&mut seed) % 300).unwrap();
        kill_after(&path, seed, lines, &mut known);
        let (registry, backend) = open(&path).await;
        let recovered = registry.recovered();
        assert!(recovered.iter().all(|record| record.metadata.get("k") == Some("v")));
        let names: BTreeSet<String> =
            recovered.iter().map(|record| record.name.to_string()).collect();
        for (name, known) in &known {
            match known {
                Known::Registered => assert!(names.contains(name), "{name} lost in round {round}"),
                Known::Gone => assert!(!names.contains(name), "{name} is back in round {round}"),
                Known::Uncertain => {}
            }
        }
        assert!(names.iter().all(|name| known.contains_key(name)), "invented in round {round}");
        // The next child takes over what it registers; the rest stays on record.
        known.retain(|name, _| names.contains(name));
        for known in known.values_mut() {
            *known = Known::Registered;
        }
        drop(registry);
        backend.close().await;
    }
}

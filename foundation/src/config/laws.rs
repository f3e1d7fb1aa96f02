//! Laws of the configuration: against a plain map, from files, and seen by readers in a race.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::registry;

mod layers;
mod secrets;

const KEYS: &[KeySpec] = &[
    KeySpec::integer("t.a", 0, -10..=10).doc("a"),
    KeySpec::integer("t.b", 0, -10..=10).doc("b"),
    KeySpec::float("t.ratio", 0.5, 0.0..=1.0).doc("A share | of one."),
    KeySpec::bool("t.on", true),
    KeySpec::non_empty_text("t.name", "x"),
    KeySpec::one_of("t.mode", "fast", &["fast", "safe"]),
    KeySpec::duration(
        "t.wait",
        Duration::from_millis(250),
        Duration::ZERO..=Duration::from_secs(60),
    ),
];

#[expect(clippy::unwrap_used, reason = "for tests")]
fn config() -> Config {
    Config::new(Schema::new(&[KEYS]).unwrap())
}

proptest! {
    #[test]
    fn updates_behave_like_a_map_that_takes_all_of_them_or_none(
        updates in vec(vec((0_usize..3, -13_i64..13), 0..4), 0..40),
    ) {
        let paths = ["t.a", "t.b", "t.typo"];
        let config = config();
        let mut changes = config.changes();
        let mut model: BTreeMap<&str, i64> = BTreeMap::from([("t.a", 0), ("t.b", 0)]);
        let mut version = 0;
        let mut key = config.key::<i64>("t.b").unwrap();
        for update in updates {
            let valid =
                update.iter().all(|(path, value)| *path < 2 && (-10..=10).contains(value));
            let result = config.update(|draft| {
                for (path, value) in &update {
                    draft.set(paths[*path], *value)?;
                }
                Ok(())
            });
            let before = model.clone();
            if valid {
                for (path, value) in &update {
                    model.insert(paths[*path], *value);
                }
                version += u64::from(model != before);
                prop_assert_eq!(result, Ok(version));
            } else {
                prop_assert!(matches!(result, Err(UpdateError::Rejected(_))));
            }
            let changed: Vec<_> =
                model.iter().filter(|(path, value)| before[*path] != **value).collect();
            match changes.try_next().unwrap() {
                Some(change) => {
                    prop_assert_eq!(change.version, version);
                    let paths: Vec<_> = changed.iter().map(|(path, _)| **path).collect();
                    prop_assert_eq!(&*change.keys, paths);
                }
                None => prop_assert!(changed.is_empty()),
            }
            prop_assert_eq!(config.snapshot().version(), version);
            for (path, value) in &model {
                prop_assert_eq!(config.get::<i64>(path), Ok(*value));
            }
            prop_assert_eq!(*key.get(), model["t.b"]);
        }
    }
}

#[test]
fn readers_never_see_half_of_an_update_and_no_increment_is_lost() {
    const WRITERS: u8 = 2;
    const ROUNDS: u16 = 2000;
    const WIDE: &[KeySpec] =
        &[KeySpec::integer("w.a", 0, 0..=i64::MAX), KeySpec::integer("w.b", 0, 0..=i64::MAX)];
    let config = Config::new(Schema::new(&[WIDE]).unwrap());
    let done = AtomicBool::new(false);
    let start = Barrier::new(2 + usize::from(WRITERS));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut key = config.key::<i64>("w.a").unwrap();
                let mut last = 0;
                start.wait();
                while !done.load(Ordering::SeqCst) {
                    let before = *key.get();
                    let snapshot = config.snapshot();
                    let a = snapshot.get::<i64>("w.a").unwrap();
                    assert_eq!(a, snapshot.get::<i64>("w.b").unwrap());
                    assert!(last <= before && before <= a && a <= *key.get());
                    last = a;
                }
            });
        }
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..ROUNDS {
                        let added = config.update(|draft| {
                            let next = draft.get::<i64>("w.a")? + 1;
                            draft.set("w.a", next)?;
                            draft.set("w.b", next)?;
                            Ok(())
                        });
                        added.unwrap();
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::SeqCst);
        assert!(outcomes.iter().all(Result::is_ok));
    });
    let increments = u64::from(WRITERS) * u64::from(ROUNDS);
    assert_eq!(config.get("w.a"), Ok(increments));
    assert_eq!(config.snapshot().version(), increments);
}

#[test]
fn an_edit_may_update_another_configuration_but_not_its_own() {
    let (own, other) = (config(), config());
    let result = own.update(|draft| {
        assert_eq!(other.update(|draft| Ok(draft.set("t.a", 1)?)), Ok(1));
        assert_eq!(own.clone().update(|draft| Ok(draft.set("t.a", 2)?)), Err(UpdateError::Nested));
        Ok(draft.set("t.b", 3)?)
    });
    assert_eq!(result, Ok(1));
    assert_eq!((own.get("t.a"), own.get("t.b")), (Ok(0_i64), Ok(3_i64)));
    assert_eq!(own.update(|draft| Ok(draft.set("t.a", 4)?)), Ok(2));
}

#[test]
fn an_edit_gives_up_with_an_error_of_its_own() {
    let config = config();
    let refused = config.update(|draft| {
        draft.set("t.a", 1)?;
        let failed = || "many".parse::<i64>().map_err(UpdateError::aborted);
        Ok(draft.set("t.b", failed()?)?)
    });
    let Err(UpdateError::Aborted(reason)) = refused else { panic!("not aborted: {refused:?}") };
    assert!(reason.downcast_ref::<std::num::ParseIntError>().is_some());
    assert_eq!(config.get::<i64>("t.a"), Ok(0));
}

#[test]
fn a_panic_in_an_edit_changes_nothing_and_blocks_nobody() {
    let config = config();
    let edit = |draft: &mut Draft| {
        draft.set("t.a", 1)?;
        panic!("in the edit")
    };
    let panicked = thread::scope(|scope| scope.spawn(|| config.update(edit)).join());
    assert!(panicked.is_err());
    assert_eq!(config.get::<i64>("t.a"), Ok(0));
    assert_eq!(config.update(|draft| Ok(draft.set("t.a", 2)?)), Ok(1));
}

/// Updates the configuration when it is woken.
struct Updates(Config);

impl Wake for Updates {
    fn wake(self: Arc<Self>) {
        let updated = self.0.update(|draft| Ok(draft.set("t.b", 2)?));
        assert_eq!(updated, Ok(2));
    }
}

#[test]
fn a_waker_may_update_the_configuration_whose_change_woke_it() {
    let config = config();
    let mut changes = config.changes();
    let waker = Waker::from(Arc::new(Updates(config.clone())));
    assert!(changes.poll_next(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(config.update(|draft| Ok(draft.set("t.a", 1)?)), Ok(1));
    assert_eq!((config.get("t.a"), config.get("t.b")), (Ok(1_i64), Ok(2_i64)));
    let versions = [1, 2].map(|_| changes.try_next().unwrap().unwrap().version);
    assert_eq!(versions, [1, 2]);
}

#[test]
fn a_file_sets_every_kind_of_value() {
    let text =
        "t.wait = '2 s'\nt.a = 0x7\nt.ratio = 1\nt.on = false\nt.name = 'é'\nt.mode = 'safe'";
    let config = Config::from_toml(Schema::new(&[KEYS]).unwrap(), text, "all.toml").unwrap();
    assert_eq!(config.get("t.a"), Ok(7_i64));
    assert_eq!(config.get("t.ratio"), Ok(1.0));
    assert_eq!(config.get("t.on"), Ok(false));
    assert_eq!(config.get("t.name"), Ok("é".to_owned()));
    assert_eq!(config.get("t.mode"), Ok(Arc::<str>::from("safe")));
    assert_eq!(config.get("t.wait"), Ok(Duration::from_secs(2)));
    assert_eq!(config.snapshot().version(), 0);
}

#[test]
fn a_bad_file_changes_nothing_and_every_problem_is_reported() {
    let config = config();
    let text = "[t]\na = 11\nb = \"2\"\nratio = nan\nmode = \"slow\"\nname = \"\"\nwait = \"1 day\"\n\
                on = [1]\nnaem = 1\n\"x.y\" = 2\n[t.a2]\ndeep = 1";
    let error = config.apply_toml(text, "bad.toml").unwrap_err();
    let problems = error.to_string();
    assert_eq!(
        problems.lines().collect::<Vec<_>>(),
        [
            "bad.toml:2:5: `t.a` must be an integer from -10 to 10, but is 11",
            "bad.toml:3:5: `t.b` must be an integer from -10 to 10, but is text \"2\"",
            "bad.toml:4:9: `t.ratio` must be a number from 0 to 1, but is NaN",
            "bad.toml:5:8: `t.mode` must be one of \"fast\", \"safe\", but is \"slow\"",
            "bad.toml:6:8: `t.name` must be a text that is not empty, but is \"\"",
            "bad.toml:7:8: `t.wait` must be a duration from 0 s to 1 min, written as a whole number \
             and one of ns, us, ms, s, min, h, such as \"250 ms\", but is \"1 day\"",
            "bad.toml:8:6: `t.on` must be true or false, but is of type array",
            "bad.toml:9:1: `t.naem` is no known key; did you mean `t.name`?",
            "bad.toml:10:1: `t.\"x.y\"` is no known key",
            "bad.toml:11:4: `t.a2` is no known key; did you mean `t.a`?",
        ]
    );
    assert_eq!(config.snapshot().version(), 0);
}

#[test]
fn a_broken_file_is_reported_with_its_place() {
    let config = config();
    let Err(UpdateError::Rejected(rejection)) = config.apply_toml("[t]\na = = 1", "b.toml") else {
        panic!("a broken file was accepted");
    };
    let first = &rejection.problems[0];
    assert!(matches!(first.violation, Violation::Syntax { .. }), "{first}");
    assert!(matches!(first.source, Source::File { line: 2, .. }), "{first}");
}

#[test]
fn a_file_is_bounded_in_length_depth_and_problems() {
    let config = config();
    let refused = |text: &str| config.apply_toml(text, "l.toml").unwrap_err().to_string();

    let comment = "#".repeat(1 << 20);
    assert_eq!(config.apply_toml(&comment, "l.toml"), Ok(0));
    let long = refused(&(comment + "#"));
    assert_eq!(long, "l.toml:1:1: the file has 1048577 bytes, the limit is 1048576");

    // Backwards, so that the order of the keys is not that of the lines.
    let many: Vec<_> = (0..120).rev().map(|key| format!("key{key:03} = 0\n")).collect();
    let many = refused(&many.concat());
    let lines: Vec<_> = many.lines().collect();
    assert_eq!(lines.len(), 101);
    assert_eq!(lines[0], "l.toml:1:1: `key119` is no known key");
    assert_eq!(lines[99], "l.toml:100:1: `key020` is no known key");
    assert_eq!(lines[100], "and 20 more; at most 100 are listed");

    // No path of this schema has more than two parts.
    assert_eq!(refused("[t.other.y.z]\na = 1\nb = 1"), "l.toml:1:4: `t.other` is no known key");
    let deep = "t.".repeat(100_000);
    assert!(config.apply_toml(&format!("{deep}a = 1"), "l.toml").is_err());
    assert!(config.apply_toml(&format!("[{deep}a]"), "l.toml").is_err());
    assert!(config.apply_toml(&format!("t.a = {}", "[".repeat(200_000)), "l.toml").is_err());
    assert_eq!(refused("\"\".t.a = 1"), "l.toml:1:4: `\"\".t` is no known key");
}

#[test]
fn an_edit_passes_on_what_it_cannot_read() {
    let config = config();
    let failed = config.update(|draft| {
        let next = draft.get::<i64>("t.A")? + 1;
        Ok(draft.set("t.a", next)?)
    });
    let unknown = config.get::<i64>("t.A").unwrap_err();
    assert_eq!(failed, Err(UpdateError::Read(unknown)));
}

#[test]
fn a_reset_before_a_file_lets_deleted_lines_count() {
    let config = config();
    config.apply_toml("[t]\na = 3\nb = 4", "one.toml").unwrap();
    config.apply_toml("[t]\na = 5", "two.toml").unwrap();
    assert_eq!((config.get("t.a"), config.get("t.b")), (Ok(5_i64), Ok(4_i64)));
    let reloaded = config.update(|draft| {
        draft.reset();
        Ok(draft.apply_toml("[t]\na = 6", "three.toml")?)
    });
    assert_eq!(reloaded, Ok(3));
    assert_eq!((config.get("t.a"), config.get("t.b")), (Ok(6_i64), Ok(0_i64)));
}

#[test]
fn whole_numbers_of_every_type_can_be_set_and_none_wraps() {
    const WIDE: &[KeySpec] = &[
        KeySpec::integer("w.n", 0, i64::MIN..=i64::MAX),
        KeySpec::float("w.f", 0.0, 0.0..=f64::MAX),
    ];
    let config = Config::new(Schema::new(&[WIDE]).unwrap());
    let set = |value: Value| config.update(|draft| Ok(draft.set("w.n", value)?));
    for value in [Value::from(7_u8), 7_i16.into(), 7_u64.into(), 7_usize.into(), 7_isize.into()] {
        assert_eq!(set(value), Ok(1));
    }
    let error = set(u64::MAX.into()).unwrap_err().to_string();
    assert!(error.ends_with("but is float 1.8446744073709552e19"), "{error}");
    assert_eq!(config.update(|draft| Ok(draft.set("w.f", u64::MAX)?)), Ok(2));
    assert_eq!(config.get::<i64>("w.n"), Ok(7));
}

#[test]
fn a_read_that_could_fail_later_fails_at_once() {
    let config = config();
    let unsigned = config.key::<u32>("t.a").unwrap_err();
    assert_eq!(unsigned.to_string(), "the key `t.a` is an integer and cannot be read as `u32`");
    let unknown = config.get::<i64>("t.A").unwrap_err();
    assert_eq!(unknown.to_string(), "there is no key `t.A`; did you mean `t.a`?");
    assert!(config.get::<bool>("t.mode").is_err());
}

#[test]
fn changes_end_with_the_last_clone_although_a_key_lives_on() {
    let config = config();
    let mut changes = config.changes();
    let mut key = config.key::<i64>("t.a").unwrap();
    config.clone().update(|draft| Ok(draft.set("t.a", 1)?)).unwrap();
    drop(config);
    assert_eq!(changes.try_next().unwrap().unwrap().version, 1);
    assert_eq!(changes.try_next(), Err(crate::log::NextError::Closed));
    assert_eq!(*key.get(), 1);
}

#[test]
fn the_limits_of_this_crate_are_the_defaults_of_its_keys() {
    let config = Config::new(Schema::new(&[super::KEYS]).unwrap());
    let limits = registry::Limits::from_config(&config).unwrap();
    assert_eq!(limits, registry::Limits::default());
    #[cfg(feature = "events")]
    {
        let limits = crate::events::Limits::from_config(&config).unwrap();
        assert_eq!(limits, crate::events::Limits::default());
    }
    assert!(super::KEYS.iter().all(|key| !key.meaning().is_empty()));
}

#[test]
fn the_reference_page_has_a_row_for_every_key() {
    const TOP: &[KeySpec] = &[KeySpec::integer("budget", -1_234_567, i64::MIN..=0).doc("Top.")];
    let page = reference_markdown(&Schema::new(&[KEYS, TOP]).unwrap(), "APP");
    let head = "## Top level\n\n| key | kind | default | must be | variable | meaning |\n";
    assert!(page.starts_with(head), "{page}");
    for row in [
        "\n| `budget` | integer | `-1_234_567` |",
        "\n\n## `t`\n\n",
        "| `ratio` | float | `0.5` | a number from 0 to 1 | `APP__T__RATIO` | A share \\| of one. |\n",
        "| `wait` | duration | `\"250 ms\"` | a duration from 0 s to 1 min | `APP__T__WAIT` |  |\n",
    ] {
        assert!(page.contains(row), "no {row:?} in {page}");
    }
}

//! Laws of the layers: defaults, files, environment and overrides against a merge of plain maps.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::btree_map;
use proptest::option;
use tempfile::TempDir;

use super::*;

const LAYERED: &[KeySpec] = &[
    KeySpec::integer("l.a", 0, -9..=9),
    KeySpec::integer("l.b", 0, -9..=9),
    KeySpec::integer("l.c", 0, -9..=9),
];
const PREFIX: &str = "APP";

/// Below the directory of a test, from the lowest layer up.
const FILES: [&str; 4] = ["base.toml", "local.toml", "conf.d/10.toml", "conf.d/20.toml"];

/// Some keys, by index, and their values.
type Values = BTreeMap<usize, i64>;

#[derive(Clone, Debug)]
enum Content {
    Values(Values),
    Broken,
    Missing,
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, Content),
    Set(usize, i64),
    Clear(usize),
    Reset,
    Reload,
}

fn values(range: std::ops::Range<i64>) -> impl Strategy<Value = Values> {
    btree_map(0..LAYERED.len(), range, 0..=LAYERED.len())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let content = prop_oneof![
        8 => values(-9..10).prop_map(Content::Values),
        1 => values(-12..12).prop_map(Content::Values),
        1 => Just(Content::Broken),
        2 => Just(Content::Missing),
    ];
    let step = prop_oneof![
        6 => (0..FILES.len(), content).prop_map(|(file, content)| Step::Write(file, content)),
        3 => (0..LAYERED.len(), -12_i64..12).prop_map(|(key, value)| Step::Set(key, value)),
        2 => (0..LAYERED.len()).prop_map(Step::Clear),
        1 => Just(Step::Reset),
        6 => Just(Step::Reload),
    ];
    vec(step, 0..40)
}

fn is_valid(values: &Values) -> bool {
    values.values().all(|value| (-9..=9).contains(value))
}

#[expect(clippy::unwrap_used, reason = "for tests")]
fn write(root: &Path, file: usize, content: &Content) {
    let path = root.join(FILES[file]);
    let line = |(key, value): (&usize, &i64)| format!("{} = {value}\n", LAYERED[*key].path());
    let text = match content {
        Content::Values(values) => values.iter().map(line).collect::<Vec<_>>().concat(),
        Content::Broken => "l.a = = 1".to_owned(),
        Content::Missing => {
            let _ = fs::remove_file(path);
            return;
        }
    };
    fs::write(path, text).unwrap();
}

/// What the configuration is to say.
#[derive(Clone)]
struct Model {
    root: PathBuf,
    on_disk: [Content; FILES.len()],
    /// What the last good read of all files found.
    files: [Values; FILES.len()],
    environment: Values,
    overrides: Values,
}

impl Model {
    /// Takes over what is on disk if all of it is good.
    fn reload(&mut self) -> bool {
        let mut files = self.files.clone();
        for (at, content) in self.on_disk.iter().enumerate() {
            files[at] = match content {
                Content::Values(values) if is_valid(values) => values.clone(),
                Content::Missing if at > 0 => Values::new(),
                _ => return false,
            };
        }
        self.files = files;
        true
    }

    fn value(&self, key: usize) -> (i64, Source) {
        if let Some(value) = self.overrides.get(&key) {
            return (*value, Source::Override);
        }
        if let Some(value) = self.environment.get(&key) {
            let variable = variable(PREFIX, LAYERED[key].path()).into();
            return (*value, Source::Environment { variable });
        }
        for (file, values) in FILES.iter().zip(&self.files).rev() {
            if let Some(value) = values.get(&key) {
                let path = self.root.join(file).to_string_lossy().into();
                let line = values.range(..=key).count();
                return (*value, Source::File { path, line, column: 7 });
            }
        }
        (0, Source::Default)
    }

    fn values(&self) -> Vec<i64> {
        (0..LAYERED.len()).map(|key| self.value(key).0).collect()
    }
}

#[expect(clippy::unwrap_used, reason = "for tests")]
fn layered(root: &Path, environment: &Values) -> Config {
    fs::create_dir(root.join("conf.d")).unwrap();
    write(root, 0, &Content::Values(Values::new()));
    let named = environment
        .iter()
        .map(|(key, value)| (variable(PREFIX, LAYERED[*key].path()), value.to_string()));
    Config::builder(Schema::new(&[LAYERED]).unwrap())
        .environment(PREFIX, named)
        .file(root.join(FILES[0]))
        .optional_file(root.join(FILES[1]))
        .directory(root.join("conf.d"))
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn layers_behave_like_a_merge_of_maps_and_a_failing_reload_changes_nothing(
        environment in option::of(values(-9..10)),
        steps in steps(),
    ) {
        let directory = TempDir::new().unwrap();
        let root = directory.path().to_owned();
        let environment = environment.unwrap_or_default();
        let config = layered(&root, &environment);
        let mut changes = config.changes();
        let mut key = config.key::<i64>("l.b").unwrap();
        let empty = Content::Values(Values::new());
        let on_disk = [empty, Content::Missing, Content::Missing, Content::Missing];
        let (files, overrides) = Default::default();
        let mut model = Model { root, on_disk, files, environment, overrides };
        let mut version = 0;
        for step in steps {
            let before = model.values();
            let accepted = match step {
                Step::Write(file, content) => {
                    write(&model.root, file, &content);
                    model.on_disk[file] = content;
                    continue;
                }
                Step::Set(key, value) => {
                    let valid = (-9..=9).contains(&value);
                    if valid {
                        model.overrides.insert(key, value);
                    }
                    let set = config.update(|draft| Ok(draft.set(LAYERED[key].path(), value)?));
                    set.is_ok() == valid
                }
                Step::Clear(key) => {
                    model.overrides.remove(&key);
                    config.update(|draft| Ok(draft.clear(LAYERED[key].path())?)).is_ok()
                }
                Step::Reset => {
                    model.overrides.clear();
                    config.update(|draft| { draft.reset(); Ok(()) }).is_ok()
                }
                Step::Reload => config.reload().is_ok() == model.reload(),
            };
            prop_assert!(accepted);
            let after = model.values();
            version += u64::from(before != after);
            let snapshot = config.snapshot();
            prop_assert_eq!(snapshot.version(), version);
            for (at, spec) in LAYERED.iter().enumerate() {
                let (value, source) = model.value(at);
                prop_assert_eq!(snapshot.get::<i64>(spec.path()), Ok(value));
                prop_assert_eq!(snapshot.source(spec.path()), Ok(&source));
            }
            prop_assert_eq!(*key.get(), after[1]);
            let changed = LAYERED.iter().zip(before.iter().zip(&after));
            let keys: Arc<[_]> =
                changed.filter(|(_, (old, new))| old != new).map(|(spec, _)| spec.path()).collect();
            let told = (!keys.is_empty()).then_some(Change { version, keys });
            prop_assert_eq!(changes.try_next(), Ok(told));
        }
    }
}

#[test]
fn every_problem_of_every_layer_is_reported_with_its_source() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("conf.d")).unwrap();
    fs::write(at("conf.d/b.toml"), "l.a = 10").unwrap();
    fs::write(at("conf.d/a.toml"), "[l]\nx = 0").unwrap();
    fs::write(at("conf.d/.hidden.toml"), "broken").unwrap();
    fs::write(at("conf.d/readme.md"), "no TOML").unwrap();
    let refused = Config::builder(Schema::new(&[LAYERED]).unwrap())
        .environment(
            PREFIX,
            [
                ("APP__L__A", "ten"),
                ("APP__L__BB", "1"),
                ("APP__L__C", " -1_0 "),
                ("APP_L__C", "not of this program"),
            ],
        )
        .document("built in", "l.b = true")
        .file(at("absent.toml"))
        .file(at("conf.d"))
        .optional_file(at("also_absent.toml"))
        .directory(at("conf.d"))
        .optional_directory(at("no_such.d"))
        .build()
        .unwrap_err();
    let root = directory.path().to_string_lossy().into_owned() + "/";
    let refused = refused.to_string().replace(&root, "");
    let expected = [
        "APP__L__A: `l.a` must be an integer from -9 to 9, but is text \"ten\"",
        "APP__L__BB: `l.bb` is no known key; did you mean `l.b`?",
        "APP__L__C: `l.c` must be an integer from -9 to 9, but is -10",
        "built in:1:7: `l.b` must be an integer from -9 to 9, but is bool true",
        &format!("absent.toml:1:1: cannot be read: {}", std::io::Error::from_raw_os_error(2)),
        "conf.d:1:1: cannot be read: it is no regular file",
        "conf.d/a.toml:2:1: `l.x` is no known key; did you mean `l.a`?",
        "conf.d/b.toml:1:7: `l.a` must be an integer from -9 to 9, but is 10",
    ];
    assert_eq!(refused.lines().collect::<Vec<_>>(), expected);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_a_problem_and_no_empty_layer() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("conf.d")).unwrap();
    for link in ["conf.d/10.toml", "local.toml", "more.d"] {
        std::os::unix::fs::symlink(at("gone"), at(link)).unwrap();
    }
    let refused = Config::builder(Schema::new(&[LAYERED]).unwrap())
        .directory(at("conf.d"))
        .optional_file(at("local.toml"))
        .optional_directory(at("more.d"))
        // Nothing is here, whatever the way to it.
        .optional_file(at("more.d/local.toml"))
        .build()
        .unwrap_err();
    let files: Vec<_> = refused.problems.iter().map(|problem| problem.source.to_string()).collect();
    let expected = ["conf.d/10.toml", "local.toml", "more.d"];
    assert_eq!(files, expected.map(|name| format!("{}:1:1", at(name).display())));
    let unreadable = |problem: &Problem| matches!(problem.violation, Violation::Unreadable { .. });
    assert!(refused.problems.iter().all(unreadable), "{refused}");
}

#[test]
fn the_environment_sets_every_kind_of_value() {
    let variables = [
        ("APP__T__A", "0x7"),
        ("APP__T__RATIO", "1"),
        ("APP__T__ON", "false"),
        ("APP__T__NAME", " \"é\" # as it stands"),
        ("APP__T__MODE", "safe"),
        ("APP__T__WAIT", "2 s"),
    ];
    let builder = Config::builder(Schema::new(&[KEYS]).unwrap());
    let config = builder.environment("APP", variables).build().unwrap();
    assert_eq!(config.get("t.a"), Ok(7_i64));
    assert_eq!(config.get("t.ratio"), Ok(1.0));
    assert_eq!(config.get("t.on"), Ok(false));
    assert_eq!(config.get("t.name"), Ok(" \"é\" # as it stands".to_owned()));
    assert_eq!(config.get("t.mode"), Ok("safe".to_owned()));
    assert_eq!(config.get("t.wait"), Ok(Duration::from_secs(2)));
    let deep = "[".repeat(100_000);
    let builder = Config::builder(Schema::new(&[KEYS]).unwrap());
    assert!(builder.environment("APP", [("APP__T__A", deep)]).build().is_err());
}

#[test]
fn an_override_that_changes_no_value_still_stays_above_the_files() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.toml");
    fs::write(&path, "l.a = 1").unwrap();
    let schema = Schema::new(&[LAYERED]).unwrap();
    let config = Config::builder(schema).file(&path).build().unwrap();
    assert_eq!(config.update(|draft| Ok(draft.set("l.a", 1)?)), Ok(0));
    assert_eq!(config.snapshot().source("l.a"), Ok(&Source::Override));
    fs::write(&path, "l.a = 2").unwrap();
    assert_eq!(config.reload().unwrap().version, 0);
    assert_eq!(config.get::<i64>("l.a"), Ok(1));
    assert_eq!(config.update(|draft| Ok(draft.clear("l.a")?)), Ok(1));
    assert_eq!(config.get::<i64>("l.a"), Ok(2));
}

#[test]
fn a_reload_from_within_an_edit_is_refused() {
    let config = config();
    let edit = |_: &mut Draft| config.reload().map(drop);
    assert_eq!(config.update(edit), Err(UpdateError::Nested));
}

#[test]
fn files_are_bounded_in_number_and_length_and_so_are_all_their_problems() {
    let directory = TempDir::new().unwrap();
    let schema = || Schema::new(&[LAYERED]).unwrap();
    let build = || Config::builder(schema()).directory(directory.path()).build();
    let file = |at: usize| directory.path().join(format!("{at}.toml"));
    for at in 0..256 {
        fs::write(file(at), "l.x = 1").unwrap();
    }
    let refused = build().unwrap_err();
    assert_eq!((refused.problems.len(), refused.more), (100, 156));
    assert!(refused.problems.iter().map(|problem| problem.source.to_string()).is_sorted());
    fs::write(file(256), "").unwrap();
    let refused = build().unwrap_err().to_string();
    assert!(refused.ends_with("the directory has more files than the limit of 256"), "{refused}");

    let long = |bytes| {
        fs::write(file(0), "#".repeat(bytes)).unwrap();
        Config::builder(schema()).file(file(0)).build()
    };
    assert!(long(1 << 20).is_ok());
    let refused = long((1 << 20) + 1).unwrap_err().to_string();
    assert!(refused.ends_with("the file has 1048577 bytes, the limit is 1048576"), "{refused}");
    fs::write(file(0), b"l.a = '\xff'").unwrap();
    assert!(Config::builder(schema()).file(file(0)).build().is_err());
}

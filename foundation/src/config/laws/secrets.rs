//! Laws of secrets: whatever is printed, the secret is not in it.

use std::fmt::{Debug, Write};

use super::*;

const CANARY: &str = "canary-7f3a";
const DIGITS: &str = "71043771";

const SECRETS: &[KeySpec] = &[
    KeySpec::secret("s.token").doc("Opens the door."),
    KeySpec::integer("s.limit", 1, 0..=10),
    KeySpec::text("s.name", "x"),
];

#[expect(clippy::unwrap_used, reason = "for tests")]
fn schema() -> Schema {
    Schema::new(&[SECRETS]).unwrap()
}

/// Everything that was printed so far.
#[derive(Default)]
struct Printed(String);

impl Printed {
    fn debug(&mut self, what: &impl Debug) {
        let _ = writeln!(self.0, "{what:?}\n{what:#?}");
    }

    fn both(&mut self, what: &(impl Debug + std::fmt::Display)) {
        self.debug(what);
        let _ = writeln!(self.0, "{what}");
    }
}

#[test]
fn nothing_that_holds_a_secret_shows_it() {
    let mut printed = Printed::default();
    let builder = Config::builder(schema())
        .document("app.toml", &format!("s.token = '{CANARY}'"))
        .environment("APP", [("APP__S__TOKEN", CANARY)]);
    printed.debug(&builder);
    let config = builder.build().unwrap();
    let secret: Secret = config.get("s.token").unwrap();
    assert_eq!(secret.expose(), CANARY);
    printed.both(&secret);
    printed.both(&Value::Secret(secret.clone()));
    printed.debug(&config);
    printed.debug(&config.snapshot());
    printed.debug(&config.key::<Secret>("s.token").unwrap());
    printed.both(config.snapshot().source("s.token").unwrap());
    printed.debug(&schema());
    printed.debug(&SECRETS);
    printed.0 += &reference_markdown(&schema(), "APP");

    let mut changes = config.changes();
    config
        .update(|draft| {
            draft.set("s.token", format!("{CANARY}-2"))?;
            printed.debug(draft);
            Ok(())
        })
        .unwrap();
    let change = changes.try_next().unwrap().unwrap();
    assert_eq!(*change.keys, ["s.token"]);
    printed.debug(&change);
    assert_eq!(config.update(|draft| Ok(draft.set("s.token", format!("{CANARY}-2"))?)), Ok(1));

    // A secret is read as one, and kept from keys whose values are shown.
    printed.both(&config.get::<String>("s.token").unwrap_err());
    let misplaced = config.update(|draft| Ok(draft.set("s.name", Value::Secret(secret.clone()))?));
    printed.both(&misplaced.unwrap_err());
    assert!(!printed.0.contains(CANARY), "{}", printed.0);
}

#[test]
fn no_error_about_a_secret_shows_it() {
    let mut printed = Printed::default();
    let config = Config::new(schema());
    let bad_lines = [
        format!("s.token = {CANARY}"),
        format!("s.token = '{CANARY}"),
        format!("s.token = \"{CANARY}\\q\""),
        format!("s.token = '''{CANARY}"),
        format!("s.token = '{CANARY}' '{CANARY}'"),
        format!("s.token = '{CANARY}'\ns.token = '{CANARY}'"),
        format!("s.token = ['{CANARY}']"),
        format!("s.token = {{ '{CANARY}' = 1 }}"),
        format!("s.token.deeper = '{CANARY}'"),
        format!("[s.token]\ndeeper = '{CANARY}'"),
        format!("s.token = {DIGITS}"),
        format!("s.token = {DIGITS}{DIGITS}{DIGITS}"),
        format!("s.token = {DIGITS}.5"),
        format!("s.tokens = '{CANARY}'"),
        format!("s.token = '{CANARY}'\ns.limit = 11"),
        format!("s.token '{CANARY}'"),
        format!("s.token = 2026-01-01T{CANARY}"),
    ];
    for line in &bad_lines {
        printed.both(&config.apply_toml(line, "app.toml").expect_err(line));
        let built = Config::builder(schema()).document("app.toml", line);
        printed.debug(&built);
        printed.both(&built.build().expect_err(line));
    }
    let digits: i64 = DIGITS.parse().unwrap();
    printed.both(&config.update(|draft| Ok(draft.set("s.token", digits)?)).unwrap_err());
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let bytes = [CANARY.as_bytes(), b"\xff"].concat();
        let variable = ("APP__S__TOKEN", std::ffi::OsString::from_vec(bytes));
        printed
            .both(&Config::builder(schema()).environment("APP", [variable]).build().unwrap_err());
    }
    let path = SECRETS[0].check(Value::Bool(true)).unwrap_err();
    printed.both(&path);
    assert!(!printed.0.contains(CANARY), "{}", printed.0);
    assert!(!printed.0.contains(DIGITS), "{}", printed.0);
}

#[test]
fn a_required_secret_that_is_missing_is_refused_with_rule_and_place() {
    const REQUIRED: &[KeySpec] = &[KeySpec::required_secret("db.password")];
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("app.toml");
    let schema = || Schema::new(&[REQUIRED]).unwrap();
    let build = |variables: &[(&str, &str)]| {
        let builder = Config::builder(schema()).optional_file(&path);
        builder.environment("APP", variables.iter().copied()).build()
    };
    let missing = "`db.password` must be a text that is not empty, but is not set; it can be set in a \
                   file or by the variable APP__DB__PASSWORD";
    assert_eq!(build(&[]).unwrap_err().to_string(), missing);
    let without = Config::builder(schema()).optional_file(&path).build().unwrap_err();
    assert_eq!(without.to_string(), missing.replace(" or by the variable APP__DB__PASSWORD", ""));
    let empty = build(&[("APP__DB__PASSWORD", "")]).unwrap_err().to_string();
    assert!(empty.contains("`db.password` must be a text that is not empty, but is"), "{empty}");
    // What something broken may set is not reported as missing.
    let typo = build(&[("APP__DB__PASWORD", CANARY)]).unwrap_err().to_string();
    assert!(!typo.contains("not set"), "{typo}");
    std::fs::write(&path, "db.password = = 1").unwrap();
    let broken = build(&[]).unwrap_err().to_string();
    assert!(!broken.contains("not set"), "{broken}");
    std::fs::write(&path, format!("db.password = '{CANARY}'")).unwrap();
    let config = build(&[]).unwrap();
    std::fs::write(&path, "").unwrap();
    let Err(UpdateError::Rejected(refused)) = config.reload() else { panic!("not refused") };
    assert_eq!(refused.to_string(), missing);
    assert_eq!(config.get::<Secret>("db.password").unwrap().expose(), CANARY);
    assert!(build(&[("APP__DB__PASSWORD", CANARY)]).is_ok());
    let emptied = config.update(|draft| Ok(draft.set("db.password", "")?)).unwrap_err();
    assert_eq!(
        emptied.to_string(),
        "`db.password` must be a text that is not empty, but is <not shown>"
    );
    assert!(reference_markdown(&schema(), "APP").contains("| secret | none, must be set |"));
}

#[test]
fn the_reference_page_says_which_keys_are_secret() {
    let page = reference_markdown(&schema(), "APP");
    let row = "| `token` | secret | never shown | a text | `APP__S__TOKEN` | Opens the door. |\n";
    assert!(page.contains(row), "{page}");
}

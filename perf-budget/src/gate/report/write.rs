//! The report's files.
//!
//! Each file is replaced as a whole: a reader sees the old one or the new one, never a part. The
//! four are not replaced together; `report.json`, which names the run, is written last, so that its
//! presence says that the others are there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Report, html, json, junit, markdown};

/// Where [`write_all`] put the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// For people, in a browser.
    pub html: PathBuf,
    /// For a pull request or a step summary.
    pub markdown: PathBuf,
    /// For whatever shows test results.
    pub junit: PathBuf,
    /// For programs.
    pub json: PathBuf,
}

/// The names of the files.
const NAMES: [&str; 4] = ["report.html", "report.md", "junit.xml", "report.json"];

/// Removes the report of an earlier run from `dir`, so that a run that ends early leaves none that
/// could be taken for its own.
///
/// # Errors
/// The first that occurs, with the path in its message.
pub fn remove_all(dir: &Path) -> io::Result<()> {
    for path in NAMES.map(|name| dir.join(name)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path, &error)),
            _ => {}
        }
    }
    Ok(())
}

/// Writes `report.html`, `report.md`, `junit.xml` and `report.json` into `dir`, which is created if
/// it is missing. Files of other names are left alone.
///
/// # Errors
/// The first that occurs, with the path in its message; files written before it stay.
pub fn write_all(report: &Report, dir: &Path) -> io::Result<Written> {
    fs::create_dir_all(dir).map_err(|error| at(dir, &error))?;
    let [html_name, markdown_name, junit_name, json_name] = NAMES;
    let form = |name: &str, text: Result<String, io::Error>| {
        let path = dir.join(name);
        let replaced = text.and_then(|text| replace(&path, text.as_bytes()));
        replaced.map_err(|error| at(&path, &error))?;
        Ok::<_, io::Error>(path)
    };
    Ok(Written {
        html: form(html_name, html::render(report).map_err(io::Error::other))?,
        markdown: form(markdown_name, Ok(markdown::render(report)))?,
        junit: form(junit_name, junit::render(report).map_err(io::Error::other))?,
        json: form(json_name, json::render(report).map_err(io::Error::other))?,
    })
}

/// Writes beside `path`, then renames. The name is this process's own; two threads of one process
/// do not write one report.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::sample::sample_report;
    use super::*;

    #[test]
    fn all_four_are_written_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("new/report");
        let first = write_all(&sample_report(), &target).unwrap();
        assert_eq!(write_all(&sample_report(), &target).unwrap(), first);
        let mut names: Vec<_> =
            fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["junit.xml", "report.html", "report.json", "report.md"]);
        assert_eq!(fs::read_to_string(first.markdown).unwrap(), markdown::render(&sample_report()));
    }

    #[test]
    fn an_error_names_the_path_and_leaves_no_part_behind() {
        let dir = tempfile::tempdir().unwrap();
        // A directory can't be replaced by a file.
        let blocked = dir.path().join("report.md");
        fs::create_dir(&blocked).unwrap();
        let error = write_all(&sample_report(), dir.path()).unwrap_err();
        assert!(error.to_string().contains(&blocked.display().to_string()), "{error}");
        let left = fs::read_dir(dir.path()).unwrap();
        assert!(
            left.into_iter()
                .all(|entry| { !entry.unwrap().file_name().to_string_lossy().contains(".tmp") })
        );
    }
}

//! The book: the pages that `docs/SUMMARY.md` lists, as HTML with a side bar.
//!
//! The summary has mdbook's form, so any tool for it can read the same directory. Every page of the
//! directory must be listed and every listed page must exist; a link from page to page is turned
//! into one between their HTML files, and a link that leaves the book stays as its text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html};

use crate::failure::Failure;
use crate::markdown;
use crate::workspace::write;

const SUMMARY: &str = "SUMMARY.md";
const STYLE: &str = include_str!("style.css");

/// The pages by their path in the book's directory.
type Pages = BTreeMap<String, String>;

/// A line of the summary.
#[derive(Debug, PartialEq, Eq)]
struct Chapter {
    title: String,
    path: String,
}

/// Renders the book of `source` into `target` and returns the number of its pages.
pub(super) fn build(source: &Path, target: &Path) -> Result<usize, Failure> {
    let mut pages = Pages::new();
    read(source, "", &mut pages)?;
    let summary = pages.remove(SUMMARY);
    let summary =
        summary.ok_or_else(|| Failure::file("reading", &source.join(SUMMARY), &"it is missing"))?;
    let chapters = chapters(&summary);
    check(&chapters, &pages)
        .map_err(|problem| Failure::new(format!("docs/{SUMMARY}: {problem}")))?;
    for (at, chapter) in chapters.iter().enumerate() {
        let html = document(chapter, &side_bar(&summary, &chapter.path, &pages), &pages);
        write(&target.join(html_path(&chapter.path)), &html)?;
        if at == 0 {
            let home = document(chapter, &side_bar(&summary, "index.md", &pages), &pages);
            write(&target.join("index.html"), &home)?;
        }
    }
    Ok(chapters.len())
}

/// Reads every Markdown file below `root/directory`.
fn read(root: &Path, directory: &str, pages: &mut Pages) -> Result<(), Failure> {
    let at = root.join(directory);
    let failed = |error: std::io::Error| Failure::file("reading", &at, &error);
    for entry in fs::read_dir(&at).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
        if entry.path().is_dir() {
            read(root, &path, pages)?;
        } else if is_page(&path) {
            let text = fs::read_to_string(entry.path()).map_err(failed)?;
            pages.insert(path, text);
        }
    }
    Ok(())
}

/// The summary's links, in order.
fn chapters(summary: &str) -> Vec<Chapter> {
    let mut chapters = Vec::new();
    let mut open: Option<Chapter> = None;
    for event in Parser::new_ext(summary, markdown::OPTIONS) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                let path = dest_url.trim_start_matches("./").to_owned();
                open = Some(Chapter { title: String::new(), path });
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(chapter) = &mut open {
                    chapter.title.push_str(&text);
                }
            }
            Event::End(TagEnd::Link) => chapters.extend(open.take()),
            _ => {}
        }
    }
    chapters
}

/// The summary and the directory must agree.
fn check(chapters: &[Chapter], pages: &Pages) -> Result<(), String> {
    if chapters.is_empty() {
        return Err("lists no page".to_owned());
    }
    if let Some(missing) = chapters.iter().find(|chapter| !pages.contains_key(&chapter.path)) {
        return Err(format!("lists `{}`, which does not exist", missing.path));
    }
    let is_listed = |path: &String| chapters.iter().any(|chapter| chapter.path == *path);
    match pages.keys().find(|path| !is_listed(path)) {
        Some(unlisted) => Err(format!("does not list `{unlisted}`")),
        None => Ok(()),
    }
}

/// The summary as seen from the page `current`, without its heading.
fn side_bar(summary: &str, current: &str, pages: &Pages) -> String {
    let events = Parser::new_ext(summary, markdown::OPTIONS).collect();
    let mut in_heading = false;
    let events = in_html(events, current, SUMMARY, pages).into_iter().filter(|event| {
        match event {
            Event::Start(Tag::Heading { .. }) => in_heading = true,
            Event::End(TagEnd::Heading(_)) => {
                in_heading = false;
                return false;
            }
            _ => {}
        }
        !in_heading
    });
    let mut bar = String::new();
    html::push_html(&mut bar, events);
    let own = format!("<a href=\"{}\">", relative(current, &html_path(current)));
    bar.replacen(&own, &own.replace("<a ", "<a aria-current=\"page\" "), 1)
}

fn document(chapter: &Chapter, side_bar: &str, pages: &Pages) -> String {
    let text = pages.get(&chapter.path).map_or("", String::as_str);
    let events = in_html(markdown::with_anchors(text), &chapter.path, &chapter.path, pages);
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    let title = chapter.title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <nav>\n{side_bar}</nav>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Turns links between pages into links between their HTML files. `text_of` is the page that the
/// links were written in, `current` the one that they will stand in.
fn in_html<'t>(
    events: Vec<Event<'t>>,
    current: &str,
    text_of: &str,
    pages: &Pages,
) -> Vec<Event<'t>> {
    let mut leaves_the_book = false;
    let turned = events.into_iter().filter_map(|mut event| {
        if matches!(event, Event::End(TagEnd::Link)) && leaves_the_book {
            leaves_the_book = false;
            return None;
        }
        if let Event::Start(Tag::Link { dest_url, .. }) = &mut event
            && !dest_url.contains("://")
            && !dest_url.starts_with('#')
        {
            let (path, anchor) = dest_url.split_once('#').unwrap_or((dest_url, ""));
            let page = resolve(text_of, path);
            if !pages.contains_key(&page) {
                leaves_the_book = true;
                return None;
            }
            let hash = if anchor.is_empty() { "" } else { "#" };
            let url = format!("{}{hash}{anchor}", relative(current, &html_path(&page)));
            *dest_url = CowStr::from(url);
        }
        Some(event)
    });
    turned.collect()
}

fn is_page(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "md")
}

fn html_path(page: &str) -> String {
    page.strip_suffix(".md").map_or_else(|| page.to_owned(), |stem| format!("{stem}.html"))
}

/// The path that `link` means in the page `from`; both from the book's directory.
fn resolve(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// `to` as a link in the page `from`.
fn relative(from: &str, to: &str) -> String {
    format!("{}{to}", "../".repeat(from.matches('/').count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# Summary\n\n- [Map](map.md)\n- [Reference](ref/a.md)\n";

    fn pages() -> Pages {
        let pages = [
            (
                "map.md",
                "# Map\n\nSee [a](ref/a.md#limits), [code](../src/lib.rs), [w](https://w.org).",
            ),
            ("ref/a.md", "# A\n\n## Limits\n\n[back](../map.md)"),
        ];
        pages.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
    }

    fn rendered(at: usize) -> String {
        let chapter = &chapters(LIST)[at];
        document(chapter, &side_bar(LIST, &chapter.path, &pages()), &pages())
    }

    #[test]
    fn links_between_pages_lead_to_their_html() {
        let map = rendered(0);
        assert!(map.contains("<a href=\"ref/a.html#limits\">a</a>"), "{map}");
        assert!(map.contains("<a href=\"https://w.org\">w</a>"), "{map}");
        assert!(map.contains(", code, "), "a link that leaves the book stays as its text: {map}");
        let reference = rendered(1);
        assert!(reference.contains("<a href=\"../map.html\">back</a>"), "{reference}");
        assert!(reference.contains("<h2 id=\"limits\">"), "{reference}");
    }

    #[test]
    fn the_side_bar_lists_every_page_and_marks_the_open_one() {
        let reference = rendered(1);
        assert!(reference.contains("<a href=\"../map.html\">Map</a>"), "{reference}");
        let own = "<a aria-current=\"page\" href=\"../ref/a.html\">Reference</a>";
        assert!(reference.contains(own), "{reference}");
        assert!(!reference.contains("Summary"), "{reference}");
    }

    #[test]
    fn the_summary_and_the_directory_must_agree() {
        let mut pages = pages();
        assert_eq!(check(&chapters(LIST), &pages), Ok(()));
        pages.insert("new.md".to_owned(), String::new());
        assert_eq!(check(&chapters(LIST), &pages), Err("does not list `new.md`".to_owned()));
        pages.remove("new.md");
        pages.remove("map.md");
        let missing = Err("lists `map.md`, which does not exist".to_owned());
        assert_eq!(check(&chapters(LIST), &pages), missing);
        assert_eq!(check(&[], &pages), Err("lists no page".to_owned()));
    }
}

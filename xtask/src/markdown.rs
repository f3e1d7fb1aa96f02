//! What the commands need to know of a Markdown text: its links and its anchors.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The extensions that pages may use: those that GitHub renders.
pub(crate) const OPTIONS: Options =
    Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_FOOTNOTES);

/// A link or an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The line it stands on, from 1.
    pub(crate) line: usize,
    /// Where it points, as written.
    pub(crate) target: String,
}

/// The links of `text`, in order.
pub(crate) fn links(text: &str) -> Vec<Link> {
    let events = Parser::new_ext(text, OPTIONS).into_offset_iter();
    events
        .filter_map(|(event, range)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(Link {
                line: text[..range.start].matches('\n').count() + 1,
                target: dest_url.into_string(),
            }),
            _ => None,
        })
        .collect()
}

/// The events of `text`, each heading with its anchor as an id.
pub(crate) fn with_anchors(text: &str) -> Vec<Event<'_>> {
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, OPTIONS).collect();
    let mut seen = BTreeMap::<String, usize>::new();
    for at in 0..events.len() {
        if !matches!(events[at], Event::Start(Tag::Heading { .. })) {
            continue;
        }
        let slug = slug(&plain_text(&events[at + 1..]));
        let earlier = seen.entry(slug.clone()).or_default();
        let anchor = if *earlier == 0 { slug } else { format!("{slug}-{earlier}") };
        *earlier += 1;
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(anchor.into());
        }
    }
    events
}

/// The anchors of `text`'s headings.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let events = with_anchors(text).into_iter();
    events
        .filter_map(|event| match event {
            Event::Start(Tag::Heading { id, .. }) => id.map(String::from),
            _ => None,
        })
        .collect()
}

/// The words of a heading, up to its end.
fn plain_text(events: &[Event<'_>]) -> String {
    let heading =
        events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    heading
        .filter_map(|event| match event {
            Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
            _ => None,
        })
        .collect()
}

/// The anchor of a heading, by GitHub's rule.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_with_their_lines_and_code_is_not_a_link() {
        let text = "# A\n\nsee [b](b.md#c) and\n![d](d.png) `[e](f)`\n\n```\n[g](h)\n```\n[i][j]\n\n[j]: k.md\n";
        let found: Vec<_> = links(text).into_iter().map(|link| (link.line, link.target)).collect();
        assert_eq!(found, [(3, "b.md#c".into()), (4, "d.png".into()), (9, "k.md".into())]);
    }

    #[test]
    fn anchors_follow_github_s_rule() {
        let text = "# What's `new`, really?\n## Same\n## Same\n";
        assert_eq!(anchors(text), ["whats-new-really", "same", "same-1"]);
    }
}

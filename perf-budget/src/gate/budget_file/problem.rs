//! What is wrong with a budgets file: every problem with its place, for logs and for terminals.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// The most problems that are told of one file.
const MAX_PROBLEMS: usize = 100;

/// Everything that is wrong with a budgets file, in the order of the file; of a hopeless file, the
/// first hundred problems and how many more there are.
///
/// As text it is one line a problem, each of which stands alone:
/// `budgets.toml:14:1: unknown key `limit`, did you mean `max`?`. As a [`Diagnostic`] it shows each
/// problem in the file's own text.
#[derive(Debug)]
pub struct BudgetFileErrors {
    source: NamedSource<String>,
    /// Never empty.
    problems: Vec<FileProblem>,
    /// Problems beyond [`MAX_PROBLEMS`].
    untold: usize,
}

/// One thing that is wrong with a budgets file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one line.
    message: String,
    /// Bytes of the text that are to blame.
    span: Range<usize>,
    /// How to repair it, where more can be said than in the message.
    help: Option<String>,
}

/// Collects problems while a text is read.
#[derive(Debug)]
pub(super) struct Problems<'a> {
    text: &'a str,
    found: Vec<FileProblem>,
    untold: usize,
}

impl<'a> Problems<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, found: Vec::new(), untold: 0 }
    }

    /// Blames the bytes in `span`.
    pub(super) fn add(&mut self, span: Range<usize>, message: impl fmt::Display) {
        self.push(span, &message, None);
    }

    /// Blames the bytes in `span` and tells how to repair them.
    pub(super) fn add_with_help(
        &mut self,
        span: Range<usize>,
        message: impl fmt::Display,
        help: impl Into<String>,
    ) {
        self.push(span, &message, Some(help.into()));
    }

    fn push(&mut self, span: Range<usize>, message: &dyn fmt::Display, help: Option<String>) {
        if self.found.len() == MAX_PROBLEMS {
            self.untold += 1;
            return;
        }
        let start = character_start(self.text, span.start);
        let end = character_start(self.text, span.end).max(start);
        let (line, column) = position(self.text, start);
        let message = one_line(&message.to_string());
        self.found.push(FileProblem { line, column, message, span: start..end, help });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The error that holds what was found.
    pub(super) fn into_errors(mut self, source_name: &str) -> BudgetFileErrors {
        self.found.sort_by_key(|problem| problem.span.start);
        let source = NamedSource::new(source_name, self.text.to_owned()).with_language("TOML");
        BudgetFileErrors { source, problems: self.found, untold: self.untold }
    }
}

/// The last byte up to `at` with which a character starts, or the end of `text`.
fn character_start(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Line and column, both from 1, of the byte `at`, which is a character's first.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// `text` without line breaks and other control characters, which it may quote from the file.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

impl BudgetFileErrors {
    /// The problems, in the order of the file; at least one.
    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }

    /// The name under which the text was read.
    pub fn source_name(&self) -> &str {
        self.source.name()
    }
}

impl FileProblem {
    /// What is wrong, in one line, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for BudgetFileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let FileProblem { line, column, message, .. } = problem;
            write!(f, "{}:{line}:{column}: {message}", self.source.name())?;
        }
        match self.untold {
            0 => Ok(()),
            untold => write!(f, "\n{}: problems beyond these: {untold}", self.source.name()),
        }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BudgetFileErrors {}

impl std::error::Error for FileProblem {}

impl Diagnostic for BudgetFileErrors {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

impl Diagnostic for FileProblem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_primary_with_span(Some("here".to_owned()), self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

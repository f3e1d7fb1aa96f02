//! `cargo xtask docs`: rustdoc, the book, and the pages that are generated.
//!
//! Generated pages are committed, so that they can be read without building anything; with
//! `--check` a page that is no longer what its source says is a failure. The book is rendered
//! [here](book) and not by a tool of its own: a Markdown parser compiles in seconds where mdbook
//! takes minutes, and nothing has to be installed.

mod book;
mod budgets;
mod generated;

use crate::failure::Failure;
use crate::process::Invocation;
use crate::workspace::{self, Workspace};

/// What `cargo xtask docs` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rewrite nothing: fail if a generated page is not current.
    #[arg(long)]
    check: bool,
}

impl Arguments {
    /// As CI runs it.
    pub(crate) const fn checking() -> Self {
        Self { check: true }
    }
}

/// Brings the generated pages up to date (or checks them), then builds rustdoc and the book.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let pages = generated::pages(workspace)?;
    if arguments.check {
        generated::check(workspace, &pages)?;
    } else {
        generated::write(workspace, &pages)?;
    }
    let metadata = workspace.metadata()?;
    for library in workspace::libraries(&metadata) {
        let alone = ["--package", library.name.as_str(), "--lib", "--no-default-features"];
        rustdoc(workspace).args(alone).check()?;
    }
    // Last, so that these are the pages that stay.
    rustdoc(workspace).args(["--workspace", "--all-features"]).check()?;
    let target = metadata.target_directory;
    let book = target.join("book");
    let count = book::build(&workspace.path("docs"), book.as_std_path())?;
    println!("rustdoc: {}", target.join("doc/perf_budget/index.html"));
    println!("book, {count} pages: {}", book.join("index.html"));
    Ok(())
}

fn rustdoc(workspace: &Workspace) -> Invocation {
    let cargo = workspace.cargo().args(["doc", "--no-deps", "--quiet"]);
    cargo.env_flag("RUSTDOCFLAGS", "-D warnings")
}

//! Prints the reference page of this crate's configuration keys as Markdown.

use foundation::config::{KEYS, Schema, SchemaError, reference_markdown};

fn main() -> Result<(), SchemaError> {
    print!("{}", reference_markdown(&Schema::new(&[KEYS])?));
    Ok(())
}
